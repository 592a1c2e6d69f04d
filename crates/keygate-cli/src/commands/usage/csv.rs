use std::fmt::Write as _;

use super::{Listing, Row, reasons, refused};

/// Writes a list as comma-separated values with a header (RFC 4180).
pub(super) fn text(listing: &Listing) -> String {
    let mut text = listing.columns.join(",") + ",requests,refused,reasons\r\n";
    for Row { of, totals } in &listing.rows {
        for value in of {
            let _ = write!(text, "{},", field(value));
        }
        let (requests, refused) = (totals.requests, refused(totals));
        let _ = write!(text, "{requests},{refused},{}\r\n", field(&reasons(totals)));
    }
    text
}

fn field(value: &str) -> String {
    if value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_quoted_where_needed() {
        for (value, written) in [("App 1", "App 1"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\"")] {
            assert_eq!(field(value), written);
        }
    }
}

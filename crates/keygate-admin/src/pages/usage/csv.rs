//! The tables as comma-separated values (RFC 4180).

use super::totals::{Outcomes, Shown};
use crate::view::time::utc;

const OUTCOMES: [&str; 3] = ["served", "throttled", "refused"];

pub(super) fn times(shown: &Shown) -> String {
    let mut text = row(["start"].iter().chain(&OUTCOMES));
    for (start, outcomes) in &shown.rows {
        text += &row(counted(utc(*start), *outcomes));
    }
    text
}

pub(super) fn clients(shown: &Shown) -> String {
    let mut text = row(["client"].iter().chain(&OUTCOMES));
    for client in &shown.top {
        text += &row(counted(client.client.clone(), Outcomes::of(&client.totals)));
    }
    text
}

pub(super) fn reasons(shown: &Shown) -> String {
    let mut text = row(["reason", "requests"]);
    for (reason, count) in &shown.reasons {
        text += &row([reason.clone(), count.to_string()]);
    }
    text
}

fn counted(first: String, outcomes: Outcomes) -> [String; 4] {
    let [served, throttled, refused] = outcomes.values().map(|count| count.to_string());
    [first, served, throttled, refused]
}

fn row(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let values = values.into_iter().map(|value| cell(value.as_ref())).collect::<Vec<_>>();
    values.join(",") + "\r\n"
}

/// Writes a cell. Client names can be anything, and a spreadsheet would execute a cell that looks like a formula. Such
/// cells get a leading apostrophe, which makes them text.
fn cell(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let value = if is_formula { format!("'{value}") } else { value.to_owned() };
    if is_formula || value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_begin_a_formula() {
        let cases = [
            ("App 1", "App 1"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("\t=1", "\"'\t=1\""),
            ("a=1", "a=1"),
        ];
        for (value, expected) in cases {
            assert_eq!(cell(value), expected);
        }
    }
}

use super::{Listing, Row, reasons, refused};
use crate::csv::row;

/// Formats a list as comma-separated values with a header row.
pub(super) fn text(listing: &Listing) -> String {
    let mut text = row(listing.columns.iter().copied().chain(["requests", "refused", "reasons"]));
    for Row { of, totals } in &listing.rows {
        let counts = [totals.requests.to_string(), refused(totals).to_string(), reasons(totals)];
        text += &row(of.iter().chain(&counts));
    }
    text
}

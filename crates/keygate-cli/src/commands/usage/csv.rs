use super::{Listing, Row, counts, headings};
use crate::csv::row;

/// Formats a list as comma-separated values with a header row.
pub(super) fn text(listing: &Listing) -> String {
    let mut text = row(headings(listing));
    for Row { of, totals } in &listing.rows {
        text += &row(of.iter().chain(&counts(totals)));
    }
    text
}

//! Where a page of a list begins, and the links to the pages around it.

use keygate::manage::{ManageError, Page};
use maud::{Markup, html};

use super::Params;
use super::table::ListAddress;

/// Returns the cursor that the page begins behind: empty for the first page.
///
/// `after` in the address is that cursor. `before` is the cursor of another page, and asks for the page before it:
/// `read_back` reads a page in the reverse order behind a cursor, as long as a page of the list. The row at the cursor is
/// the last one of the page before, so that the last row that is read back is the one in front of that page.
///
/// # Errors
///
/// The store could not be read back, or the cursor is none of it.
pub(crate) async fn start<T, F>(
    params: &Params,
    read_back: impl FnOnce(&str) -> F,
) -> Result<String, ManageError>
where
    F: Future<Output = Result<Page<T>, ManageError>>,
{
    match params.text("before") {
        "" => Ok(params.text("after").to_owned()),
        before => Ok(read_back(before).await?.next.unwrap_or_default()),
    }
}

impl ListAddress<'_> {
    /// Returns the links to the first, the previous and the next page, if there are any. `after` is the cursor that this
    /// page begins behind.
    pub(crate) fn pager(&self, after: &str, next: Option<&str>) -> Markup {
        html! {
            @if !after.is_empty() || next.is_some() {
                nav.pager aria-label="Pages" {
                    @if !after.is_empty() {
                        a href=(self.with(("after", ""))) { "First page" }
                        @if self.has_previous {
                            a rel="prev" href=(self.with(("before", after))) { "Previous page" }
                        }
                    }
                    @if let Some(next) = next {
                        a rel="next" href=(self.with(("after", next))) { "Next page" }
                    }
                }
            }
        }
    }
}

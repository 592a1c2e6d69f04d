//! The start of a page in a list, and the links to other pages.

use keygate::manage::{ManageError, Page};
use maud::{Markup, html};

use super::Params;
use super::table::ListAddress;

/// Returns the cursor after which the page begins; empty for the first page.
///
/// The parameter `after` is this cursor. The parameter `before` is the cursor of the following page. `read_back` reads a
/// page of rows after a cursor in reverse order, and its next cursor is where this page begins, since a cursor stands
/// for the last row before a page.
///
/// # Errors
///
/// Fails if the store cannot be read, or if the cursor is not valid.
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
    /// Renders the links to the first, the previous and the next page, if there are any. `after` is the cursor after
    /// which this page begins.
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

//! Tables with sort links and page links.

use keygate::KeyId;
use maud::{Markup, html};

use crate::app::App;
use crate::view::{key_url, query, with_code};

/// A column: its heading, and its value for the `sort` parameter if the list can be sorted by it.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) sort: Option<&'static str>,
    /// Whether the column sorts only in descending order.
    is_descending: bool,
    pub(crate) class: &'static str,
}

impl Column {
    pub(crate) const fn new(heading: &'static str) -> Self {
        Self { heading, sort: None, is_descending: false, class: "" }
    }

    pub(crate) const fn sorted_by(self, sort: &'static str) -> Self {
        Self { sort: Some(sort), ..self }
    }

    /// Creates a column that sorts only in descending order, with the latest or greatest value first.
    pub(crate) const fn descending_by(self, sort: &'static str) -> Self {
        Self { sort: Some(sort), is_descending: true, ..self }
    }

    pub(crate) const fn number(self) -> Self {
        Self { class: "num", ..self }
    }
}

/// The URL of a list without its order and position, and its current order.
pub(crate) struct ListAddress<'a> {
    pub(crate) path: &'a str,
    pub(crate) filters: Vec<(&'a str, &'a str)>,
    pub(crate) sort: &'a str,
    /// Whether the list can also be read in the reverse order.
    pub(crate) has_previous: bool,
}

impl ListAddress<'_> {
    /// Returns the URL of a page in the current order.
    pub(crate) fn with(&self, place: (&str, &str)) -> String {
        self.sorted(self.sort, place)
    }

    fn sorted(&self, sort: &str, place: (&str, &str)) -> String {
        let pairs = self.filters.iter().copied().chain([("sort", sort), place]);
        format!("{}{}", self.path, query(pairs))
    }

    /// Renders the table head. Sortable columns are links and show the current order.
    pub(crate) fn head(&self, columns: &[Column]) -> Markup {
        html! {
            thead { tr {
                @for Column { heading, sort, is_descending, class } in columns {
                    @if let Some(sort) = sort {
                        @let reverse = format!("-{sort}");
                        @let now = match self.sort {
                            now if now == *sort && *is_descending => Some("descending"),
                            now if now == *sort => Some("ascending"),
                            now if now == reverse => Some("descending"),
                            _ => None,
                        };
                        @let next = if self.sort == *sort && !is_descending { &*reverse } else { sort };
                        th scope="col" class=[not_empty(class)] aria-sort=[now] {
                            a href=(self.sorted(next, ("after", ""))) { (heading) }
                        }
                    } @else {
                        th scope="col" class=[not_empty(class)] { (heading) }
                    }
                }
            } }
        }
    }
}

fn not_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Renders the messages about rows that the store could not read, with a link to the page of each key.
pub(crate) fn unreadable(app: &App, messages: &[String]) -> Markup {
    html! {
        @if !messages.is_empty() {
            div.notice.bad role="alert" {
                p { "Some rows of the store cannot be read. Their keys are refused. Repair the rows in the database, or revoke \
                    the keys." }
                ul {
                    @for message in messages {
                        li { (with_code(message)) @if let Some(id) = key_of(message) { ". " a href=(key_url(app, id, "")) { "Revoke it" } } }
                    }
                }
            }
        }
    }
}

/// Returns the key in a message. Stores report unreadable rows only as text, with the key's ID.
fn key_of(message: &str) -> Option<KeyId> {
    let (_, rest) = message.split_once("the row of the key ")?;
    rest.split(' ').next()?.parse().ok()
}

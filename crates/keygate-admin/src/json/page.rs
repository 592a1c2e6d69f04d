use keygate::manage::Page;
use serde::Serialize;
use utoipa::ToSchema;

use super::Params;

/// The maximum number of rows on a page.
const MOST: u64 = 1_000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows of this page.
    items: Vec<T>,
    /// The `after` of the next page; `null` if this is the last one.
    next: Option<String>,
    /// A message for each row that cannot be read, because it was edited by hand.
    unreadable: Vec<String>,
}

impl<T> List<T> {
    pub(crate) fn of<R>(page: Page<R>, view: impl Fn(&R) -> T) -> Self {
        let items = page.found.iter().map(view).collect();
        Self { items, next: page.next, unreadable: page.unreadable }
    }

    /// Removes the reasons why rows cannot be read.
    pub(crate) fn for_customer(self) -> Self {
        Self { unreadable: Vec::new(), ..self }
    }
}

/// The requested part of a list.
pub(crate) struct Cursor {
    pub(crate) limit: Option<usize>,
    pub(crate) after: Option<String>,
}

impl Cursor {
    pub(crate) fn read(params: &mut Params) -> Self {
        let limit = params.number("limit", MOST);
        Self {
            limit: limit.and_then(|limit| usize::try_from(limit).ok()),
            after: params.text("after"),
        }
    }
}

/// Applies a [`Cursor`] to a query. The query types share no trait.
macro_rules! paged {
    ($query:expr, $cursor:expr) => {{
        let (mut query, $crate::json::Cursor { limit, after }) = ($query, $cursor);
        if let Some(limit) = limit {
            query = query.with_limit(limit);
        }
        if let Some(after) = after {
            query = query.after(after);
        }
        query
    }};
}

pub(crate) use paged;

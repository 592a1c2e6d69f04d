//! The list of all keys.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use keygate::manage::{KeyQuery, KeySort, KeyStatus};
use maud::{Markup, html};

use super::key_table::Columns;
use crate::app::App;
use crate::error::PageResult;
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::Params;
use crate::view::badge::key_word;
use crate::view::field::{Errors, kept};
use crate::view::filters::FilterForm;
use crate::view::paging;
use crate::view::table::{ListAddress, unreadable};
use crate::view::time::DAY;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    params: Params,
) -> PageResult {
    let filters = Filters::of(&params);
    let mut errors = Errors::default();
    let query = filters.query(&mut errors);
    let path = app.url("/keys");
    let address = ListAddress {
        path: &path,
        filters: filters.pairs(),
        sort: &filters.sort,
        has_previous: true,
    };
    let (status, list) = match query {
        None => (StatusCode::UNPROCESSABLE_ENTITY, errors.summary_of_filters()),
        Some(query) => {
            let is_descending = filters.sort.starts_with('-');
            let ordered = |query: KeyQuery, is_descending| {
                if is_descending { query.descending() } else { query }
            };
            let store = &app.store;
            let read_back = |before: &str| {
                let back = ordered(query.clone().after(before), !is_descending);
                async move { store.keys(&back).await }
            };
            let after = paging::start(&params, read_back).await?;
            let query = ordered(query, is_descending);
            let query = if after.is_empty() { query } else { query.after(&after) };
            let page = store.keys(&query).await?;
            let columns = Columns { client: true, uses: None, buttons: false };
            let now = app.now();
            (
                StatusCode::OK,
                html! {
                    (unreadable(&app, &page.unreadable))
                    @if page.found.is_empty() {
                        p.empty {
                            @if !after.is_empty() { "There are no more keys. " a href=(path) { "Show all keys" } }
                            @else if filters.are_empty() { "No keys yet. Issue the first one on the page of a client." }
                            @else { "No keys match these filters. " a href=(path) { "Show all keys" } }
                        }
                    } @else {
                        div.table { table {
                            caption.visually-hidden { "Keys" }
                            (address.head(&columns.heads()))
                            tbody { @for key in &page.found { (columns.row(&app, key, now)) } }
                        } }
                    }
                    (address.pager(&after, page.next.as_deref()))
                },
            )
        }
    };
    let body = html! { (filters.form(&app, &errors)) div.stack id="list" { (list) } };
    Ok(page_with(status, &app, &operator, "Keys", Section::Keys, body))
}

/// The filters and the order of the list, unchecked.
struct Filters {
    search: String,
    client: String,
    status: String,
    scope: String,
    expires: String,
    sort: String,
}

impl Filters {
    fn of(params: &Params) -> Self {
        let text = |name| kept(params.text(name), "");
        let sort = Some(text("sort")).filter(|sort| !sort.is_empty());
        Self {
            search: text("search"),
            client: text("client"),
            status: text("status"),
            scope: text("scope"),
            expires: text("expires"),
            sort: sort.unwrap_or_else(|| "client".to_owned()),
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        let Self { search, client, status, scope, expires, sort: _ } = self;
        vec![
            ("search", search),
            ("client", client),
            ("status", status),
            ("scope", scope),
            ("expires", expires),
        ]
    }

    fn are_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_empty())
    }

    /// Returns the query, or the errors in the filters.
    fn query(&self, errors: &mut Errors) -> Option<KeyQuery> {
        let mut query = KeyQuery::new().with_search(&self.search);
        let sort = self.sort.strip_prefix('-');
        query = query.sorted_by(match sort.unwrap_or(&self.sort) {
            "created" => KeySort::Created,
            "expires" => KeySort::Expires,
            _ => KeySort::Client,
        });
        if !self.client.is_empty() {
            query = query.with_client(&self.client);
        }
        match KeyStatus::ALL.iter().find(|status| status.name() == self.status) {
            Some(status) => query = query.add_status(*status),
            None if self.status.is_empty() => {}
            None => errors.add("status", "choose a status from the list"),
        }
        if !self.scope.is_empty() {
            match self.scope.parse() {
                Ok(scope) => query = query.with_scope(scope),
                Err(error) => errors.add("scope", error),
            }
        }
        match &*self.expires {
            "" => {}
            "never" => query = query.without_expiry(),
            days => match days.parse::<u32>() {
                Ok(days) => {
                    let time = DAY.checked_mul(days).unwrap_or(Duration::MAX);
                    query = query.expiring_within(time);
                }
                Err(_) => errors.add("expires", "choose a time from the list"),
            },
        }
        errors.is_empty().then_some(query)
    }

    fn form(&self, app: &App, errors: &Errors) -> Markup {
        let times = [
            ("", "any time"),
            ("7", "within 7 days"),
            ("30", "within 30 days"),
            ("90", "within 90 days"),
            ("never", "never"),
        ];
        let states = KeyStatus::ALL.iter().map(|status| (status.name(), key_word(*status)));
        FilterForm::new(app, "/keys", errors)
            .search("Label or ID begins with", &self.search)
            .text("client", "Client", &self.client, "")
            .choice("status", "State", &self.status, [("", "all")].into_iter().chain(states))
            .text("scope", "Has scope", &self.scope, "orders:read")
            .choice("expires", "Expires", &self.expires, times)
            .sorted(&self.sort, "client")
            .show()
    }
}

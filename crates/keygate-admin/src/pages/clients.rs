//! The list of clients.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use http::StatusCode;
use keygate::manage::{ClientInfo, ClientQuery, ManageError};
use keygate::observe::UsageWatch;
use maud::{Markup, html};

use super::client_list::{self, ClientPage, ROWS};
use super::client_uses::{self, ClientUse, HOURS, Uses};
use super::{first_steps, uses};
use crate::app::App;
use crate::error::{PageError, PageResult};
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::plot::sparkline;
use crate::view::field::{Errors, kept};
use crate::view::filters::FilterForm;
use crate::view::paging;
use crate::view::table::{Column, ListAddress, unreadable};
use crate::view::time::{counted, grouped, optional};
use crate::view::{Params, badge, client_url};

const COLUMNS: [Column; 8] = [
    Column::new("Client").sorted_by("name"),
    Column::new("State"),
    Column::new("Scopes"),
    Column::new("Quota"),
    Column::new("Keys").number(),
    Column::new("Last used").descending_by("used"),
    Column::new("Today").number(),
    Column::new("Last 24 hours"),
];

/// The number of columns that need no usage.
const WITHOUT_USAGE: usize = 5;

/// The number of scopes shown per client. Further scopes are only counted, so that one client does not fill the page.
const SHOWN_SCOPES: usize = 4;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    params: Params,
) -> PageResult {
    let filters = Filters::of(&params);
    let mut errors = Errors::default();
    let query = filters.query(&mut errors);
    let Some(query) = query else {
        let body = html! { (filters.form(&app, &errors)) div.stack id="list" { (errors.summary_of_filters()) } };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page_with(status, &app, &operator, "Clients", Section::Clients, body));
    };
    let after = filters.start(&app, &params, &query).await?;
    let found = read(&app, &filters, query, &after).await?;
    let (uses, note) = uses_of(&app, &found.found).await;
    let now = app.now();
    let columns = if uses.is_some() { &COLUMNS[..] } else { &COLUMNS[..WITHOUT_USAGE] };
    let path = app.url("/clients");
    let address = ListAddress {
        path: &path,
        filters: filters.pairs(),
        sort: &filters.sort,
        has_previous: filters.sort != "used",
    };
    let is_whole = filters.are_empty() && after.is_empty();
    let body = html! {
        (super::done(params.text("done")))
        @if is_whole && found.found.is_empty() && found.unreadable.is_empty() {
            (first_steps::no_clients(&app, &operator))
        } @else {
            @if operator.may_change() {
                div.actions { a.button.primary href=(app.url("/clients/new")) { "Add a client" } }
            }
            (filters.form(&app, &errors))
            div.stack id="list" data-refresh=[app.usage.is_some().then_some("30")] {
            (unreadable(&app, &found.unreadable))
            (note)
            @if found.found.is_empty() {
                p.empty {
                    @if after.is_empty() { "No clients match these filters. " } @else { "There are no more clients. " }
                    a href=(path) { "Show all clients" }
                }
            } @else {
                div.table { table {
                    caption.visually-hidden { "Clients" }
                    (address.head(columns))
                    tbody { @for client in &found.found { (row(&app, client, uses.as_ref(), now)) } }
                } }
            }
            (address.pager(&after, found.next.as_deref()))
            }
        }
    };
    Ok(page_with(StatusCode::OK, &app, &operator, "Clients", Section::Clients, body))
}

async fn read(
    app: &App,
    filters: &Filters,
    query: ClientQuery,
    after: &str,
) -> Result<ClientPage, PageError> {
    let is_filtered = !filters.are_empty();
    Ok(match &app.usage {
        Some(usage) if filters.sort == "used" => {
            client_list::by_last_use(&*app.store, usage, &query, is_filtered, after).await?
        }
        _ => client_list::by_name(&*app.store, filters.ordered(query), after).await?,
    })
}

/// Reads the usage of these clients. If it is not known, returns the reason, since the list is shown without it.
async fn uses_of(app: &App, clients: &[ClientInfo]) -> (Option<Uses>, Markup) {
    let Some(usage) = &app.usage else { return (None, html! {}) };
    let now = app.now();
    match (client_uses::of(usage, clients, now).await, usage.watch().await) {
        (Ok(uses), Ok(UsageWatch::Never)) if uses.is_empty() => (None, uses::not_written()),
        (Ok(uses), Ok(UsageWatch::Ended { until, .. })) => {
            (Some(uses), html! { p.muted { (uses::ended(until, now)) } })
        }
        (Ok(uses), Ok(UsageWatch::Never | UsageWatch::Current { .. })) => (Some(uses), html! {}),
        (Err(error), _) | (_, Err(error)) => (None, uses::unreadable(&error.to_string())),
    }
}

fn row(app: &App, client: &ClientInfo, uses: Option<&Uses>, now: SystemTime) -> Markup {
    let ClientInfo { profile, enabled, keys, .. } = client;
    let scopes = profile.scopes();
    html! {
        tr {
            th.name scope="row" { (name(app, client)) }
            td { (badge::client(*enabled)) }
            td.scopes {
                @for scope in scopes.iter().take(SHOWN_SCOPES) { span.scope { (scope.as_str()) } " " }
                @if scopes.len() > SHOWN_SCOPES { span.muted { "and " (scopes.len() - SHOWN_SCOPES) " more" } }
                @if scopes.is_empty() { span.muted { "none" } }
            }
            td {
                @match profile.quota() {
                    Some(quota) => { (quota.to_string()) }
                    None => { span.muted { "default" } }
                }
            }
            td.num { (keys) }
            @if let Some(uses) = uses { (used(uses.get(profile.name()), now)) }
        }
    }
}

fn used(used: Option<&ClientUse>, now: SystemTime) -> Markup {
    let unused = ClientUse::default();
    let ClientUse { last, today, hours } = used.unwrap_or(&unused);
    html! {
        td.nowrap { (optional(*last, now, "not seen")) }
        td.num { (grouped(*today)) }
        td {
            @if hours.iter().any(|requests| *requests > 0) {
                (sparkline(hours, &format!("{} in the last {HOURS} hours", counted(hours.iter().sum(), "request"))))
            }
        }
    }
}

/// Renders a client's title as a link with its name below, or only its name if it has no title.
fn name(app: &App, client: &ClientInfo) -> Markup {
    let name = client.profile.name();
    html! {
        a href=(client_url(app, name, "")) { (client.profile.title().unwrap_or(name)) }
        @if client.profile.title().is_some() { small { (name) } }
    }
}

/// The filters and the order of the list, unchecked.
struct Filters {
    search: String,
    state: String,
    scope: String,
    metadata: String,
    sort: String,
}

impl Filters {
    fn of(params: &Params) -> Self {
        let text = |name| kept(params.text(name), "");
        let sort = match params.text("sort") {
            "" => "name".to_owned(),
            sort => sort.to_owned(),
        };
        Self {
            search: text("search"),
            state: text("state"),
            scope: text("scope"),
            metadata: text("metadata"),
            sort,
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        let Self { search, state, scope, metadata, sort: _ } = self;
        vec![("search", search), ("state", state), ("scope", scope), ("metadata", metadata)]
    }

    fn are_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_empty())
    }

    /// Returns the cursor after which the page begins.
    async fn start(
        &self,
        app: &App,
        params: &Params,
        query: &ClientQuery,
    ) -> Result<String, ManageError> {
        paging::start(params, |before| {
            let query = query.clone().after(before);
            let back = if self.sort == "-name" { query } else { query.descending() };
            async move { app.store.clients(&back.with_limit(ROWS)).await }
        })
        .await
    }

    fn ordered(&self, query: ClientQuery) -> ClientQuery {
        if self.sort == "-name" { query.descending() } else { query }
    }

    /// Returns the query, or the errors in the filters.
    fn query(&self, errors: &mut Errors) -> Option<ClientQuery> {
        let mut query = ClientQuery::new().with_search(&self.search);
        match &*self.state {
            "" => {}
            "enabled" => query = query.with_enabled(true),
            "disabled" => query = query.with_enabled(false),
            _ => errors.add("state", "choose enabled or disabled"),
        }
        if !self.scope.is_empty() {
            match self.scope.parse() {
                Ok(scope) => query = query.with_scope(scope),
                Err(error) => errors.add("scope", error),
            }
        }
        if !self.metadata.is_empty() {
            match self.metadata.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    query = query.add_metadata(name.trim(), value.trim());
                }
                _ => errors.add("metadata", "write metadata as name=value"),
            }
        }
        errors.is_empty().then_some(query)
    }

    fn form(&self, app: &App, errors: &Errors) -> Markup {
        let states = [("", "all"), ("enabled", "enabled"), ("disabled", "disabled")];
        FilterForm::new(app, "/clients", errors)
            .search("Name or title begins with", &self.search)
            .choice("state", "State", &self.state, states)
            .text("scope", "Has scope", &self.scope, "orders:read")
            .text("metadata", "Metadata", &self.metadata, "team=billing")
            .sorted(&self.sort, "name")
            .show()
    }
}

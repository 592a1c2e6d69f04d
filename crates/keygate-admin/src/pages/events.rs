//! The list of recorded changes: who changed what, when, with the values before and after.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use http::StatusCode;
use keygate::manage::{ChangeAction, ChangeEvent, EventQuery, ManageError, Page};
use maud::{Markup, html};

use crate::app::App;
use crate::error::PageResult;
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::changes::{change, words};
use crate::view::field::{Errors, kept};
use crate::view::filters::FilterForm;
use crate::view::paging;
use crate::view::table::{Column, ListAddress, unreadable};
use crate::view::time::{DAY, parse_day, relative};
use crate::view::{Params, client_url, key_url};

/// The number of changes shown on the page of a client or key.
pub(super) const LATEST: usize = 10;

const DAY_FORM: &str = "write the date as 2027-01-31";

/// The subject of a list of changes. Columns with the same value in each row are left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    All,
    Client,
    Key,
}

impl Of {
    fn columns(self) -> Vec<Column> {
        let all = [
            ("Time", Self::Key),
            ("Changed by", Self::Key),
            ("Change", Self::Key),
            ("Client", Self::All),
        ];
        let all = all.into_iter().chain([("Key", Self::Client), ("Before and after", Self::Key)]);
        all.filter(|(_, last)| self <= *last).map(|(heading, _)| Column::new(heading)).collect()
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    params: Params,
) -> PageResult {
    let filters = Filters::of(&params);
    let mut errors = Errors::default();
    let query = filters.query(&mut errors);
    let respond = |status, list: Markup| {
        let body = html! { (filters.form(&app, &errors)) div.stack id="list" { (list) } };
        Ok(page_with(status, &app, &operator, "Events", Section::Events, body))
    };
    let Some(query) = query else {
        return respond(StatusCode::UNPROCESSABLE_ENTITY, errors.summary_of_filters());
    };
    let (after, page) = match read(&app, &params, query).await {
        Ok(read) => read,
        Err(ManageError::NoEvents { why }) => {
            let body = not_recorded(why);
            return Ok(page_with(StatusCode::OK, &app, &operator, "Events", Section::Events, body));
        }
        Err(error) => return Err(error.into()),
    };
    let path = app.url("/events");
    let address =
        ListAddress { path: &path, filters: filters.pairs(), sort: "", has_previous: true };
    respond(
        StatusCode::OK,
        html! {
            (unreadable(&app, &page.unreadable))
            @if page.found.is_empty() {
                p.empty {
                    @if filters.are_empty() { "No changes yet." }
                    @else { "No changes match these filters. " a href=(path) { "Show all changes" } }
                }
            } @else {
                (table(&app, &page.found, Of::All, &address))
            }
            (address.pager(&after, page.next.as_deref()))
        },
    )
}

/// Reads a page. Also returns the cursor after which it begins.
async fn read(
    app: &App,
    params: &Params,
    query: EventQuery,
) -> Result<(String, Page<ChangeEvent>), ManageError> {
    let after = paging::start(params, |before| {
        let back = query.clone().oldest_first().after(before);
        async move { app.store.events(&back).await }
    })
    .await?;
    let query = if after.is_empty() { query } else { query.after(&after) };
    Ok((after, app.store.events(&query).await?))
}

/// Renders the latest changes of a client or key. If they cannot be read, it says why, and the rest of the page still
/// works.
pub(super) async fn latest(app: &App, query: &EventQuery, of: Of, all: &str) -> Markup {
    match app.store.events(query).await {
        Ok(page) => html! {
            @if page.found.is_empty() { p.muted { "No changes yet." } }
            @else {
                (table(app, &page.found, of, &ListAddress { path: "", filters: Vec::new(), sort: "", has_previous: false }))
                @if page.next.is_some() { p { a href={ (app.url("/events")) (all) } { "All changes" } } }
            }
        },
        Err(ManageError::NoEvents { why }) => not_recorded(why),
        Err(error) => {
            html! { div.notice.warn role="status" { p { "Changes cannot be read right now: " (error.to_string()) "." } } }
        }
    }
}

fn not_recorded(why: &str) -> Markup {
    html! { p.muted { "This store does not record changes: " (why) "." } }
}

fn table(app: &App, events: &[ChangeEvent], of: Of, address: &ListAddress<'_>) -> Markup {
    let now = app.now();
    html! {
        div.table { table.events {
            caption.visually-hidden { "Changes, newest first" }
            (address.head(&of.columns()))
            tbody { @for event in events { (row(app, event, of, now)) } }
        } }
    }
}

fn row(app: &App, event: &ChangeEvent, of: Of, now: SystemTime) -> Markup {
    html! {
        tr {
            td.nowrap { (relative(event.at, now)) }
            td {
                @match (&event.actor, &event.tool) {
                    (Some(actor), _) => { (actor) }
                    (None, Some(tool)) if tool.starts_with("keygate") => { span.muted { "unnamed, with " (tool) } }
                    // A manual change in the database has a program but no actor.
                    (None, Some(tool)) => { span.muted { "by hand, with " (tool) } }
                    (None, None) => { span.muted { "not known" } }
                }
            }
            td.nowrap { (words(event.action)) }
            @if of == Of::All {
            td.client { @if let Some(client) = &event.client { a href=(client_url(app, client, "")) { (client) } } }
            }
            @if of != Of::Key {
            td { @if let Some(id) = event.key_id { a href=(key_url(app, id, "")) { code.id { (id.to_string()) } } } }
            }
            td { (change(event)) }
        }
    }
}

/// The filters of the list, unchecked.
struct Filters {
    client: String,
    key: String,
    actor: String,
    action: String,
    since: String,
    until: String,
}

impl Filters {
    fn of(params: &Params) -> Self {
        let text = |name| kept(params.text(name), "");
        Self {
            client: text("client"),
            key: text("key"),
            actor: text("actor"),
            action: text("action"),
            since: text("since"),
            until: text("until"),
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        let Self { client, key, actor, action, since, until } = self;
        vec![
            ("client", client),
            ("key", key),
            ("actor", actor),
            ("action", action),
            ("since", since),
            ("until", until),
        ]
    }

    fn are_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_empty())
    }

    /// Returns the query, or the errors in the filters.
    fn query(&self, errors: &mut Errors) -> Option<EventQuery> {
        let Self { client, key, actor, action, since, until } = self;
        let mut query = EventQuery::new();
        if !client.is_empty() {
            query = query.with_client(client);
        }
        if !actor.is_empty() {
            query = query.with_actor(actor);
        }
        if !key.is_empty() {
            match key.parse() {
                Ok(key) => query = query.with_key(key),
                Err(error) => errors.add("key", error),
            }
        }
        if !action.is_empty() {
            match action.parse() {
                Ok(action) => query = query.with_action(action),
                Err(error) => errors.add("action", error),
            }
        }
        match (since.is_empty(), parse_day(since)) {
            (true, _) => {}
            (false, Some(day)) => query = query.since(day),
            (false, None) => errors.add("since", DAY_FORM),
        }
        match (until.is_empty(), parse_day(until)) {
            (true, _) => {}
            (false, Some(day)) => query = query.until(day + DAY),
            (false, None) => errors.add("until", DAY_FORM),
        }
        errors.is_empty().then_some(query)
    }

    fn form(&self, app: &App, errors: &Errors) -> Markup {
        let actions = ChangeAction::ALL.iter().map(|action| (action.name(), words(*action)));
        FilterForm::new(app, "/events", errors)
            .text("client", "Client", &self.client, "")
            .text("key", "Key ID", &self.key, "")
            .text("actor", "Changed by", &self.actor, "")
            .choice(
                "action",
                "Change",
                &self.action,
                [("", "all".to_owned())].into_iter().chain(actions),
            )
            .day("since", "From (UTC)", &self.since)
            .day("until", "To (UTC)", &self.until)
            .show()
    }
}

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use keygate::KeyId;
use keygate::manage::{ChangeAction, EventQuery};
use utoipa::IntoParams;

use super::Api;
use crate::json::{Cursor, EventView, JsonResult, List, Params, Problem, json, paged};

/// The filters and the order of the event list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListEvents {
    /// Only events of this client and its keys.
    client: Option<String>,
    /// Only events of this key.
    #[param(value_type = Option<String>)]
    key_id: Option<KeyId>,
    /// Only changes by this actor.
    actor: Option<String>,
    /// Only changes of this kind, such as `key.revoked`.
    #[param(value_type = Option<String>)]
    action: Option<ChangeAction>,
    /// Only events from this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<SystemTime>,
    /// Only events before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<SystemTime>,
    /// Lists the oldest events first.
    oldest_first: Option<bool>,
    /// The maximum number of rows, 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl ListEvents {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let Cursor { limit, after } = Cursor::read(&mut params);
        let request = Self {
            client: params.text("client"),
            key_id: params.parsed("key_id"),
            actor: params.text("actor"),
            action: params.parsed("action"),
            since: params.time("since"),
            until: params.time("until"),
            oldest_first: params.flag("oldest_first"),
            limit,
            after,
        };
        params.finish()?;
        Ok(request)
    }

    fn query(self) -> EventQuery {
        let Self { client, key_id, actor, action, since, until, oldest_first, limit, after } = self;
        let mut query = paged!(EventQuery::default(), Cursor { limit, after });
        if let Some(client) = client {
            query = query.with_client(client);
        }
        if let Some(key_id) = key_id {
            query = query.with_key(key_id);
        }
        if let Some(actor) = actor {
            query = query.with_actor(actor);
        }
        if let Some(action) = action {
            query = query.with_action(action);
        }
        if let Some(since) = since {
            query = query.since(since);
        }
        if let Some(until) = until {
            query = query.until(until);
        }
        if oldest_first == Some(true) { query.oldest_first() } else { query }
    }
}

/// Lists recorded changes
///
/// Returns one page, with the newest first. 404 if the store does not record changes.
#[utoipa::path(get, path = "/events", tag = "events", params(ListEvents),
    responses((status = 200, description = "A page of events", body = List<EventView>)))]
pub(super) async fn list_events(State(api): State<Arc<Api>>, params: Params) -> JsonResult {
    let query = ListEvents::read(params)?.query();
    let page = api.app.store.events(&query).await?;
    Ok(json(StatusCode::OK, &List::of(page, EventView::of)))
}

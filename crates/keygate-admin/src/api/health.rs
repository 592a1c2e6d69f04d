use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use keygate::manage::{ClientQuery, EventQuery, ManageError, Policy};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::json::{JsonResult, json, time};

/// The state and abilities of the store.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`: if the store cannot be read, the response is 503.
    status: &'static str,
    policy: PolicyView,
    /// Whether the store records changes.
    events: bool,
    usage: UsageHealth,
}

/// The store's rules for key lifetimes.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
struct PolicyView {
    max_lifetime_seconds: Option<u64>,
    default_lifetime_seconds: Option<u64>,
    requires_expiry: bool,
}

/// The state of the usage history.
#[derive(Serialize, ToSchema)]
struct UsageHealth {
    /// `ok`, `unavailable`, or `not_kept` if this service has no usage history.
    status: &'static str,
    /// Since when usage has been recorded; `null` if it never was, if no service has recorded it for more than an hour, or
    /// if this is not known.
    #[schema(format = DateTime)]
    watched_since: Option<String>,
}

impl PolicyView {
    fn of(policy: &Policy) -> Self {
        Self {
            max_lifetime_seconds: policy.max_lifetime().map(|lifetime| lifetime.as_secs()),
            default_lifetime_seconds: policy.default_lifetime().map(|lifetime| lifetime.as_secs()),
            requires_expiry: policy.requires_expiry(),
        }
    }
}

/// Checks the store
///
/// Reads a row of the store. 503 if that fails.
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, description = "The store can be read", body = Health)))]
pub(super) async fn show_health(State(api): State<Arc<Api>>) -> JsonResult {
    let store = &api.app.store;
    store.clients(&ClientQuery::new().with_limit(1)).await?;
    let policy = PolicyView::of(&store.policy().await?);
    let events = match store.events(&EventQuery::default().with_limit(1)).await {
        Ok(_) => true,
        Err(ManageError::NoEvents { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let (status, since) = match &api.app.usage {
        None => ("not_kept", None),
        Some(history) => match history.watched_since().await {
            Ok(since) => ("ok", since),
            Err(_) => ("unavailable", None),
        },
    };
    let usage = UsageHealth { status, watched_since: since.map(time) };
    Ok(json(StatusCode::OK, &Health { status: "ok", policy, events, usage }))
}

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use keygate::client::Network;
use keygate::{KeyId, Quota, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_limit::count_live;
use super::{Caller, Shared};
use crate::json::{JsonResult, Problem, json, quota_schema};

/// The caller and its client. The client's metadata is left out, since it is for the service only.
#[derive(Serialize, ToSchema)]
struct Whoami {
    client: String,
    title: Option<String>,
    /// Whether the keys of the client work.
    enabled: bool,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// The networks from which its keys may be used. If empty, they may be used from anywhere.
    #[schema(value_type = Vec<String>)]
    networks: Vec<Network>,
    #[schema(schema_with = quota_schema)]
    quota: Option<Quota>,
    /// The caller's API key; `null` if the caller is signed in.
    #[schema(value_type = Option<String>)]
    key_id: Option<KeyId>,
    /// Whether the caller may issue and rotate keys.
    may_make_keys: bool,
    /// The number of keys that are neither revoked nor expired.
    keys: usize,
    /// The maximum number of such keys.
    max_keys: usize,
}

/// Shows who you are
#[utoipa::path(get, path = "/whoami", tag = "whoami",
    responses((status = 200, description = "The caller and its client", body = Whoami)))]
pub(super) async fn show_caller(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> JsonResult {
    let client = shared.client(&caller).await?;
    let store = &*shared.settings.store;
    let count = count_live(store, caller.client(), shared.now()).await;
    let profile = client.profile;
    let whoami = Whoami {
        client: profile.name().to_owned(),
        title: profile.title().map(ToOwned::to_owned),
        enabled: client.enabled,
        scopes: profile.scopes().to_vec(),
        networks: profile.networks().to_vec(),
        quota: profile.quota().cloned(),
        key_id: caller.key_id(),
        may_make_keys: caller.may_make_keys() && client.enabled,
        keys: count.map_err(Problem::for_customer)?,
        max_keys: shared.settings.max_keys,
    };
    Ok(json(StatusCode::OK, &whoami))
}

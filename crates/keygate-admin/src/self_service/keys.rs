use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use keygate::KeyId;
use keygate::manage::{ClientInfo, KeyInfo, KeyQuery, KeyStatus};
use utoipa::IntoParams;

use super::{Caller, Shared};
use crate::json::{
    Cursor, Fields, JsonResult, KeyView, List, Params, Problem, Segment, json, paged,
};

/// The filters of the key list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListKeys {
    /// Only keys with this status: `active`, `not_yet_valid`, `replaced`, `disabled`, `expired` or `revoked`. May be
    /// repeated.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<KeyStatus>,
    /// The maximum number of rows, 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl Shared {
    /// Returns the caller's client.
    pub(super) async fn client(&self, caller: &Caller) -> Result<ClientInfo, Problem> {
        self.settings.store.find_client(caller.client()).await.map_err(Problem::for_customer)
    }

    /// Returns a key of the caller. Only the caller's own keys are searched, so the ID of another client's key is
    /// handled exactly like an unknown one.
    pub(super) async fn own_key(&self, caller: &Caller, id: &str) -> Result<KeyInfo, Problem> {
        // A text that is not an ID is handled the same way, since no list contains it.
        let id: Option<KeyId> = id.parse().ok();
        let query = KeyQuery::new().with_client(caller.client()).only(id);
        let page = self.settings.store.keys(&query).await.map_err(Problem::for_customer)?;
        let mut found = page.found.into_iter();
        found.find(|key| Some(key.key_id) == id).ok_or_else(Problem::no_key)
    }

    /// Adds the last use of the caller's keys, if it is recorded and can be read.
    async fn add_last_uses(&self, caller: &Caller, keys: &mut [KeyInfo]) {
        let Some(usage) = &self.settings.usage else { return };
        if let Ok(uses) = usage.last_uses(Some(caller.client())).await {
            uses.add_to(keys);
        }
    }
}

/// Lists your keys
///
/// Returns one page, with the oldest first. It includes revoked and expired keys, unless a status is chosen.
#[utoipa::path(get, path = "/keys", tag = "keys", params(ListKeys),
    responses((status = 200, description = "A page of keys", body = List<KeyView>)))]
pub(super) async fn list_keys(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> JsonResult {
    let words: Vec<_> = KeyStatus::ALL.iter().map(|status| status.name()).collect();
    let status = params.all_words("status", &words);
    let Cursor { limit, after } = Cursor::read(&mut params);
    params.finish()?;
    let status = status.into_iter().map(|index| KeyStatus::ALL[index]).collect();
    let ListKeys { status, limit, after } = ListKeys { status, limit, after };

    let now = shared.now();
    let query = KeyQuery::new().with_client(caller.client()).at(now);
    let mut query = paged!(query, Cursor { limit, after });
    for status in status {
        query = query.add_status(status);
    }
    let mut page = shared.settings.store.keys(&query).await.map_err(Problem::for_customer)?;
    shared.add_last_uses(&caller, &mut page.found).await;
    Ok(json(StatusCode::OK, &List::of(page, |key| KeyView::of(key, now)).for_customer()))
}

/// Shows one of your keys
#[utoipa::path(get, path = "/keys/{key_id}", tag = "keys", params(("key_id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The key", body = KeyView)))]
pub(super) async fn show_key(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment,
) -> JsonResult {
    let mut key = shared.own_key(&caller, &id).await?;
    shared.add_last_uses(&caller, std::slice::from_mut(&mut key)).await;
    Ok(json(StatusCode::OK, &KeyView::of(&key, shared.now())))
}

/// Revokes one of your keys
///
/// This is permanent. A caller with an API key may revoke every key of its client, including its own.
#[utoipa::path(post, path = "/keys/{key_id}/revoke", tag = "keys", params(("key_id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The revoked key", body = KeyView)))]
pub(super) async fn revoke_key(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment,
    fields: Fields,
) -> JsonResult {
    fields.finish()?;
    let key = shared.own_key(&caller, &id).await?;
    let store = shared.store(&caller)?;
    let mut key = store.revoke(&key.key_id).await.map_err(Problem::for_customer)?;
    shared.add_last_uses(&caller, std::slice::from_mut(&mut key)).await;
    Ok(json(StatusCode::OK, &KeyView::of(&key, shared.now())))
}

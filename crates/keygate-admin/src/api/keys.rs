use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Extension;
use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use keygate::client::Network;
use keygate::manage::{KeyChange, KeyInfo, KeyQuery, KeySort, KeyStatus, ManageError};
use keygate::{KeyId, Scope};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::precondition::IfMatch;
use crate::json::{
    Cursor, Field, Fields, JsonResult, KeyView, Kind, List, Params, Problem, Segment, etag, json,
    paged,
};
use crate::operator::Operator;

/// Up to this number of clients, reading the last use of each client is faster than reading all.
const FEW_CLIENTS: usize = 50;

/// The filters and the order of the key list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListKeys {
    /// Only keys of this client.
    client: Option<String>,
    /// Only keys whose label or ID begins with this text.
    search: Option<String>,
    /// Only keys with this label.
    label: Option<String>,
    /// Only keys with this status: `active`, `not_yet_valid`, `replaced`, `disabled`, `expired` or `revoked`. May be
    /// repeated.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<KeyStatus>,
    /// Only keys with this scope, or with one that covers it.
    #[param(value_type = Option<String>)]
    scope: Option<Scope>,
    /// Only keys of clients with this metadata entry, as `name:value`. May be repeated.
    #[param(value_type = Option<Vec<String>>)]
    metadata: Vec<(String, String)>,
    /// Only keys that expire within this number of seconds.
    #[param(minimum = 1)]
    expires_within: Option<u64>,
    /// Only keys that never expire (`true`).
    never_expires: Option<bool>,
    /// The order: `client` (the default), `created` or `expires`.
    #[param(value_type = Option<String>)]
    sort: KeySort,
    /// Reverses the order.
    descending: Option<bool>,
    /// The maximum number of rows, 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl ListKeys {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let Cursor { limit, after } = Cursor::read(&mut params);
        let words: Vec<_> = KeyStatus::ALL.iter().map(|status| status.name()).collect();
        let status = params.all_words("status", &words);
        let sorts = [KeySort::Client, KeySort::Created, KeySort::Expires];
        let sort = params.word("sort", &["client", "created", "expires"]);
        let request = Self {
            client: params.text("client"),
            search: params.text("search"),
            label: params.text("label"),
            status: status.into_iter().map(|index| KeyStatus::ALL[index]).collect(),
            scope: params.parsed("scope"),
            metadata: params.pairs("metadata"),
            expires_within: params.number("expires_within", u64::from(u32::MAX)),
            never_expires: params.flag("never_expires"),
            sort: sort.map_or(KeySort::Client, |index| sorts[index]),
            descending: params.flag("descending"),
            limit,
            after,
        };
        params.finish()?;
        Ok(request)
    }

    fn query(self, now: SystemTime) -> KeyQuery {
        let Self {
            client,
            search,
            label,
            status,
            scope,
            metadata,
            expires_within,
            never_expires,
            sort,
            descending,
            limit,
            after,
        } = self;
        let query = KeyQuery::new().at(now).sorted_by(sort);
        let mut query = paged!(query, Cursor { limit, after });
        if let Some(client) = client {
            query = query.with_client(client);
        }
        if let Some(search) = search {
            query = query.with_search(&search);
        }
        if let Some(label) = label {
            query = query.with_label(label);
        }
        for status in status {
            query = query.add_status(status);
        }
        if let Some(scope) = scope {
            query = query.with_scope(scope);
        }
        for (name, value) in metadata {
            query = query.add_metadata(name, value);
        }
        if let Some(seconds) = expires_within {
            query = query.expiring_within(Duration::from_secs(seconds));
        }
        if never_expires == Some(true) {
            query = query.without_expiry();
        }
        if descending == Some(true) { query.descending() } else { query }
    }
}

/// A change of a key. Missing fields stay unchanged, and `null` removes a value (RFC 7396).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of the body that `change` reads")]
pub(super) struct ChangeKey {
    /// A readable description. It must not look like a key.
    label: Option<String>,
    /// The scopes to which the key is narrowed. If empty, the key has all scopes of its client.
    scopes: Option<Vec<String>>,
    /// The networks to which the key is narrowed. If empty, the key has all networks of its client.
    networks: Option<Vec<String>>,
    /// When the key expires; `null` for never.
    #[schema(format = DateTime)]
    expires: Option<String>,
}

fn change(fields: &mut Fields) -> KeyChange {
    let mut change = KeyChange::new();
    match fields.text("label") {
        Field::Set(label) => change = change.with_label(label),
        Field::Null => change = change.without_label(),
        Field::Missing => {}
    }
    if let Some(scopes) = fields.list::<Scope>("scopes") {
        change = change.with_scopes(scopes);
    }
    if let Some(networks) = fields.list::<Network>("networks") {
        change = change.with_networks(networks);
    }
    match fields.end("expires") {
        Field::Set(expires) => change.with_expiry(expires),
        Field::Null => change.with_expiry(None),
        Field::Missing => change,
    }
}

/// Parses a key ID. Anything else is answered with 404.
pub(super) fn key_id(text: &str) -> Result<KeyId, Problem> {
    let unknown =
        |_| Problem::new(Kind::NotFound, "This is not a key ID, which has 16 hexadecimal digits.");
    text.parse().map_err(unknown)
}

impl Api {
    /// Adds the last use of keys, if it is recorded and can be read. `/health` reports it if it cannot be read.
    async fn add_last_uses(&self, keys: &mut [KeyInfo]) {
        let Some(usage) = &self.app.usage else { return };
        let clients: BTreeSet<_> = keys.iter().map(|key| key.client.clone()).collect();
        if clients.len() > FEW_CLIENTS {
            if let Ok(uses) = usage.last_uses(None).await {
                uses.add_to(keys);
            }
            return;
        }
        for client in clients {
            if let Ok(uses) = usage.last_uses(Some(&client)).await {
                uses.add_to(keys.iter_mut().filter(|key| key.client == client));
            }
        }
    }

    /// Returns a response with a key, and its version as `ETag`.
    async fn shown(&self, mut key: KeyInfo) -> Response {
        self.add_last_uses(std::slice::from_mut(&mut key)).await;
        let mut response = json(StatusCode::OK, &KeyView::of(&key, self.app.now()));
        if let Ok(tag) = HeaderValue::try_from(etag(key.version())) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// Lists keys
///
/// Returns one page. It includes revoked and expired keys, unless a status is chosen.
#[utoipa::path(get, path = "/keys", tag = "keys", params(ListKeys),
    responses((status = 200, description = "A page of keys", body = List<KeyView>)))]
pub(super) async fn list_keys(State(api): State<Arc<Api>>, params: Params) -> JsonResult {
    let now = api.app.now();
    let query = ListKeys::read(params)?.query(now);
    let mut page = api.app.store.keys(&query).await?;
    api.add_last_uses(&mut page.found).await;
    Ok(json(StatusCode::OK, &List::of(page, |key| KeyView::of(key, now))))
}

/// Shows a key
#[utoipa::path(get, path = "/keys/{key_id}", tag = "keys", params(("key_id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The key", body = KeyView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn show_key(State(api): State<Arc<Api>>, Segment(id): Segment) -> JsonResult {
    let key = api.app.store.find_key(&key_id(&id)?).await?;
    Ok(api.shown(key).await)
}

/// Changes a key
///
/// `If-Match` is required.
#[utoipa::path(patch, path = "/keys/{key_id}", tag = "keys", request_body = ChangeKey,
    params(("key_id" = String, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "The `ETag` that the change is based on, or `*`")),
    responses((status = 200, description = "The changed key", body = KeyView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn change_key(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(id): Segment,
    headers: HeaderMap,
    mut fields: Fields,
) -> JsonResult {
    let (id, if_match) = (key_id(&id)?, IfMatch::required(&headers)?);
    let change = change(&mut fields);
    fields.finish()?;
    let store = if_match.on_key(api.store(&operator)?, &id).await?;
    let key = store.update_key(&id, change).await.map_err(|error| match error {
        // The beginning of an existing key cannot be changed.
        ManageError::NeverValid => Problem::field("/expires", error.to_string()),
        error => error.into(),
    })?;
    Ok(api.shown(key).await)
}

/// Revokes a key
///
/// This is permanent. Revoking a revoked key changes nothing.
#[utoipa::path(post, path = "/keys/{key_id}/revoke", tag = "keys",
    params(("key_id" = String, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the revoke is based on")),
    responses((status = 200, description = "The revoked key", body = KeyView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn revoke_key(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(id): Segment,
    headers: HeaderMap,
    fields: Fields,
) -> JsonResult {
    let id = key_id(&id)?;
    fields.finish()?;
    let store = IfMatch::optional(&headers)?.on_key(api.store(&operator)?, &id).await?;
    let key = store.revoke(&id).await?;
    Ok(api.shown(key).await)
}

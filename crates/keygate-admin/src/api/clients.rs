use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use keygate::client::Network;
use keygate::manage::{ClientChange, ClientInfo, ClientQuery};
use keygate::{ClientProfile, Quota, Scope};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::precondition::IfMatch;
use crate::json::{
    ClientView, Cursor, Field, Fields, JsonResult, List, Params, Problem, Segment, etag, json,
    paged, quota_schema,
};
use crate::operator::Operator;

/// The filters and the order of the client list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListClients {
    /// Only clients whose name or title begins with this text.
    search: Option<String>,
    /// Only enabled clients (`true`), or only disabled ones (`false`).
    enabled: Option<bool>,
    /// Only clients with this scope, or with one that covers it.
    #[param(value_type = Option<String>)]
    scope: Option<Scope>,
    /// Only clients with this metadata entry, as `name:value`. May be repeated.
    #[param(value_type = Option<Vec<String>>)]
    metadata: Vec<(String, String)>,
    /// Sorts by name in descending order.
    descending: Option<bool>,
    /// The maximum number of rows, 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl ListClients {
    fn read(mut params: Params) -> Result<Self, Problem> {
        let Cursor { limit, after } = Cursor::read(&mut params);
        let request = Self {
            search: params.text("search"),
            enabled: params.flag("enabled"),
            scope: params.parsed("scope"),
            metadata: params.pairs("metadata"),
            descending: params.flag("descending"),
            limit,
            after,
        };
        params.finish()?;
        Ok(request)
    }

    fn query(self) -> ClientQuery {
        let Self { search, enabled, scope, metadata, descending, limit, after } = self;
        let mut query = paged!(ClientQuery::new(), Cursor { limit, after });
        if let Some(search) = search {
            query = query.with_search(&search);
        }
        if let Some(enabled) = enabled {
            query = query.with_enabled(enabled);
        }
        if let Some(scope) = scope {
            query = query.with_scope(scope);
        }
        for (name, value) in metadata {
            query = query.add_metadata(name, value);
        }
        if descending == Some(true) { query.descending() } else { query }
    }
}

/// The body of a request to add a client.
#[derive(ToSchema)]
pub(super) struct NewClient {
    /// The client's identifier: 1 to 128 characters. It never changes, and must not look like a key.
    name: String,
    /// A readable name. It must not look like a key.
    title: Option<String>,
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Scope>>,
    #[schema(value_type = Option<Vec<String>>)]
    networks: Option<Vec<Network>>,
    #[schema(schema_with = quota_schema, required = false)]
    quota: Option<Quota>,
    /// Names and values, up to 4 KiB in total. They must not look like keys.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    metadata: Option<BTreeMap<String, Option<String>>>,
}

impl NewClient {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.required_text("name"),
            title: fields.text("title").set(),
            scopes: fields.list("scopes"),
            networks: fields.list("networks"),
            quota: fields.quota("quota").set(),
            metadata: fields.metadata("metadata").set(),
        }
    }

    fn profile(self) -> ClientProfile {
        let Self { name, title, scopes, networks, quota, metadata } = self;
        let metadata = metadata.unwrap_or_default();
        let metadata = metadata.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut profile = ClientProfile::new(name)
            .with_scopes(scopes.unwrap_or_default())
            .with_networks(networks.unwrap_or_default())
            .with_metadata(metadata);
        if let Some(title) = title {
            profile = profile.with_title(title);
        }
        if let Some(quota) = quota {
            profile = profile.with_quota(quota);
        }
        profile
    }
}

/// A change of a client. Missing fields stay unchanged, and `null` removes a value (RFC 7396).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of the body that `change` reads")]
pub(super) struct ChangeClient {
    /// A readable name. It must not look like a key.
    title: Option<String>,
    scopes: Option<Vec<String>>,
    networks: Option<Vec<String>>,
    #[schema(schema_with = quota_schema, required = false)]
    quota: Option<Quota>,
    /// Only the entries to change; `null` removes an entry. New names and values must not look like keys.
    metadata: Option<BTreeMap<String, Option<String>>>,
}

fn change(fields: &mut Fields) -> ClientChange {
    let mut change = ClientChange::new();
    match fields.text("title") {
        Field::Set(title) => change = change.with_title(title),
        Field::Null => change = change.without_title(),
        Field::Missing => {}
    }
    if let Some(scopes) = fields.list::<Scope>("scopes") {
        change = change.with_scopes(scopes);
    }
    if let Some(networks) = fields.list::<Network>("networks") {
        change = change.with_networks(networks);
    }
    match fields.quota("quota") {
        Field::Set(quota) => change = change.with_quota(quota),
        Field::Null => change = change.without_quota(),
        Field::Missing => {}
    }
    match fields.metadata("metadata") {
        Field::Set(metadata) => {
            for (name, value) in metadata {
                change = match value {
                    Some(value) => change.set_metadata(name, value),
                    None => change.remove_metadata(name),
                };
            }
        }
        Field::Null => change = change.with_metadata::<String, String>([]),
        Field::Missing => {}
    }
    change
}

/// Returns a response with a client, and its version as `ETag`.
fn shown(status: StatusCode, client: &ClientInfo) -> Response {
    let mut response = json(status, &ClientView::of(client));
    if let Ok(tag) = HeaderValue::try_from(etag(client.version())) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Lists clients
///
/// Returns one page, sorted by name.
#[utoipa::path(get, path = "/clients", tag = "clients", params(ListClients),
    responses((status = 200, description = "A page of clients", body = List<ClientView>)))]
pub(super) async fn list_clients(State(api): State<Arc<Api>>, params: Params) -> JsonResult {
    let query = ListClients::read(params)?.query();
    let page = api.app.store.clients(&query).await?;
    Ok(json(StatusCode::OK, &List::of(page, ClientView::of)))
}

/// Adds a client
///
/// The new client is enabled and has no keys.
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = NewClient,
    responses((status = 201, description = "The new client", body = ClientView,
        headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its URL")))))]
pub(super) async fn add_client(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    mut fields: Fields,
) -> JsonResult {
    let new = NewClient::read(&mut fields);
    fields.finish()?;
    let client = api.store(&operator)?.add_client(new.profile()).await?;
    let mut response = shown(StatusCode::CREATED, &client);
    let name = utf8_percent_encode(client.profile.name(), NON_ALPHANUMERIC);
    let location = api.app.url(&format!("/api/v1/clients/{name}"));
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Shows a client
#[utoipa::path(get, path = "/clients/{name}", tag = "clients", params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The client", body = ClientView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn show_client(State(api): State<Arc<Api>>, Segment(name): Segment) -> JsonResult {
    Ok(shown(StatusCode::OK, &api.app.store.find_client(&name).await?))
}

/// Changes a client
///
/// If the client loses scopes or networks, its keys lose them, too. `If-Match` is required.
#[utoipa::path(patch, path = "/clients/{name}", tag = "clients", request_body = ChangeClient,
    params(("name" = String, Path, description = "Its name"),
        ("If-Match" = String, Header, description = "The `ETag` that the change is based on, or `*`")),
    responses((status = 200, description = "The changed client", body = ClientView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn change_client(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(name): Segment,
    headers: HeaderMap,
    mut fields: Fields,
) -> JsonResult {
    let if_match = IfMatch::required(&headers)?;
    let change = change(&mut fields);
    fields.finish()?;
    let store = if_match.on_client(api.store(&operator)?, &name).await?;
    Ok(shown(StatusCode::OK, &store.update_client(&name, change).await?))
}

/// Removes a client
///
/// The client must be disabled. All its keys are removed with it. `If-Match` is required.
#[utoipa::path(delete, path = "/clients/{name}", tag = "clients",
    params(("name" = String, Path, description = "Its name"),
        ("If-Match" = String, Header, description = "The `ETag` that the removal is based on, or `*`")),
    responses((status = 200, description = "The removed client, with the number of removed keys", body = ClientView)))]
pub(super) async fn remove_client(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(name): Segment,
    headers: HeaderMap,
    fields: Fields,
) -> JsonResult {
    fields.finish()?;
    let store = IfMatch::required(&headers)?.on_client(api.store(&operator)?, &name).await?;
    let client = store.remove_client(&name).await?;
    Ok(json(StatusCode::OK, &ClientView::of(&client)))
}

/// Enables a client
///
/// Its keys work again.
#[utoipa::path(post, path = "/clients/{name}/enable", tag = "clients",
    params(("name" = String, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on")),
    responses((status = 200, description = "The client", body = ClientView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn enable_client(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(name): Segment,
    headers: HeaderMap,
    fields: Fields,
) -> JsonResult {
    fields.finish()?;
    let store = IfMatch::optional(&headers)?.on_client(api.store(&operator)?, &name).await?;
    Ok(shown(StatusCode::OK, &store.enable_client(&name).await?))
}

/// Disables a client
///
/// Its keys are refused until it is enabled again.
#[utoipa::path(post, path = "/clients/{name}/disable", tag = "clients",
    params(("name" = String, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on")),
    responses((status = 200, description = "The client", body = ClientView,
        headers(("ETag" = String, description = "Its version")))))]
pub(super) async fn disable_client(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(name): Segment,
    headers: HeaderMap,
    fields: Fields,
) -> JsonResult {
    fields.finish()?;
    let store = IfMatch::optional(&headers)?.on_client(api.store(&operator)?, &name).await?;
    Ok(shown(StatusCode::OK, &store.disable_client(&name).await?))
}

//! Security schemes and refusals in the documents of utoipa and aide.

use std::collections::BTreeMap;

use aide::NoApi;
use aide::axum::{ApiRouter, routing::get};
use http::Method;
use keygate::{Client, RouteScopes};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{WRITE, auth};

/// Converts a part of an OpenAPI document into the type of a crate.
fn part<T: DeserializeOwned>(part: impl Serialize) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(part)?)
}

/// # Errors
///
/// None, as long as utoipa has the fields of OpenAPI 3.1.
pub fn with_utoipa() -> Result<utoipa::openapi::OpenApi, serde_json::Error> {
    let keys = auth().openapi();
    let schemes: BTreeMap<String, _> = part(keys.security_schemes())?;
    let components = schemes.into_iter().fold(
        utoipa::openapi::ComponentsBuilder::new(),
        |components, (name, scheme): (String, utoipa::openapi::security::SecurityScheme)| {
            components.security_scheme(name, scheme)
        },
    );
    let scopes = RouteScopes::new().require(Method::GET, "/orders", WRITE);
    let paths = part(keys.paths(&scopes.expect("the route is well formed")))?;
    Ok(utoipa::openapi::OpenApiBuilder::new()
        .components(Some(components.build()))
        .paths(paths_of(paths))
        .build())
}

/// utoipa documents only the parameters in its attribute, so the client needs no extra line.
#[utoipa::path(get, path = "/route1", security(("bearer" = [])), responses((status = 200)))]
async fn greet_utoipa(client: Client) -> String {
    format!("Hello, {}", client.name())
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(greet_utoipa))]
struct ByAttributes;

/// The OpenAPI document of a handler with utoipa's attribute.
pub fn by_attributes() -> utoipa::openapi::OpenApi {
    let _app: axum::Router = axum::Router::new().route("/route1", axum::routing::get(greet_utoipa));
    <ByAttributes as utoipa::OpenApi>::openapi()
}

fn paths_of(items: BTreeMap<String, utoipa::openapi::path::PathItem>) -> utoipa::openapi::Paths {
    let paths = utoipa::openapi::PathsBuilder::new();
    items.into_iter().fold(paths, |paths, (path, item)| paths.path(path, item)).build()
}

/// `NoApi` hides the client, an argument, from the document.
async fn greet(NoApi(client): NoApi<Client>) -> String {
    format!("Hello, {}", client.name())
}

/// # Errors
///
/// None, as long as aide has the fields of OpenAPI 3.1.
pub fn with_aide() -> Result<aide::openapi::OpenApi, serde_json::Error> {
    let keys = auth().openapi();
    let mut document = aide::openapi::OpenApi::default();
    let security = part(keys.security(None))?;
    let _app: axum::Router =
        ApiRouter::new().api_route("/route1", get(greet)).finish_api(&mut document);
    document.security = security;
    let schemes: BTreeMap<String, aide::openapi::SecurityScheme> = part(keys.security_schemes())?;
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes {
        components.security_schemes.insert(name, aide::openapi::ReferenceOr::Item(scheme));
    }
    let responses: BTreeMap<String, aide::openapi::Response> = part(keys.responses())?;
    for (status, response) in responses {
        components.responses.insert(status, aide::openapi::ReferenceOr::Item(response));
    }
    Ok(document)
}

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use keygate::client::ClientAddress;
use keygate::{ApiKey, Authenticator, ClientProfile, MemoryStore, NewKey, Source};
use keygate_admin::{Admin, AdminConfigError};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::api::{ann, api, server, three};
use super::documented::Documented;
use super::support::{self, Server};

#[tokio::test]
async fn only_operators_keys_are_accepted() {
    let store = three();
    let key = ApiKey::generate("kg").unwrap();
    let profile =
        ClientProfile::new("root").with_scopes(["admin".parse().unwrap(), "*".parse().unwrap()]);
    store.add_client(profile).unwrap();
    store.issue("root", NewKey::from(&key)).unwrap();
    let server = server(store);
    let nobody = api(&server).await;
    let page = server.signed_in("ann").await;
    let weak = ClientProfile::new("weak").with_scopes(["orders".parse().unwrap()]);
    server.operators.add_client(weak).unwrap();
    let weak = support::new_key(&server.operators, "weak");

    for who in [
        nobody.clone(),
        nobody.with_header("x-api-key", key.expose()),
        nobody.with_header("cookie", page.cookie.as_deref().unwrap()),
        nobody.with_header("x-api-key", &server.code()),
    ] {
        for (method, path) in
            [("GET", "/clients"), ("POST", "/clients"), ("GET", "/no"), ("GET", "")]
        {
            let answer = who.send(method, path, None).await.refused(401, "unauthorized");
            assert!(answer.header("www-authenticate").contains("x-api-key"), "{answer:?}");
        }
    }
    nobody.with_header("x-api-key", &weak).get("/clients").await.refused(403, "forbidden");
    let ann = nobody.with_header("x-api-key", server.key_of("ann"));
    ann.get("/clients").await.expect(200);
    server.operators.disable_client("ann").unwrap();
    ann.get("/clients").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn read_only_operator_cannot_change_anything() {
    let store = three();
    let server = server(store.clone());
    let ray = api(&server).await.with_header("x-api-key", server.key_of("ray"));
    let key = store.list_keys(Some("App 1")).unwrap()[0].key_id;
    for path in ["/clients", "/clients/App%201", "/keys", &format!("/keys/{key}"), "/health"] {
        ray.get(path).await.expect(200);
    }
    for (method, path) in [
        ("POST", "/clients"),
        ("PATCH", "/clients/App%201"),
        ("DELETE", "/clients/App%201"),
        ("POST", "/clients/App%201/disable"),
        ("POST", "/clients/App%201/keys"),
        ("PATCH", &format!("/keys/{key}")),
        ("POST", &format!("/keys/{key}/rotate")),
        ("POST", &format!("/keys/{key}/revoke")),
    ] {
        let body = Some(json!({ "name": "New" }).to_string());
        ray.send(method, path, body).await.refused(403, "forbidden");
    }
    assert_eq!((store.list_clients().len(), store.list_keys(None).unwrap().len()), (3, 3));
}

#[tokio::test]
async fn requests_for_other_hosts_and_from_other_sites_are_refused() {
    let server = server(three());
    let ann = ann(&server).await;
    ann.with_header("host", "evil.example").get("/clients").await.refused(421, "other-host");
    let evil = ann.with_header("origin", "https://evil.example");
    evil.act("/clients/App%201/disable").await.refused(403, "cross-origin");
}

#[tokio::test]
async fn api_is_served_only_if_it_is_enabled() {
    let server = Server::new(Arc::new(three()));
    let request = http::Request::get("/api/v1/clients").header("host", support::LOOPBACK);
    let request = request.header("x-api-key", server.key_of("ann"));
    let answer =
        support::answer(&server.service, request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn api_without_operators_is_refused_when_built() {
    let admin = Admin::new(Arc::new(MemoryStore::new())).with_user(|_| None);
    let admin = admin.with_public_url("https://keys.example").unwrap().with_api();
    assert_eq!(admin.build().unwrap_err(), AdminConfigError::ApiWithoutOperators);
}

#[tokio::test]
async fn operators_key_works_as_bearer_token_from_its_network() {
    let operators = MemoryStore::new();
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let profile = ClientProfile::new("net").with_scopes(["read".parse().unwrap()]);
    operators.add_client(profile.with_networks(networks)).unwrap();
    let bearer = format!("Bearer {}", support::new_key(&operators, "net"));
    let operators = Authenticator::new(operators)
        .with_sources([Source::bearer()])
        .unwrap()
        .with_client_address(ClientAddress::by_peer(|address: &IpAddr| *address));
    let server =
        Server::with(Arc::new(three()), |admin| admin.with_operators(operators).with_api());
    for (address, status) in [("10.1.2.3", 200), ("11.1.2.3", 401)] {
        let address: IpAddr = address.parse().unwrap();
        let service =
            server.service.clone().map_request(move |mut request: http::Request<Body>| {
                request.extensions_mut().insert(address);
                request
            });
        let api = Documented::new(service, "/api/v1").await;
        assert_eq!(api.document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
        api.with_header("authorization", &bearer).get("/clients").await.expect(status);
    }
}

#[tokio::test]
async fn document_needs_no_key_and_names_the_sources() {
    let server = server(three());
    let api = api(&server).await;
    let schemes: Value =
        json!({ "header-x-api-key": { "type": "apiKey", "in": "header", "name": "x-api-key" } });
    assert_eq!(api.document["components"]["securitySchemes"], schemes);
    assert_eq!(api.document["security"], json!([{ "header-x-api-key": [] }]));
    assert_eq!(api.document["servers"], json!([{ "url": "/api/v1" }]));
    api.get("/openapi.json").await.expect(200);
}

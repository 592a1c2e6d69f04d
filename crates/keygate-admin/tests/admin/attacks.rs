//! Attacks and the expected responses, as a table that the test prints.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request};
use keygate::{ApiKey, MemoryStore};

use crate::filled::store_with_app;
use crate::support::{Answer, FORM, Page, Server, answer, form, key_id};

/// An attack: its request and the expected status.
struct Attack {
    name: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, String)>,
    status: u16,
}

fn get(name: &'static str, path: &str, status: u16) -> Attack {
    let (headers, fields) = (Vec::new(), Vec::new());
    Attack { name, method: Method::GET, path: path.to_owned(), headers, fields, status }
}

fn post(name: &'static str, path: &str, status: u16) -> Attack {
    Attack { method: Method::POST, ..get(name, path, status) }
}

impl Attack {
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Sends it from the browser of a signed-in operator.
    fn of(self, page: &Page) -> Self {
        let cookie = page.cookie.clone().unwrap();
        self.header("cookie", cookie)
    }

    /// Also sends the token of that session.
    fn by(self, page: &Page) -> Self {
        let csrf = page.csrf.clone();
        self.of(page).field("csrf", csrf)
    }

    async fn answer(&self, server: &Server) -> Answer {
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:8081");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let fields = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let body = if self.method == Method::POST {
            request = request.header("content-type", FORM);
            form(&fields.collect::<Vec<_>>())
        } else {
            Body::empty()
        };
        answer(&server.service, request.body(body).unwrap()).await
    }
}

const DISABLE: &str = "/clients/App%201/disable";

/// Attacks by somebody who is not signed in.
fn from_outside(key: &str, managed: &str) -> Vec<Attack> {
    let cookie = |value: &str| format!("keygate_admin_8081={value}");
    vec![
        get("page without a session", "/clients", 303),
        get("unknown page without a session", "/nowhere", 303),
        get("guessed session", "/clients", 303).header("cookie", cookie(&"0".repeat(64))),
        get("operator's key as a header of a page", "/clients", 303).header("x-api-key", key),
        get("operator's key as a cookie", "/clients", 303).header("cookie", cookie(key)),
        get("page to return to on another site", "/sign-in?next=//evil.example", 200),
        post("change without a session", DISABLE, 403),
        post("key of a managed client as a code", "/sign-in", 403).field("code", managed),
        post("sign-in by another site", "/sign-in", 403)
            .header("origin", "https://evil.example")
            .field("code", key),
        post("sign-in by another port of this host", "/sign-in", 403)
            .header("sec-fetch-site", "same-site")
            .header("origin", "http://127.0.0.1:9000")
            .field("code", key),
        post("1 MB as a code", "/sign-in", 413).field("code", "x".repeat(1 << 20)),
        post("script as a code", "/sign-in", 403).field("code", "<script>alert(1)</script>"),
        post("line breaks in a code", "/sign-in", 403)
            .field("code", "a\r\nSet-Cookie: keygate_admin_8081=x"),
    ]
}

/// Attacks through the browser of `ann`, who is signed in, without her session's token.
fn through_a_browser(ann: &Page) -> Vec<Attack> {
    let foreign = || "evil.example:8081".to_owned();
    let renamed = ann.cookie.clone().unwrap().replace("keygate_admin_8081", "__Host-keygate_admin");
    vec![
        get("DNS rebinding", "/clients", 421).of(ann).header("host", foreign()),
        get("DNS rebinding of an unknown page", "/nowhere", 421).of(ann).header("host", foreign()),
        post("DNS rebinding with the token", DISABLE, 421).by(ann).header("host", foreign()),
        get("forwarded host", "/clients", 421)
            .of(ann)
            .header("host", "evil.example")
            .header("x-forwarded-host", "127.0.0.1:8081"),
        get("session under another cookie's name", "/clients", 303).header("cookie", renamed),
        get("link that changes something", DISABLE, 200).of(ann),
        post("form without a token", DISABLE, 403).of(ann),
        post("form with another token", DISABLE, 403).of(ann).field("csrf", "0".repeat(64)),
        post("form of another site with the token", DISABLE, 403)
            .by(ann)
            .header("sec-fetch-site", "cross-site"),
        post("form of a sandboxed frame with the token", DISABLE, 403)
            .by(ann)
            .header("origin", "null"),
        post("form of another scheme with the token", DISABLE, 403)
            .by(ann)
            .header("origin", "https://127.0.0.1:8081"),
        post("sign-out by another site", "/sign-out", 403)
            .of(ann)
            .header("origin", "https://evil.example"),
    ]
}

/// Attacks by the operators themselves: `ann`, who may make changes, and `ray`, who may only read.
fn from_inside(ann: &Page, ray: &Page, key_id: &str) -> Vec<Attack> {
    let revoke = format!("/keys/{key_id}/revoke");
    let delete = |path| Attack { method: Method::DELETE, ..get("other method", path, 405) };
    vec![
        post("reader disables a client", DISABLE, 403).by(ray),
        post("reader revokes a key", &revoke, 403).by(ray),
        post("reader's form with another's token", DISABLE, 403)
            .of(ray)
            .field("csrf", ann.csrf.clone()),
        delete("/clients/App%201").of(ann),
        get("unknown key ID", "/keys/0000000000000000", 404).of(ann),
        get("path as a key ID", "/keys/..%2fclients", 404).of(ann),
        get("line breaks in a path", "/clients/a%0d%0aset-cookie:%20x=y", 404).of(ann),
        get("script in a path", "/clients/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 404).of(ann),
        get("script in a search", "/clients?search=%3Cscript%3Ealert(1)", 200).of(ann),
        get("broken encoding in a path", "/clients/%ff", 404).of(ann),
        get("traversal out of the assets", "/assets/../clients", 404).of(ann),
        post("1 MB name", "/clients/new", 413).by(ann).field("name", "x".repeat(1 << 20)),
        post("200 KB name", "/clients/new", 422).by(ann).field("name", "x".repeat(200_000)),
        post("control characters as a name", "/clients/new", 422).by(ann).field("name", "a\u{7}b"),
        post("key as a name", "/clients/new", 422)
            .by(ann)
            .field("name", ApiKey::generate("kg").unwrap().expose()),
        post("form to issue a key without its nonce", "/clients/App%201/keys/new", 200)
            .by(ann)
            .field("lifetime", "30d")
            .field("step", "issue"),
        post("form to issue a key with a forged nonce", "/clients/App%201/keys/new", 200)
            .by(ann)
            .field("lifetime", "30d")
            .field("step", "issue")
            .field("nonce", "0".repeat(64)),
    ]
}

/// Attacks on the API, which accepts only operators' keys.
fn on_the_api(ann: &Page, key: &str, managed: &str) -> Vec<Attack> {
    vec![
        get("session on the API", "/api/v1/clients", 401).of(ann),
        get("key of a managed client", "/api/v1/clients", 401).header("x-api-key", managed),
        get("foreign host on the API", "/api/v1/clients", 421)
            .header("host", "evil.example")
            .header("x-api-key", key),
        post("form of another site on the API", "/api/v1/clients", 403)
            .header("origin", "https://evil.example")
            .header("x-api-key", key),
        post("form as JSON", "/api/v1/clients", 415).header("x-api-key", key).field("name", "x"),
    ]
}

#[tokio::test]
async fn attacks_get_the_expected_responses() {
    let (store, managed) = store_with_app();
    let server = Server::with(Arc::new(store.clone()), keygate_admin::Admin::with_api);
    let mut ann = server.signed_in("ann").await;
    let ray = server.signed_in("ray").await;
    let key = server.key_of("ann").to_owned();
    let before = state(&store);
    let mut attacks = from_outside(&key, managed.expose());
    attacks.extend(through_a_browser(&ann));
    attacks.extend(from_inside(&ann, &ray, &managed.key_id().to_string()));
    attacks.extend(on_the_api(&ann, &key, managed.expose()));
    for attack in attacks {
        let answer = attack.answer(&server).await;
        let Attack { name, method, path, .. } = &attack;
        println!("{name:<42} {method:<6} {path:<50} {}", answer.status);
        assert_eq!(answer.status, attack.status, "{name}: {}", answer.body);
        assert_eq!(answer.header("set-cookie"), "", "{name}");
        assert!(["", "/sign-in"].contains(&answer.location()), "{name}: {}", answer.location());
        for shown in ["<script>alert", "evil.example", &key, managed.expose()] {
            assert!(!answer.body.contains(shown), "{name} shows {shown}: {}", answer.body);
        }
        assert_eq!(state(&store), before, "{name} changed the store");
        assert_eq!(ann.get("/clients").await.status, 200, "{name} ended the session");
        // So that failed sign-ins of one attack do not throttle the next one.
        server.pass(std::time::Duration::from_secs(20));
    }
}

fn state(store: &MemoryStore) -> String {
    format!("{:?} {:?}", store.list_clients(), store.list_keys(None))
}

#[tokio::test]
async fn replayed_form_of_an_ended_session_is_refused() {
    let (store, _) = store_with_app();
    let server = Server::new(Arc::new(store.clone()));
    let before = state(&store);
    let mut page = server.signed_in("ann").await;
    let (cookie, csrf) = (page.cookie.clone(), page.csrf.clone());
    page.post("/sign-out", &[]).await;
    page.sign_in(server.key_of("ann")).await;
    let answer = page.post_as_is(DISABLE, &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403, "in the new session");
    page.cookie = cookie;
    let answer = page.post_as_is(DISABLE, &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403, "in the old session");
    answer.says("Your session has ended");
    assert_eq!(state(&store), before);
}

#[tokio::test]
async fn revoked_operator_with_a_ready_form_changes_nothing() {
    let (store, _) = store_with_app();
    let server = Server::new(Arc::new(store.clone()));
    let before = state(&store);
    let mut page = server.signed_in("ann").await;
    server.operators.revoke(&key_id(&server.operators, "ann")).unwrap();
    let answer = page.post(DISABLE, &[]).await;
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("Sign out"), "the navigation of a session: {}", answer.body);
    assert_eq!(state(&store), before);
}

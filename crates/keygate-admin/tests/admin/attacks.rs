//! What an attacker tries, and what the page answers: a table.

use axum::body::Body;
use http::{Method, Request};

use crate::support::{Answer, FORM, Page, Server, answer, form, key_id};

/// An attack, the request, and the wanted status.
struct Attack {
    name: &'static str,
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, String)>,
    status: u16,
}

fn attack(name: &'static str, method: Method, path: &'static str, status: u16) -> Attack {
    Attack { name, method, path, headers: Vec::new(), fields: Vec::new(), status }
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

    async fn answer(&self, server: &Server) -> Answer {
        let mut request = Request::builder().method(&self.method).uri(self.path);
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

/// The attacks on somebody who is signed in as `ann`, by somebody who has no session.
fn attacks(victim: &Page, key: &str) -> Vec<Attack> {
    let cookie = || victim.cookie.clone().unwrap();
    let csrf = || victim.csrf.clone();
    let sign_out =
        |name, status| attack(name, Method::POST, "/sign-out", status).header("cookie", cookie());
    let get = |name, path, status| attack(name, Method::GET, path, status);
    vec![
        get("open a page without a session", "/clients", 303),
        get("open an unknown page without a session", "/nowhere", 303),
        get("guess a session", "/clients", 303)
            .header("cookie", format!("keygate_admin_8081={}", "0".repeat(64))),
        get("session in the name of the other kind of cookie", "/clients", 303)
            .header("cookie", cookie().replace("keygate_admin_8081", "__Host-keygate_admin")),
        get("operator's key as a header of the page", "/clients", 303).header("x-api-key", key),
        get("operator's key as a cookie", "/clients", 303)
            .header("cookie", format!("keygate_admin_8081={key}")),
        get("session in the URL", "/clients?keygate_admin_8081=1", 303),
        get("traversal out of the assets", "/assets/../clients", 404).header("cookie", cookie()),
        get("DNS rebinding", "/clients", 421)
            .header("host", "evil.example:8081")
            .header("cookie", cookie()),
        get("forwarded host", "/clients", 421)
            .header("host", "evil.example")
            .header("x-forwarded-host", "127.0.0.1:8081"),
        attack("change without a session", Method::POST, "/sign-out", 403),
        attack("sign in from another site", Method::POST, "/sign-in", 403)
            .header("origin", "https://evil.example")
            .field("code", key),
        attack("sign in from another port of this host", Method::POST, "/sign-in", 403)
            .header("sec-fetch-site", "same-site")
            .header("origin", "http://127.0.0.1:9000")
            .field("code", key),
        attack("1 MB as a code", Method::POST, "/sign-in", 413).field("code", "x".repeat(1 << 20)),
        attack("script as a code", Method::POST, "/sign-in", 403)
            .field("code", "<script>alert(1)</script>"),
        attack("line ends as a code", Method::POST, "/sign-in", 403)
            .field("code", "a\r\nSet-Cookie: keygate_admin_8081=x"),
        attack("other method", Method::DELETE, "/sign-out", 405).header("cookie", cookie()),
        attack("trace", Method::TRACE, "/sign-in", 405).header("cookie", cookie()),
        sign_out("forged form without a token", 403),
        sign_out("forged form with another token", 403).field("csrf", "0".repeat(64)),
        sign_out("token in the URL only", 403),
        sign_out("cross-site form with the token", 403)
            .header("sec-fetch-site", "cross-site")
            .field("csrf", csrf()),
        sign_out("form of a sandboxed frame", 403).header("origin", "null").field("csrf", csrf()),
        sign_out("form of another scheme", 403)
            .header("origin", "https://127.0.0.1:8081")
            .field("csrf", csrf()),
    ]
}

#[tokio::test]
async fn attacks_get_the_wanted_answers() {
    let server = Server::empty();
    let mut victim = server.signed_in("ann").await;
    let key = server.key_of("ann").to_owned();
    for attack in attacks(&victim, &key) {
        let answer = attack.answer(&server).await;
        println!("{:<48} {} {:<20} {}", attack.name, attack.method, attack.path, answer.status);
        assert_eq!(answer.status, attack.status, "{}: {}", attack.name, answer.body);
        assert_eq!(answer.header("set-cookie"), "", "{}", attack.name);
        assert!(answer.location().is_empty() || answer.location() == "/sign-in", "{}", attack.name);
        assert!(!answer.body.contains("<script>alert"), "{}", attack.name);
        assert!(!answer.body.contains(&key), "{}: the key is shown", attack.name);
        assert_eq!(victim.get("/nowhere").await.status, 404, "{} ended the session", attack.name);
    }
}

#[tokio::test]
async fn replayed_form_of_an_ended_session_is_refused() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let (cookie, csrf) = (page.cookie.clone(), page.csrf.clone());
    page.post("/sign-out", &[]).await;
    page.sign_in(server.key_of("ann")).await;
    // The form of the old session in the new one, and in the old one.
    let answer = page.post_as_is("/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403);
    page.cookie = cookie;
    let answer = page.post_as_is("/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 403);
    answer.says("Your session has ended");
}

#[tokio::test]
async fn revoked_operator_with_a_ready_form_changes_nothing() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    server.operators.revoke(&key_id(&server.operators, "ann")).unwrap();
    let answer = page.post("/sign-out", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("Sign out"), "the navigation of a session: {}", answer.body);
}

use axum::body::Body;
use http::{Method, Request};

use crate::support::{FORM, Server, answer, form};

#[tokio::test]
async fn foreign_host_is_421_on_every_path_before_any_redirect() {
    let server = Server::empty();
    let page = server.signed_in("ann").await;
    let cookie = page.cookie.unwrap();
    for path in [
        "/",
        "/clients",
        "/sign-in",
        "/sign-out",
        "/nowhere",
        "/assets/x.css",
        "/api/v1/clients",
        "*",
    ] {
        for method in [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS] {
            for host in
                ["evil.example", "evil.example:8081", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:8081"]
            {
                let request = Request::builder().method(&method).uri(path).header("host", host);
                let request = request.header("cookie", &cookie).body(Body::empty()).unwrap();
                let answer = answer(&server.service, request).await;
                assert_eq!(answer.status, 421, "{method} {path} {host}");
                assert_eq!((answer.location(), answer.header("set-cookie")), ("", ""));
                assert!(!answer.body.contains("<html"), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn missing_or_repeated_host_is_421() {
    let server = Server::empty();
    let get = |hosts: &[&str], uri: &str| {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        request.body(Body::empty()).unwrap()
    };
    for (hosts, uri, status) in [
        (&[][..], "/sign-in", 421),
        (&["127.0.0.1:8081", "127.0.0.1:8081"], "/sign-in", 421),
        (&["127.0.0.1:8081", "evil.example"], "/sign-in", 421),
        (&["127.0.0.1:8081"], "http://evil.example/sign-in", 421),
        (&["evil.example"], "http://127.0.0.1:8081/sign-in", 421),
        (&["LOCALHOST:8081"], "/sign-in", 200),
        (&["127.0.0.1:8081"], "http://127.0.0.1:8081/sign-in", 200),
        // HTTP/2.
        (&[], "http://127.0.0.1:8081/sign-in", 200),
    ] {
        assert_eq!(
            answer(&server.service, get(hosts, uri)).await.status,
            status,
            "{hosts:?} {uri}"
        );
    }
}

#[tokio::test]
async fn foreign_origin_cannot_sign_in_or_out() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    for (origin, site, is_ours) in [
        (Some("http://127.0.0.1:8081"), None, true),
        (Some("http://localhost:8081"), None, true),
        (Some("http://127.0.0.1:8081"), Some("same-origin"), true),
        (Some("null"), Some("same-origin"), true),
        (None, Some("none"), true),
        (None, None, true),
        (Some("null"), None, false),
        (Some("https://127.0.0.1:8081"), None, false),
        (Some("http://127.0.0.1:9000"), None, false),
        (Some("http://evil.example"), Some("same-origin"), false),
        (Some("http://127.0.0.1:8081"), Some("cross-site"), false),
        (Some("null"), Some("cross-site"), false),
        (None, Some("same-site"), false),
        (Some(""), None, false),
    ] {
        let csrf = page.csrf.clone();
        for (path, field) in [("/sign-in", ("code", "")), ("/sign-out", ("csrf", csrf.as_str()))] {
            let mut request = page.request(Method::POST, path).header("content-type", FORM);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let answer = answer(&server.service, request.body(form(&[field])).unwrap()).await;
            let wanted = if !is_ours {
                403
            } else if path == "/sign-in" {
                422
            } else {
                303
            };
            assert_eq!(answer.status, wanted, "{path} {origin:?} {site:?}");
        }
        page = server.signed_in("ann").await;
        if is_ours {
            continue;
        }
        assert_eq!(page.get("/nowhere").await.status, 404);
    }
}

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use keygate::manage::ClientChange;
use keygate::store::store_fn;
use keygate::{Authenticator, KeyDigest, KeyStore as _, MemoryStore, StoreError};
use keygate_admin::{Admin, AdminUser, Role};

use crate::support::{Page, Server, key_id, minutes};

#[tokio::test]
async fn cookie_on_loopback_has_the_port_in_its_name() {
    let server = Server::empty();
    let answer = server.browser().sign_in(server.key_of("ann")).await;
    let cookie = answer.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    let token = pair.strip_prefix("keygate_admin_8081=").unwrap();
    assert_eq!(token.len(), 64);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn cookie_behind_tls_is_secure_with_the_host_prefix() {
    let server = Server::with(Arc::new(MemoryStore::new()), |admin| admin);
    let operators = Authenticator::new(server.operators.clone()).with_clock(server.clock.reader());
    let admin = Admin::new(Arc::new(MemoryStore::new()));
    let admin = admin.with_public_url("https://keys.example").unwrap().with_operators(operators);
    let mut page = Page::of(admin.build().unwrap(), "https://keys.example");
    let answer = page.sign_in(server.key_of("ann")).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-keygate_admin="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert_eq!(page.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn session_ends_after_half_an_hour_without_a_request() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    for _ in 0..3 {
        server.pass(Duration::from_secs(30 * 60 - 1));
        assert_eq!(page.get("/nowhere").await.status, 404);
    }
    server.pass(minutes(30));
    let answer = page.get("/nowhere").await;
    assert_eq!((answer.status, answer.location()), (303, "/sign-in"));
}

#[tokio::test]
async fn refreshes_of_an_unattended_page_do_not_keep_its_session() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let refresh = async |page: &mut Page| {
        let request = page.request(Method::GET, "/nowhere").header("x-keygate-refresh", "1");
        page.send(request.body(Body::empty()).unwrap()).await.status
    };
    server.pass(minutes(29));
    assert_eq!(page.get("/nowhere").await.status, 404);
    for _ in 0..29 {
        server.pass(minutes(1));
        assert_eq!(refresh(&mut page).await, 404);
    }
    server.pass(minutes(1));
    assert_eq!(refresh(&mut page).await, 303);
    assert_eq!(page.get("/nowhere").await.status, 303);
}

#[tokio::test]
async fn session_ends_after_twelve_hours_of_requests() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    for _ in 0..47 {
        server.pass(minutes(15));
        assert_eq!(page.get("/nowhere").await.status, 404);
    }
    server.pass(minutes(15));
    assert_eq!(page.get("/nowhere").await.status, 303);
}

#[tokio::test]
async fn operator_with_many_sessions_ends_only_their_own() {
    let server = Server::empty();
    let mut admin = server.signed_in("ann").await;
    let mut sessions = Vec::new();
    for _ in 0..=20 {
        server.pass(Duration::from_secs(1));
        sessions.push(server.signed_in("ray").await);
    }
    let (oldest, others) = sessions.split_first_mut().unwrap();
    assert_eq!(oldest.get("/nowhere").await.status, 303);
    for page in others {
        assert_eq!(page.get("/nowhere").await.status, 404);
    }
    assert_eq!(admin.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn sign_out_ends_the_session_on_the_server() {
    let server = Server::empty();
    for name in ["ann", "ray"] {
        let mut page = server.signed_in(name).await;
        let cookie = page.cookie.clone();
        let answer = page.post("/sign-out", &[]).await;
        assert_eq!((answer.status, answer.location()), (303, "/sign-in"));
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
        page.cookie = cookie;
        assert_eq!(page.get("/nowhere").await.status, 303, "{name}");
    }
}

#[tokio::test]
async fn revoked_key_ends_its_session_at_the_next_request() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let mut other = server.signed_in("ray").await;
    server.operators.revoke(&key_id(&server.operators, "ann")).unwrap();
    let answer = page.post("/sign-out", &[]).await;
    assert_eq!(answer.status, 403);
    answer.says("Your session has ended");
    assert_eq!(page.get("/nowhere").await.status, 303);
    assert_eq!(other.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn disabled_or_demoted_operator_loses_the_session() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    server.operators.disable_client("ann").unwrap();
    assert_eq!(page.get("/nowhere").await.status, 303);
    server.operators.enable_client("ann").unwrap();
    assert_eq!(page.get("/nowhere").await.status, 303, "an ended session works again");

    let mut page = server.signed_in("ray").await;
    server.operators.update_client("ray", ClientChange::new().with_scopes([])).unwrap();
    assert_eq!(page.get("/nowhere").await.status, 303);
}

#[tokio::test]
async fn outage_of_the_operators_store_keeps_the_session() {
    let store = MemoryStore::new();
    let server = Server::empty();
    let operators = server.operators.clone();
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = Arc::clone(&is_down);
    let failing = store_fn(move |digest: KeyDigest| {
        let (operators, flag) = (operators.clone(), Arc::clone(&flag));
        async move {
            if flag.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(StoreError::new("down"));
            }
            operators.lookup(digest).await
        }
    });
    let admin = Admin::new(Arc::new(store)).on_loopback("127.0.0.1:8081".parse().unwrap()).unwrap();
    let admin = admin.with_operators(Authenticator::new(failing)).build().unwrap();
    let mut page = Page::of(admin, "http://127.0.0.1:8081");
    page.sign_in(server.key_of("ann")).await;
    is_down.store(true, std::sync::atomic::Ordering::Relaxed);
    let answer = page.get("/nowhere").await;
    assert_eq!(answer.status, 503);
    answer.says("You are still signed in");
    assert_eq!(page.sign_in(server.key_of("ann")).await.status, 503);
    is_down.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(page.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn user_of_the_mounting_service_is_signed_in() {
    #[derive(Clone)]
    struct SignedIn(&'static str);
    let admin = Admin::new(Arc::new(MemoryStore::new()));
    let admin = admin.with_public_url("https://example.org").unwrap();
    let admin = admin.with_base_path("/admin").unwrap().with_user(|parts| {
        let SignedIn(name) = parts.extensions.get()?;
        Some(AdminUser::new(*name, Role::Admin))
    });
    let app = axum::Router::new().nest_service("/admin", admin.build().unwrap());
    let get = async |user: Option<&'static str>, path: &str| {
        let mut request = http::Request::builder().method(Method::GET).uri(path);
        request = request.header("host", "example.org");
        if let Some(user) = user {
            request = request.extension(SignedIn(user));
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    };
    let (parts, body) = get(Some("Zoe"), "/admin/nowhere").await;
    assert_eq!(parts.status, StatusCode::NOT_FOUND);
    assert!(body.contains("Zoe") && !body.contains("Sign out"), "{body}");
    assert!(body.contains("href=\"/admin/clients\""), "{body}");
    let (parts, _) = get(None, "/admin/nowhere").await;
    assert_eq!(parts.headers["location"], "/admin/sign-in");
    let (_, body) = get(None, "/admin/sign-in").await;
    assert!(body.contains("Sign in to the service") && !body.contains("<form"), "{body}");
}

#[tokio::test]
async fn cookie_of_another_server_does_not_end_the_session() {
    let server = Server::empty();
    let mut page = server.signed_in("ann").await;
    let own = page.cookie.clone().unwrap();
    page.cookie = Some(format!("keygate_admin_8081=planted; other=1; {own}"));
    assert_eq!(page.get("/nowhere").await.status, 404);
    assert_eq!(page.post("/sign-out", &[]).await.status, 303);
    page.cookie = Some(own);
    assert_eq!(page.get("/nowhere").await.status, 303);
}

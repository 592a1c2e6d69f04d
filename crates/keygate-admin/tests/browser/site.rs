//! The page, and a service whose keys it manages, on loopback.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use keygate::{
    ApiKey, ApiKeyLayer, Authenticator, ClientProfile, KeyId, ManageKeys, MemoryStore, NewKey,
};
use keygate_admin::{Admin, SignInCode};
use tokio::net::TcpListener;

use crate::browser::Browser;

pub(crate) struct Site {
    pub(crate) store: MemoryStore,
    operators: MemoryStore,
    codes: Arc<Mutex<Vec<String>>>,
    page: SocketAddr,
    service: SocketAddr,
}

impl Site {
    /// Starts the page with an empty store.
    pub(crate) async fn start() -> Self {
        let store = MemoryStore::new();
        Self::of(Arc::new(store.clone()), store).await
    }

    /// Starts the page with a store, and a service that verifies keys with another handle to the store.
    pub(crate) async fn of(managed: Arc<dyn ManageKeys>, store: MemoryStore) -> Self {
        Self::with(managed, store, |admin| admin).await
    }

    /// Starts both, with further settings for the page.
    pub(crate) async fn with(
        managed: Arc<dyn ManageKeys>,
        store: MemoryStore,
        configure: impl FnOnce(Admin) -> Admin,
    ) -> Self {
        let operators = MemoryStore::new();
        let codes = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let page = listener.local_addr().unwrap();
        let printed = Arc::clone(&codes);
        let code = SignInCode::new(move |code| printed.lock().unwrap().push(code.to_owned()));
        let admin = Admin::new(managed)
            .on_loopback(page)
            .unwrap()
            .with_sign_in_code(code.for_operator("ann"))
            .with_operators(Authenticator::new(operators.clone()));
        let admin = configure(admin).build().unwrap();
        serve(listener, Router::new().fallback_service(admin));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = listener.local_addr().unwrap();
        let router = Router::new().route("/", get("hello"));
        serve(listener, router.route_layer(ApiKeyLayer::new(store.clone())));
        Self { store, operators, codes, page, service }
    }

    /// Returns the URL of the page.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.page)
    }

    /// Returns the last printed code.
    pub(crate) fn code(&self) -> String {
        self.codes.lock().unwrap().last().unwrap().clone()
    }

    /// Starts a browser, and signs in with the code.
    pub(crate) async fn sign_in(&self) -> Browser {
        let browser = Browser::start(&self.origin()).await;
        browser.sign_in(&self.code()).await;
        browser
    }

    /// Adds some clients and keys, and returns the ID of a key.
    pub(crate) fn fill(&self) -> KeyId {
        let scopes = ["orders:*", "stock:read"].map(|scope| scope.parse().unwrap());
        let shop = ClientProfile::new("shop").with_title("The shop of ACME").with_scopes(scopes);
        let shop =
            shop.with_quota("100/minute".parse().unwrap()).with_metadata([("team", "billing")]);
        self.store.add_client(shop).unwrap();
        self.store.add_client("partner").unwrap();
        self.store.add_client("reports").unwrap();
        self.store.disable_client("reports").unwrap();
        for label in ["laptop of Ann", "production"] {
            let key = ApiKey::generate("kg").unwrap();
            self.store.issue("shop", NewKey::from(&key).with_label(label)).unwrap();
        }
        let key = ApiKey::generate("kg").unwrap();
        let scope = "orders:read".parse().unwrap();
        let expiry = SystemTime::now() + Duration::from_secs(90 * 24 * 60 * 60);
        let new = NewKey::from(&key).with_label("batch").with_scopes([scope]).with_expiry(expiry);
        self.store.issue("shop", new).unwrap();
        key.key_id()
    }

    /// Returns the IDs of a client's two keys, the older one first.
    pub(crate) fn key_ids(&self, client: &str) -> [KeyId; 2] {
        let mut keys = self.store.list_keys(Some(client)).unwrap();
        keys.sort_by_key(|key| key.replaced_by.is_none());
        [keys[0].key_id, keys[1].key_id]
    }

    /// Returns the key of a read-only operator.
    pub(crate) fn reader(&self) -> String {
        let profile = ClientProfile::new("ray").with_scopes(["read".parse().unwrap()]);
        self.operators.add_client(profile).unwrap();
        let key = ApiKey::generate("op").unwrap();
        self.operators.issue("ray", NewKey::from(&key)).unwrap();
        key.expose().to_owned()
    }

    /// Calls the protected service with `curl` and returns the status.
    pub(crate) async fn curl(&self, key: &str) -> u16 {
        let header = format!("x-api-key: {key}");
        let url = format!("http://{}/", self.service);
        let curl = move || {
            Command::new("curl")
                .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30"])
                .args(["--output", "/dev/null", "--write-out", "%{http_code}", "--header"])
                .args([header, url])
                .output()
                .expect("curl starts")
        };
        let output = tokio::task::spawn_blocking(curl).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }
}

/// Serves only the page, with an empty store and these ways to sign in, and returns its origin.
pub(crate) async fn page_alone(configure: impl FnOnce(Admin) -> Admin) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let admin = Admin::new(Arc::new(MemoryStore::new())).on_loopback(address).unwrap();
    let admin = configure(admin).build().unwrap();
    serve(listener, Router::new().fallback_service(admin));
    format!("http://{address}")
}

/// Serves the metrics of a process, and returns their address.
pub(crate) async fn metrics(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serve(listener, Router::new().route("/metrics", get(move || async move { text })));
    format!("http://{address}/metrics")
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

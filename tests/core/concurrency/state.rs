//! Stores of any kind in the state of an application, which all its tasks share.

use std::sync::{Arc, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode};
use keygate::store::store_fn;
use keygate::{
    ApiKeyLayer, AuthError, Client, KeyStore, LocalKeyStore, MemoryStore, authenticate, verify,
};
use tower::ServiceExt as _;

use crate::concurrency::key;

fn known() -> MemoryStore {
    MemoryStore::from_keys((0..100).map(|number| (key(number), format!("User {number}")))).unwrap()
}

/// The same keys, in a store that waits.
fn waiting(store: MemoryStore) -> impl KeyStore {
    store_fn(move |digest| {
        let store = store.clone();
        async move {
            tokio::task::yield_now().await;
            store.find(&digest)
        }
    })
}

/// A hundred valid keys and a wrong one, on all threads at once.
async fn all_get_their_responses_from(app: Router) {
    let tasks: Vec<_> = (0..101)
        .map(|number| {
            let request = Request::get("/").header("x-api-key", key(number));
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap());
            tokio::spawn(async move {
                let response = response.await.unwrap();
                let status = response.status();
                let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
                (status, String::from_utf8(body.to_vec()).unwrap())
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let (status, body) = task.await.unwrap();
        if number < 100 {
            assert_eq!((status, body), (StatusCode::OK, format!("User {number}")));
        } else {
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_store_can_be_application_state() {
    #[derive(Clone)]
    struct App {
        store: Arc<dyn KeyStore>,
    }

    async fn greet(State(app): State<App>, headers: HeaderMap) -> Result<String, AuthError> {
        authenticate(&app.store, &headers).await.map(|client| client.name().to_owned())
    }

    let stores: [Arc<dyn KeyStore>; 2] = [Arc::new(known()), Arc::new(waiting(known()))];
    for store in stores {
        all_get_their_responses_from(
            Router::new().route("/", get(greet)).with_state(App { store }),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_local_store_can_be_application_state() {
    async fn greet(
        State(store): State<Arc<dyn LocalKeyStore>>,
        headers: HeaderMap,
    ) -> Result<String, AuthError> {
        verify(&store, &headers).map(|client| client.name().to_owned())
    }

    let store: Arc<dyn LocalKeyStore> = Arc::new(known());
    all_get_their_responses_from(Router::new().route("/", get(greet)).with_state(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_store_can_be_behind_the_layer() {
    async fn greet(client: Client) -> String {
        client.name().to_owned()
    }

    let stores: [Arc<dyn KeyStore>; 2] = [Arc::new(known()), Arc::new(waiting(known()))];
    for store in stores {
        all_get_their_responses_from(
            Router::new().route("/", get(greet)).layer(ApiKeyLayer::new(store)),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn store_can_be_replaced_while_the_service_runs() {
    type Current = Arc<RwLock<Arc<dyn KeyStore>>>;

    async fn greet(
        State(current): State<Current>,
        headers: HeaderMap,
    ) -> Result<String, AuthError> {
        let pending = {
            let store = current.read().unwrap();
            authenticate(&*store, &headers)
        };
        pending.await.map(|client| client.name().to_owned())
    }

    let none: Arc<dyn KeyStore> = Arc::new(MemoryStore::new());
    let current: Current = Arc::new(RwLock::new(none));
    let app = Router::new().route("/", get(greet)).with_state(Arc::clone(&current));
    let request = Request::get("/").header("x-api-key", key(1)).body(Body::empty()).unwrap();
    let refused = app.clone().oneshot(request).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    *current.write().unwrap() = Arc::new(waiting(known()));
    all_get_their_responses_from(app).await;
}

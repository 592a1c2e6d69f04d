//! Refusals behind a layer that compresses.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::Request;
use keygate::{ApiKeyLayer, MemoryStore};
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;

#[tokio::test]
async fn compressed_refusal_keeps_its_status_and_headers() {
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(CompressionLayer::new())
        .layer(ApiKeyLayer::new(MemoryStore::new()))
        .layer(CompressionLayer::new());
    let request = Request::get("/").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let refused = app.oneshot(request).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["content-encoding"], "gzip");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(refused.headers().get_all("www-authenticate").iter().count(), 1);
    let body = to_bytes(refused.into_body(), usize::MAX).await.unwrap();
    // The magic number of gzip (RFC 1952 section 2.3.1).
    assert_eq!(body[..2], [0x1f, 0x8b]);
}

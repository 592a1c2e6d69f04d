//! A hyper server without a framework, with `Full<Bytes>` bodies.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use keygate::respond::{NoBody, Respond};
use keygate::{ApiKeyLayer, Client, KeyStore};
use tower::Layer as _;

use crate::bodies::serving::{VERSIONS, listener, send};
use crate::common::keys::{Keys, RIGHT, UNANSWERABLE, WRONG};
use crate::common::reply::Reply;
use crate::common::stores::Later;

async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let client = request.extensions().get::<Client>();
    Ok(Response::new(Full::from(client.map_or("nobody", Client::name).to_owned())))
}

async fn serve<S, R>(layer: ApiKeyLayer<S, R>) -> SocketAddr
where
    S: KeyStore,
    R: Respond<Full<Bytes>> + Clone + Send + 'static,
{
    let service = layer.layer(tower::service_fn(greet));
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                server.serve_connection(TokioIo::new(stream), service).await.unwrap();
            });
        }
    });
    address
}

#[tokio::test]
async fn responses_are_the_same_as_in_memory() {
    let addresses = [
        serve(ApiKeyLayer::new(Keys)).await,
        serve(ApiKeyLayer::new(Later(Keys))).await,
        serve(ApiKeyLayer::new(Keys).with_response(NoBody)).await,
    ];
    for address in addresses {
        for version in VERSIONS {
            for (fields, status) in [
                (&[("x-api-key", RIGHT)] as &[_], 200),
                (&[("x-api-key", WRONG)], 401),
                (&[], 401),
                (&[("x-api-key", UNANSWERABLE)], 503),
            ] {
                let response = Reply::of(send(version, address, "/", fields).await).await;
                assert_eq!(response.status, status);
                let challenges = response.lines("www-authenticate").len();
                assert_eq!(challenges, usize::from(status == 401));
                assert_eq!(response.lines("retry-after").len(), usize::from(status == 503));
                assert!(status != 200 || response.body == "User 1");
            }
        }
    }
}

#[tokio::test]
async fn bodies_are_as_configured() {
    let problem = serve(ApiKeyLayer::new(Keys)).await;
    let nothing = serve(ApiKeyLayer::new(Keys).with_response(NoBody)).await;
    let own = serve(ApiKeyLayer::new(Keys).with_response(|error: &keygate::AuthError| {
        let body = Full::from(error.to_string());
        Response::builder().status(error.status()).body(body).unwrap()
    }))
    .await;
    for version in VERSIONS {
        let body = async |address| Reply::of(send(version, address, "/", &[]).await).await.body;
        assert!(body(problem).await.starts_with(r#"{"title":"Unauthorized""#));
        assert_eq!(body(nothing).await, "");
        assert_eq!(body(own).await, "Credentials not present in request");
    }
}

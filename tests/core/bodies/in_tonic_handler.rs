//! Refusals by the handlers of a tonic service.

use std::convert::Infallible;
use std::error::Error as _;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use keygate::adapter::ApiKeyInterceptor;
use keygate::error::ConfigError;
use keygate::respond::Grpc;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, Outcome, Source};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Interceptor as _, LayerExt as _};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{Service, ServiceExt as _};

use crate::bodies::serving::listener;
use crate::common::keys::{Keys, RIGHT, WRONG, refusal_of};

/// A service that requires a scope.
struct Guarded;

type Stream = tonic::codegen::tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

#[tonic::async_trait]
impl Health for Guarded {
    type WatchStream = Stream;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let client = request.extensions().get::<Client>();
        let client = client.ok_or_else(|| Status::from(AuthError::NoCredentials))?;
        client.require("orders:read")?;
        Ok(Response::new(HealthCheckResponse::default()))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Stream>, Status> {
        Err(Status::not_found("of the service itself"))
    }
}

type Log = Arc<Mutex<Vec<&'static str>>>;

fn layer(log: &Log) -> ApiKeyLayer<Keys, Grpc> {
    let log = Arc::clone(log);
    let auth = Authenticator::new(Keys)
        .with_sources([Source::header("x-api-key"), Source::bearer()])
        .unwrap()
        .add_observer(move |outcome: &Outcome<'_>| log.lock().unwrap().push(outcome.name()));
    ApiKeyLayer::from(auth).with_response(Grpc)
}

async fn serve(router: tonic::transport::server::Router) -> Channel {
    let (listener, address) = listener().await;
    tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener)));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

async fn guarded(log: &Log) -> Channel {
    let service = layer(log).named_layer(HealthServer::new(Guarded));
    serve(Server::builder().add_service(service)).await
}

#[tokio::test]
async fn tonic_handler_refuses_like_the_layer() {
    let log = Log::default();
    let key = ApiKeyInterceptor::bearer(RIGHT).unwrap();
    let mut client = HealthClient::with_interceptor(guarded(&log).await, key);
    let status = client.check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::PermissionDenied, "Scope orders:read needed")
    );
    let header = |name: &str| status.metadata().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("cache-control"), "no-store");
    let challenge = r#"Bearer realm="api", error="insufficient_scope", scope="orders:read""#;
    assert_eq!(header("www-authenticate"), challenge);
    assert_eq!(*log.lock().unwrap(), ["admitted", "insufficient_scope"]);
}

#[tokio::test]
async fn other_statuses_of_a_tonic_handler_are_unchanged() {
    let log = Log::default();
    let key = ApiKeyInterceptor::new(RIGHT).unwrap();
    let mut client = HealthClient::with_interceptor(guarded(&log).await, key);
    let status = client.watch(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "of the service itself"));
    assert!(status.metadata().get("www-authenticate").is_none());
    assert_eq!(*log.lock().unwrap(), ["admitted"]);
}

/// A service that makes its own status.
#[derive(Clone)]
struct Open;

impl NamedService for Open {
    const NAME: &'static str = "test.Open";
}

impl Service<http::Request<Body>> for Open {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        ready(Ok(Status::already_exists("open").into_http()))
    }
}

#[tokio::test]
async fn one_service_of_a_tonic_server_is_exempt() {
    let guarded = layer(&Log::default()).named_layer(HealthServer::new(Guarded));
    let channel = serve(Server::builder().add_service(guarded).add_service(Open)).await;
    for (path, code) in [("/test.Open/Call", "6"), ("/grpc.health.v1.Health/Check", "16")] {
        let uri = format!("http://localhost{path}");
        let request = http::Request::post(uri).body(Body::empty()).unwrap();
        let response = channel.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], code, "{path}");
    }
}

#[test]
fn status_has_the_error_as_its_source() {
    let status = Status::from(refusal_of(WRONG));
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "Credentials not valid"));
    let source = status.source().unwrap().downcast_ref::<AuthError>();
    assert!(matches!(source, Some(AuthError::WrongCredentials(_))));
}

#[test]
fn interceptor_sends_the_key_and_hides_it() {
    let sent = |mut interceptor: ApiKeyInterceptor, name: &str| {
        assert!(!format!("{interceptor:?}").contains(RIGHT));
        let request = interceptor.call(Request::new(())).unwrap();
        assert!(!format!("{request:?}").contains(RIGHT), "{request:?}");
        request.metadata().get(name).unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(sent(ApiKeyInterceptor::new(RIGHT).unwrap(), "x-api-key"), RIGHT);
    assert_eq!(sent(ApiKeyInterceptor::in_header("X-Key", RIGHT).unwrap(), "x-key"), RIGHT);
    let bearer = sent(ApiKeyInterceptor::bearer(RIGHT).unwrap(), "authorization");
    assert_eq!(bearer, format!("Bearer {RIGHT}"));
    assert_eq!(ApiKeyInterceptor::new("a\nb").unwrap_err(), ConfigError::KeyValue);
    assert_eq!(ApiKeyInterceptor::in_header("a b", RIGHT).unwrap_err(), ConfigError::HeaderName);
}

//! A tonic server, called by a tonic client.

use keygate::respond::Grpc;
use keygate::{ApiKeyLayer, KeyStore};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::bodies::serving::listener;
use crate::common::keys::{EXPIRED, Keys, MIXED_UP, RIGHT, UNANSWERABLE, WRONG};
use crate::common::stores::Later;

async fn client<S: KeyStore>(store: S) -> HealthClient<Channel> {
    let (listener, address) = listener().await;
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .layer(ApiKeyLayer::new(store).with_response(Grpc))
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn request(key: Option<&str>) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(key) = key {
        request.metadata_mut().insert("x-api-key", key.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn right_key_gets_the_response_of_the_service() {
    async fn check<S: KeyStore>(store: S) {
        let mut client = client(store).await;
        let response = client.check(request(Some(RIGHT))).await.unwrap();
        assert_eq!(response.get_ref().status, ServingStatus::Serving as i32);
        let mut stream = client.watch(request(Some(RIGHT))).await.unwrap().into_inner();
        let first = stream.message().await.unwrap().unwrap();
        assert_eq!(first.status, ServingStatus::Serving as i32);
    }
    check(Keys).await;
    check(Later(Keys)).await;
}

fn assert_refused(status: &Status, code: Code, message: &str) {
    assert_eq!((status.code(), status.message()), (code, message));
    let metadata = status.metadata();
    let challenge = metadata.get("www-authenticate").map(|value| value.to_str().unwrap());
    let expected = (code == Code::Unauthenticated)
        .then_some(r#"ApiKey realm="api", in="header", name="x-api-key""#);
    assert_eq!(challenge, expected);
}

#[tokio::test]
async fn other_keys_get_a_grpc_status() {
    async fn check<S: KeyStore>(store: S) {
        let mut client = client(store).await;
        for (key, code, message) in [
            (None, Code::Unauthenticated, "Credentials not present in request"),
            (Some(WRONG), Code::Unauthenticated, "Credentials not valid"),
            (Some(EXPIRED), Code::Unauthenticated, "Credentials not valid"),
            (Some(UNANSWERABLE), Code::Unavailable, "Credentials could not be checked"),
            (Some(MIXED_UP), Code::Unavailable, "Credentials could not be checked"),
        ] {
            let status = client.check(request(key)).await.unwrap_err();
            assert_refused(&status, code, message);
            let status = client.watch(request(key)).await.unwrap_err();
            assert_refused(&status, code, message);
        }
    }
    check(Keys).await;
    check(Later(Keys)).await;
}

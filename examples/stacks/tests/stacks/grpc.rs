//! Calls the tonic server with a tonic client.

use http::StatusCode;
use keygate_stacks::{READER, WRITER, grpc};
use tokio::net::TcpListener;
use tonic::transport::Channel;

use crate::{WRONG, cases, check};

async fn channel() -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(grpc::server().serve_with_incoming(incoming));
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

#[tokio::test]
async fn tonic_passes() {
    use tonic::metadata::AsciiMetadataKey;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let channel = channel().await;
    let passed = check("tonic", async |case| {
        let service = case.path.trim_start_matches('/').to_owned();
        let mut request = tonic::Request::new(HealthCheckRequest { service });
        if let Some((name, value)) = &case.header {
            let name = AsciiMetadataKey::from_bytes(name.as_bytes()).unwrap();
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        match HealthClient::new(channel.clone()).check(request).await {
            Ok(response) => {
                let greeting = response.metadata().get("greeting").unwrap().to_str().unwrap();
                (StatusCode::OK, response.metadata().clone().into_headers(), greeting.to_owned())
            }
            Err(status) => {
                let code = match status.code() {
                    tonic::Code::Unauthenticated => StatusCode::UNAUTHORIZED,
                    tonic::Code::PermissionDenied => StatusCode::FORBIDDEN,
                    other => panic!("{other:?}"),
                };
                (code, status.metadata().clone().into_headers(), status.message().to_owned())
            }
        }
    });
    assert_eq!(passed.await, cases().len());
}

#[tokio::test]
async fn tonic_client_sends_its_key_with_the_interceptor() {
    use keygate::adapter::ApiKeyInterceptor;
    use tonic::Code;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let channel = channel().await;
    for (key, expected) in
        [(WRONG, Code::Unauthenticated), (READER, Code::PermissionDenied), (WRITER, Code::Ok)]
    {
        let key = ApiKeyInterceptor::bearer(key).unwrap();
        let mut client = HealthClient::with_interceptor(channel.clone(), key);
        let called = client.check(HealthCheckRequest { service: "orders".to_owned() }).await;
        assert_eq!(called.map_or_else(|status| status.code(), |_| Code::Ok), expected);
    }
}

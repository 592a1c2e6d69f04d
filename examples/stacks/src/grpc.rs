//! tonic 0.14: one service that needs a key, and tonic's health service, which does not.

use keygate::respond::Grpc;
use keygate::{ApiKeyLayer, Client};
use tonic::service::LayerExt as _;
use tonic::transport::server::{Router, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::{WRITE, auth};

struct Guarded;

type Watch = tonic::codegen::tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

#[tonic::async_trait]
impl Health for Guarded {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let client = request.extensions().get::<Client>();
        let client = client.ok_or_else(|| Status::internal("no layer"))?;
        if request.get_ref().service == "orders" {
            client.require(WRITE)?;
        }
        let mut response = Response::new(HealthCheckResponse { status: 1 });
        let greeting = format!("Hello, {}", client.name()).parse();
        let greeting = greeting.map_err(|_| Status::internal("the name is not ASCII"))?;
        response.metadata_mut().insert("greeting", greeting);
        Ok(response)
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

pub fn server() -> Router {
    // Glue
    let keys = ApiKeyLayer::from(auth()).with_response(Grpc);
    Server::builder().add_service(keys.named_layer(HealthServer::new(Guarded)))
    // End of glue
}

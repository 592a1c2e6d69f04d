//! What the layer adds to a request under axum, actix and tonic, called in memory, in one run.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and short.

use std::hint::black_box;

use actix_web::dev::{Service as ActixService, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use keygate::ApiKeyLayer;
use keygate::adapter::ApiKeyMiddleware;
use keygate::respond::Grpc;
use keygate_stacks::{READER, auth};
use tokio::runtime::{Builder, Runtime};
use tonic::service::LayerExt as _;
use tonic::{Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Service;

use support::clock::processor_time;
use support::effort::Effort;
use support::figures::{Figures, part};
use support::rounds::Rounds;
use support::table::{Table, Unit, met};

#[path = "../../../benches/support"]
mod support {
    pub(crate) mod clock;
    pub(crate) mod effort;
    #[allow(dead_code, reason = "the other benches use the rest")]
    pub(crate) mod figures;
    pub(crate) mod rounds;
    #[allow(dead_code, reason = "the other benches use the rest")]
    pub(crate) mod table;
}

/// The number of requests that are made before measuring.
const BLOCK: usize = 64;

/// The maximum cost of a layer, as a multiple of its cost under axum.
const TARGET: f64 = 1.5;

/// Each stack, bare and with keygate.
const AXUM: [&str; 2] = ["axum, bare", "axum"];
const ACTIX: [&str; 2] = ["actix-web, bare", "actix-web"];
const TONIC: [&str; 2] = ["tonic, bare", "tonic"];

async fn greet() -> &'static str {
    "Hello"
}

struct Healthy;

#[tonic::async_trait]
impl Health for Healthy {
    type WatchStream = tonic::codegen::tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

fn main() {
    let effort = Effort::of_this_run();
    let blocks = effort.pick(2, 100, 400);
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut subjects = Rounds::new();

    let router = Router::new().route("/route1", get(greet));
    subjects.add(AXUM[0], through(&runtime, blocks, router.clone(), http_request));
    let router = router.layer(ApiKeyLayer::from(auth()));
    subjects.add(AXUM[1], through(&runtime, blocks, router, http_request));

    let app = || App::new().route("/route1", web::get().to(greet));
    let service = runtime.block_on(init_service(app()));
    subjects.add(ACTIX[0], actix(&runtime, blocks, service));
    let keys = ApiKeyMiddleware::from(auth());
    let service = runtime.block_on(init_service(app().wrap(keys)));
    subjects.add(ACTIX[1], actix(&runtime, blocks, service));

    let service = HealthServer::new(Healthy);
    subjects.add(TONIC[0], through(&runtime, blocks, service, grpc_request));
    let keys = ApiKeyLayer::from(auth()).with_response(Grpc);
    let service = keys.named_layer(HealthServer::new(Healthy));
    subjects.add(TONIC[1], through(&runtime, blocks, service, grpc_request));

    print(&subjects.run(effort.pick(2, 11, 61)));
}

fn http_request() -> Request<Body> {
    let request = Request::get("/route1").header("x-api-key", READER);
    request.body(Body::empty()).expect("a request")
}

/// A call without fields: an uncompressed frame of zero bytes.
fn grpc_request() -> Request<Body> {
    let request = Request::post("/grpc.health.v1.Health/Check").header("x-api-key", READER);
    let request = request.header("content-type", "application/grpc");
    request.body(Body::from(&[0_u8; 5][..])).expect("a request")
}

fn through<S, B>(
    runtime: &Runtime,
    blocks: usize,
    mut service: S,
    request: fn() -> Request<Body>,
) -> impl FnMut() -> f64
where
    S: Service<Request<Body>, Response = http::Response<B>, Error = std::convert::Infallible>,
{
    move || {
        let call = async |request| {
            std::future::poll_fn(|context| service.poll_ready(context)).await.expect("ready");
            let response = service.call(request).await.expect("a response");
            assert_eq!(response.status(), 200);
            assert!(!response.headers().contains_key("grpc-status"));
            drop(black_box(response));
        };
        runtime.block_on(time(blocks, request, call))
    }
}

fn actix<S, B>(runtime: &Runtime, blocks: usize, service: S) -> impl FnMut() -> f64
where
    S: ActixService<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    let request =
        || TestRequest::get().uri("/route1").insert_header(("x-api-key", READER)).to_request();
    move || {
        let call = async |request| {
            let response = service.call(request).await.expect("a response");
            assert_eq!(response.status().as_u16(), 200);
            drop(black_box(response));
        };
        runtime.block_on(time(blocks, request, call))
    }
}

/// Measures calls without building their requests, in nanoseconds of processor time per call.
async fn time<R>(blocks: usize, request: impl Fn() -> R, mut call: impl AsyncFnMut(R)) -> f64 {
    let mut time = 0.0;
    for _ in 0..blocks {
        let requests: Vec<R> = (0..BLOCK).map(|_| request()).collect();
        let start = processor_time();
        for request in requests {
            call(request).await;
        }
        time += processor_time() - start;
    }
    time / (blocks * BLOCK) as f64
}

fn print(figures: &Figures) {
    // Compared round by round, since all subjects run side by side in a round.
    let added = |[bare, keyed]: [&str; 2]| -> Vec<f64> {
        let pairs = figures.of(keyed).iter().zip(figures.of(bare));
        pairs.map(|(keyed, bare)| keyed - bare).collect()
    };
    let unit = Unit("ns", 1.0, 0);
    let mut table =
        Table::new(&["stack", "with keygate", "bare", "added", "/ axum", "target", "met"]);
    for (stack, target) in [(AXUM, None), (ACTIX, Some(TARGET)), (TONIC, Some(TARGET))] {
        let ratios = added(stack).into_iter().zip(added(AXUM)).map(|(ours, axum)| ours / axum);
        let ratio = part(ratios.collect(), 500);
        table.row([
            stack[1].to_owned(),
            unit.show(figures.median(stack[1])),
            unit.show(figures.median(stack[0])),
            unit.show(part(added(stack), 500)),
            format!("{ratio:.2}"),
            target.map_or_else(String::new, |target| format!("{target:.2}")),
            met(ratio, target),
        ]);
    }
    table.print("what the layer adds to a request, in memory");
}

//! async-graphql 7 on axum: the layer, and the client in the data of each request.

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Result, Schema};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use keygate::{ApiKeyLayer, Authenticator, Client, MemoryStore, Scope};

struct Query;

#[Object]
impl Query {
    async fn greeting(&self, context: &Context<'_>) -> Result<String> {
        Ok(format!("Hello, {}", context.data::<Client>()?.name()))
    }

    async fn order(&self, context: &Context<'_>) -> Result<&str> {
        context.data::<Client>()?.require(Scope::from_static("orders:write"))?;
        Ok("ordered")
    }
}

type Api = Schema<Query, EmptyMutation, EmptySubscription>;

async fn graphql(
    State(api): State<Api>,
    client: Client,
    request: GraphQLRequest,
) -> GraphQLResponse {
    // Glue
    let request = request.into_inner().data(client);
    // End of glue
    api.execute(request).await.into()
}

pub fn app(auth: Authenticator<MemoryStore>) -> Router {
    let api = Schema::new(Query, EmptyMutation, EmptySubscription);
    let router = Router::new().route("/graphql", post(graphql)).with_state(api);
    // Glue
    router.layer(ApiKeyLayer::from(auth))
    // End of glue
}

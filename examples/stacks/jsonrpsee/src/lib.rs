//! jsonrpsee 0.26: the layer below the methods, which find the client in the extensions.

use jsonrpsee::server::{Server, ServerHandle};
use jsonrpsee::types::{ErrorObject, error::INTERNAL_ERROR_CODE};
use jsonrpsee::{Extensions, RpcModule};
use keygate::{ApiKeyLayer, Authenticator, Client, MemoryStore, Scope};
use tower::ServiceBuilder;

fn order(extensions: &Extensions) -> Result<&'static str, ErrorObject<'static>> {
    let refused = |detail: String| ErrorObject::owned(INTERNAL_ERROR_CODE, detail, None::<()>);
    let client = extensions.get::<Client>().ok_or_else(|| refused("no layer".to_owned()))?;
    let scope = client.require(Scope::from_static("orders:write"));
    scope.map_err(|error| refused(error.to_string()))?;
    Ok("ordered")
}

/// # Errors
///
/// The address is in use, or two methods have the same name.
pub async fn serve(
    address: std::net::SocketAddr,
    auth: Authenticator<MemoryStore>,
) -> Result<ServerHandle, Box<dyn std::error::Error + Send + Sync>> {
    let mut methods = RpcModule::new(());
    methods.register_method("order", |_, (), extensions| order(extensions))?;
    // Glue
    let keys = ServiceBuilder::new().layer(ApiKeyLayer::from(auth));
    let server = Server::builder().set_http_middleware(keys).build(address).await?;
    // End of glue
    Ok(server.start(methods))
}

//! actix-web 4: middleware, an extractor, and `?`.

use std::net::TcpListener;

use actix_web::{App, HttpServer, web};
use keygate::adapter::ApiKeyMiddleware;
use keygate::{AuthError, Client};

use crate::{WRITE, auth};

async fn greet(client: Client) -> String {
    format!("Hello, {}", client.name())
}

async fn order(client: Client) -> Result<String, AuthError> {
    client.require(WRITE)?;
    Ok("ordered".to_owned())
}

pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    // Glue
    let keys = ApiKeyMiddleware::from(auth());
    // End of glue
    let app = move || {
        App::new()
            // Glue
            .wrap(keys.clone())
            // End of glue
            .route("/route1", web::get().to(greet))
            .route("/orders", web::get().to(order))
    };
    HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run().await
}

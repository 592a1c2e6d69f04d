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
    // Glue: 2 lines.
    let keys = ApiKeyMiddleware::from(auth());
    let app = move || {
        App::new()
            .wrap(keys.clone())
            .route("/route1", web::get().to(greet))
            .route("/orders", web::get().to(order))
    };
    HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run().await
}

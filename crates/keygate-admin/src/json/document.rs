use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// A serialized OpenAPI 3.1 document.
#[derive(Clone)]
pub(crate) struct Document(Arc<str>);

/// The problems that every operation can return.
const READING: &[&str] = &["400", "401", "403", "404", "405", "421", "429", "500", "503"];

/// The additional problems that changes can return.
const CHANGING: &[&str] = &["409", "412", "413", "415", "422", "428"];

impl Document {
    /// Completes a document with the service's URL, its security schemes, and the problems of each operation.
    pub(crate) fn new(openapi: &OpenApi, server: &str, schemes: &Map<String, Value>) -> Self {
        let mut document = serde_json::to_value(openapi).unwrap_or_default();
        document["servers"] = json!([{ "url": server }]);
        if !schemes.is_empty() {
            let alternatives: Vec<_> = schemes.keys().map(|name| json!({ name: [] })).collect();
            document["components"]["securitySchemes"] = Value::Object(schemes.clone());
            document["security"] = Value::Array(alternatives);
        }
        document["components"]["responses"] = json!({
            "Problem": {
                "description": "Problem details (RFC 9457)",
                "content": {
                    "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
                },
            },
        });
        let paths = document["paths"].as_object_mut().into_iter().flatten();
        for (_, path) in paths {
            for (method, operation) in path.as_object_mut().into_iter().flatten() {
                let further = if method == "get" { &[] } else { CHANGING };
                for status in READING.iter().chain(further) {
                    operation["responses"][status] =
                        json!({ "$ref": "#/components/responses/Problem" });
                }
            }
        }
        Self(document.to_string().into())
    }

    pub(crate) fn response(&self) -> Response {
        let body = self.0.to_string();
        (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

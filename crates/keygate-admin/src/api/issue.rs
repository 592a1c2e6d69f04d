use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use keygate::key::DEFAULT_PREFIX;

use super::Api;
use super::keys::key_id;
use super::precondition::IfMatch;
use crate::json::{
    Attempt, Fields, IssueKey, IssuedKey, JsonResult, Made, Making, Problem, RotateKey, RotatedKey,
    Segment,
};
use crate::operator::Operator;

impl Api {
    fn attempt(
        &self,
        operator: &Operator,
        headers: &HeaderMap,
        (method, uri): (&Method, &Uri),
        body: [u8; 32],
    ) -> Result<Attempt, Problem> {
        let target = format!("{method} {}", uri.path());
        self.idempotency.begin(operator.name(), headers, &target, body, self.app.now())
    }

    fn making(&self, attempt: Attempt) -> Making<'_> {
        Making {
            attempt,
            prefix: self.app.key_prefix.as_deref().unwrap_or(DEFAULT_PREFIX),
            replaces: None,
            keys: self.app.url("/api/v1/keys"),
            now: self.app.now(),
        }
    }
}

/// Issues a key
///
/// Only this response contains the text of the key. With an `Idempotency-Key`, a repeated request creates no second
/// key: its response describes the first key, without its text. Requests are remembered for 24 hours, while this
/// process runs.
#[utoipa::path(post, path = "/clients/{name}/keys", tag = "keys", request_body = IssueKey,
    params(("name" = String, Path, description = "The name of the client"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the client that the request is based on"),
        ("Idempotency-Key" = Option<String>, Header, description = "A new text for each new key, such as a UUID")),
    responses((status = 201, description = "The new key", body = IssuedKey,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 200, description = "The key that an earlier request made, without its text", body = IssuedKey,
            headers(("Idempotent-Replayed" = String, description = "`true`")))))]
pub(super) async fn issue_key(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(name): Segment,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    mut fields: Fields,
) -> JsonResult {
    let (if_match, body) = (IfMatch::optional(&headers)?, fields.fingerprint());
    let new = IssueKey::read(&mut fields);
    fields.finish()?;
    let attempt = api.attempt(&operator, &headers, (&method, &uri), body)?;
    let store = api.store(&operator)?;
    // The first request may have changed the client's version, so a repeat does not check it.
    let make = |key| async move {
        let store = if_match.on_client(store, &name).await?;
        let issued = store.issue(&name, new.apply(key)).await?;
        Ok(Made::Issued(Box::new(issued)))
    };
    api.making(attempt).run(&*api.app.store, Problem::from, make).await
}

/// Replaces a key
///
/// The new key works at once. The old key works until its grace period ends. With an `Idempotency-Key`, a repeated
/// request creates no second key, as when a key is issued.
#[utoipa::path(post, path = "/keys/{key_id}/rotate", tag = "keys", request_body = RotateKey,
    params(("key_id" = String, Path, description = "The ID of the key to replace"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the key that the request is based on"),
        ("Idempotency-Key" = Option<String>, Header, description = "A new text for each new key, such as a UUID")),
    responses((status = 201, description = "The new key", body = RotatedKey,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 200, description = "The key that an earlier request made, without its text", body = RotatedKey,
            headers(("Idempotent-Replayed" = String, description = "`true`")))))]
pub(super) async fn rotate_key(
    State(api): State<Arc<Api>>,
    Extension(operator): Extension<Operator>,
    Segment(id): Segment,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    mut fields: Fields,
) -> JsonResult {
    let id = key_id(&id)?;
    let (if_match, body) = (IfMatch::optional(&headers)?, fields.fingerprint());
    let successor = RotateKey::read(&mut fields);
    fields.finish()?;
    let attempt = api.attempt(&operator, &headers, (&method, &uri), body)?;
    let store = api.store(&operator)?;
    let make = |key| async move {
        let store = if_match.on_key(store, &id).await?;
        let grace = successor.grace();
        let rotated = store.rotate(&id, successor.apply(key), grace).await?;
        Ok(Made::Rotated(Box::new(rotated)))
    };
    let making = Making { replaces: Some(id), ..api.making(attempt) };
    making.run(&*api.app.store, Problem::from, make).await
}

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use keygate::ManageKeys;
use keygate::manage::{ClientInfo, KeyInfo};

use super::places::{taken, too_many};
use super::{Caller, Shared};
use crate::json::{
    Attempt, Failure, Fields, IssueKey, IssuedKey, JsonResult, Kind, Made, Making, Problem,
    RotateKey, RotatedKey, Segment,
};

impl Shared {
    /// Returns the caller's client, which may make keys.
    async fn maker(&self, caller: &Caller) -> Result<ClientInfo, Problem> {
        caller.require_sign_in()?;
        let client = self.client(caller).await?;
        if !client.enabled {
            let detail = "Your client is disabled, and its keys are refused: ask the operators of the service.";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(client)
    }

    fn attempt(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        (method, uri): (&Method, &Uri),
        body: [u8; 32],
    ) -> Result<Attempt, Problem> {
        let target = format!("{method} {}", uri.path());
        self.idempotency.begin(caller.client(), headers, &target, body, self.now())
    }

    fn making(&self, attempt: Attempt, keys: &str) -> Making<'_> {
        let (prefix, keys) = (&*self.settings.key_prefix, keys.to_owned());
        Making { attempt, prefix, replaces: None, keys, now: self.now() }
    }

    pub(super) fn store(&self, caller: &Caller) -> Result<Box<dyn ManageKeys>, Problem> {
        self.settings.store.for_actor(&caller.actor()).map_err(Problem::for_customer)
    }
}

/// Issues a key
///
/// The response has the text of the key, and nothing else ever has. It has at most the scopes and networks of the client.
/// 409 if the client has as many keys as it may have.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = IssueKey,
    params(("Idempotency-Key" = Option<String>, Header, description = "A new text for each new key, such as a UUID")),
    responses((status = 201, description = "The new key", body = IssuedKey,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 200, description = "The key that an earlier request made, without its text", body = IssuedKey,
            headers(("Idempotent-Replayed" = String, description = "`true`")))))]
pub(super) async fn issue_key(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    mut fields: Fields,
) -> JsonResult {
    let name = shared.maker(&caller).await?.profile.name().to_owned();
    let body = fields.fingerprint();
    let new = IssueKey::read(&mut fields);
    fields.finish()?;
    let attempt = shared.attempt(&caller, &headers, (&method, &uri), body)?;
    let (store, state) = (shared.store(&caller)?, shared.clone());
    let make = |key| async move {
        let _alone = state.places.lock(&name).await;
        let max = state.settings.max_keys;
        if taken(&*store, &name, state.now()).await? >= max {
            return Err(too_many(max).into());
        }
        let issued = store.issue(&name, new.apply(key)).await?;
        take_back(&*store, &issued, max, &state).await?;
        Ok(Made::Issued(Box::new(issued)))
    };
    shared.making(attempt, "keys").run(&*shared.settings.store, Problem::for_customer, make).await
}

/// Revokes a new key if another process has taken the last place meanwhile. Nobody has seen the key.
async fn take_back(
    store: &dyn ManageKeys,
    issued: &KeyInfo,
    max: usize,
    shared: &Shared,
) -> Result<(), Failure> {
    let counted = taken(store, &issued.client, shared.now()).await;
    if counted.as_ref().is_ok_and(|taken| *taken <= max) {
        return Ok(());
    }
    store.revoke(&issued.key_id).await?;
    // Nothing is left of it, so that a repeat begins anew.
    Err(counted.map_or_else(Problem::for_customer, |_| too_many(max)).into())
}

/// Replaces a key
///
/// The new key works at once, and the old one until its grace ends. Until then it counts, too: 409 if the client then had
/// more keys than it may have.
#[utoipa::path(post, path = "/keys/{key_id}/rotate", tag = "keys", request_body = RotateKey,
    params(("key_id" = String, Path, description = "The id of the key to replace"),
        ("Idempotency-Key" = Option<String>, Header, description = "A new text for each new key, such as a UUID")),
    responses((status = 201, description = "The new key", body = RotatedKey,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its address"))),
        (status = 200, description = "The key that an earlier request made, without its text", body = RotatedKey,
            headers(("Idempotent-Replayed" = String, description = "`true`")))))]
pub(super) async fn rotate_key(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    mut fields: Fields,
) -> JsonResult {
    let name = shared.maker(&caller).await?.profile.name().to_owned();
    let old = shared.own_key(&caller, &id).await?.key_id;
    let body = fields.fingerprint();
    let successor = RotateKey::read(&mut fields);
    fields.finish()?;
    let attempt = shared.attempt(&caller, &headers, (&method, &uri), body)?;
    let (store, state) = (shared.store(&caller)?, shared.clone());
    let make = |key| async move {
        let _alone = state.places.lock(&name).await;
        let (max, grace) = (state.settings.max_keys, successor.grace());
        // Without grace, the new key takes the place of the old one, which the store refuses if it has ended.
        if grace > Duration::ZERO && taken(&*store, &name, state.now()).await? >= max {
            return Err(too_many(max).into());
        }
        let rotated = store.rotate(&old, successor.apply(key), grace).await?;
        Ok::<_, Failure>(Made::Rotated(Box::new(rotated)))
    };
    let making = Making { replaces: Some(old), ..shared.making(attempt, "..") };
    making.run(&*shared.settings.store, Problem::for_customer, make).await
}

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use keygate::ManageKeys;
use keygate::manage::{ClientInfo, KeyInfo};

use super::key_limit::{count_live, too_many};
use super::{Caller, Shared};
use crate::json::{
    Attempt, Failure, Fields, IssueKey, IssuedKey, JsonResult, Kind, Made, Making, Problem,
    RotateKey, RotatedKey, Segment,
};

impl Shared {
    /// Returns the caller's client, if the caller may issue and rotate keys.
    async fn maker(&self, caller: &Caller) -> Result<ClientInfo, Problem> {
        caller.require_sign_in()?;
        let client = self.client(caller).await?;
        if !client.enabled {
            let detail = "Your client is disabled, so its keys are refused: contact the operators of the service.";
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
/// Only this response contains the text of the key. The key has at most the scopes and networks of the client. 409 if
/// the client already has the maximum number of keys.
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
        let _lock = state.issue_locks.lock(&name).await;
        let max = state.settings.max_keys;
        if count_live(&*store, &name, state.now()).await? >= max {
            return Err(too_many(max).into());
        }
        let issued = store.issue(&name, new.apply(key)).await?;
        take_back(&*store, &issued, max, &state).await?;
        Ok(Made::Issued(Box::new(issued)))
    };
    shared.making(attempt, "keys").run(&*shared.settings.store, Problem::for_customer, make).await
}

/// Revokes a new key, which nobody has seen yet, if another process has issued the last allowed key in the meantime.
async fn take_back(
    store: &dyn ManageKeys,
    issued: &KeyInfo,
    max: usize,
    shared: &Shared,
) -> Result<(), Failure> {
    let counted = count_live(store, &issued.client, shared.now()).await;
    if counted.as_ref().is_ok_and(|count| *count <= max) {
        return Ok(());
    }
    store.revoke(&issued.key_id).await?;
    // The key no longer works, so a repeat is handled as a new request.
    Err(counted.map_or_else(Problem::for_customer, |_| too_many(max)).into())
}

/// Replaces a key
///
/// The new key works at once. The old key works, and counts towards the maximum number of keys, until its grace period
/// ends. 409 if the client would have too many keys.
#[utoipa::path(post, path = "/keys/{key_id}/rotate", tag = "keys", request_body = RotateKey,
    params(("key_id" = String, Path, description = "The ID of the key to replace"),
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
        let _lock = state.issue_locks.lock(&name).await;
        let (max, grace) = (state.settings.max_keys, successor.grace());
        // Without a grace period, the number of keys stays the same: the store refuses to rotate an ended key.
        if grace > Duration::ZERO && count_live(&*store, &name, state.now()).await? >= max {
            return Err(too_many(max).into());
        }
        let rotated = store.rotate(&old, successor.apply(key), grace).await?;
        Ok::<_, Failure>(Made::Rotated(Box::new(rotated)))
    };
    let making = Making { replaces: Some(old), ..shared.making(attempt, "..") };
    making.run(&*shared.settings.store, Problem::for_customer, make).await
}

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::ask::{Subject, in_time};
use super::rule::{Rule, Violation};
use super::sample::{Sample, now};
use crate::authenticate::Authenticator;
use crate::client::Client;
use crate::digest::KeyId;
use crate::error::{AuthError, WrongReason};
use crate::record::{KeyRecord, KeyState};
use crate::store::KeyStore;

/// The finest step that every platform's clock can take is a tenth of this.
const INSTANT: Duration = Duration::from_micros(1);

/// About 32 years.
const LONG: Duration = Duration::from_secs(1_000_000_000);

/// What those see who verify with the store.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn admits_and_refuses(&self) -> Result<(), Violation> {
        let clock = FakeClock::default();
        let auth = Authenticator::new(Arc::clone(&self.store))
            .clock(clock.reader())
            .deadline(self.patience);
        for sample in self.samples {
            let Some(key) = &sample.key else { continue };
            for time in instants(&sample.record) {
                clock.set(time);
                let result = in_time(auth.authenticate_key(key.as_bytes()), self.patience).await;
                check(sample, time, result)?;
            }
        }
        let unknown = auth.authenticate_key(b"a key that nobody has");
        let result = in_time(unknown, self.patience).await;
        match refusal(result.as_ref()) {
            Some((WrongReason::Unknown, None)) => Ok(()),
            _ => Err(broken(Rule::Reason, "an unknown key", result)),
        }
    }
}

#[derive(Clone, Default)]
struct FakeClock(Arc<Mutex<Option<SystemTime>>>);

impl FakeClock {
    fn set(&self, time: SystemTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }

    fn reader(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let clock = self.clone();
        move || clock.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(now)
    }
}

/// When a key is presented.
fn instants(record: &KeyRecord) -> Vec<SystemTime> {
    match record.expires().filter(|expires| *expires > now()) {
        Some(expires) => vec![now(), expires - INSTANT, expires, expires + LONG],
        None => vec![now(), now() + LONG],
    }
}

fn check(
    sample: &Sample,
    time: SystemTime,
    result: Option<Result<Client, AuthError>>,
) -> Result<(), Violation> {
    let (record, key_id) = (&sample.record, sample.record.key_id());
    let has_expired = record.expires().is_some_and(|expires| time >= expires);
    let reason = match record.state() {
        KeyState::Revoked => Some(WrongReason::Revoked),
        KeyState::Disabled => Some(WrongReason::Disabled),
        KeyState::Active => has_expired.then_some(WrongReason::Expired),
    };
    let is_right = match (reason, &result) {
        (None, Some(Ok(client))) => {
            client.key_id() == key_id && client.name() == record.profile().name()
        }
        (Some(reason), result) => refusal(result.as_ref()) == Some((reason, Some(key_id))),
        (None, _) => false,
    };
    let expires_in_view = record.state() == KeyState::Active && record.expires() > Some(now());
    let rule = match reason {
        _ if is_right => return Ok(()),
        _ if expires_in_view => Rule::ExpiresOnTime,
        None => Rule::Admitted,
        Some(_) => Rule::Reason,
    };
    Err(broken(rule, &format!("at {time:?} {sample}"), result))
}

fn refusal(result: Option<&Result<Client, AuthError>>) -> Option<(WrongReason, Option<KeyId>)> {
    match result? {
        Err(error) => Some((error.reason()?, error.key_id())),
        Ok(_) => None,
    }
}

fn broken(rule: Rule, what: &str, result: Option<Result<Client, AuthError>>) -> Violation {
    match result {
        None => Violation::new(rule, format!("{what} was not answered in time")),
        Some(Ok(client)) => {
            let key_id = client.key_id();
            Violation::new(rule, format!("{what} was admitted, as a client that used {key_id}"))
        }
        Some(Err(AuthError::Unavailable(error))) => {
            Violation::new(rule, format!("{what} could not be checked")).caused_by(error)
        }
        Some(Err(error)) => {
            let reason = error.reason().map_or("absent".to_owned(), |reason| reason.to_string());
            Violation::new(rule, format!("{what} was refused as {reason}"))
        }
    }
}

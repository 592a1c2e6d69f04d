//! Repeated requests: the `Idempotency-Key` header.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderName};
use keygate::KeyId;
use sha2::{Digest as _, Sha256};

use super::{Kind, Made, Problem};

#[cfg(test)]
mod tests;

/// How long a request is remembered.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of remembered requests.
const MOST: usize = 10_000;

/// The maximum number of remembered requests of one caller, who could otherwise displace those of all others.
const MOST_OF_CALLER: usize = 100;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The outcomes of requests with an `Idempotency-Key`: the newest 100 of each caller in the last 24 hours, and 10,000
/// in total, in the memory of this process.
///
/// It never contains the text of a key.
#[derive(Clone, Default)]
pub(crate) struct Idempotency(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    entries: HashMap<Name, Entry>,
    /// One row for each entry, by its number: in the order of the requests.
    rows: BTreeMap<u64, Row>,
    /// The numbers of each caller's entries.
    callers: HashMap<CallerHash, BTreeSet<u64>>,
    next: u64,
}

/// The SHA-256 of a caller and its `Idempotency-Key`.
type Name = [u8; 32];

type CallerHash = [u8; 32];

struct Row {
    at: SystemTime,
    caller: CallerHash,
    name: Name,
}

struct Entry {
    number: u64,
    fingerprint: [u8; 32],
    outcome: Outcome,
}

#[derive(Clone)]
enum Outcome {
    Running,
    Made(Box<Made>),
    /// The store failed, or the request was cancelled. If the store has this key, the key was created.
    Unknown(KeyId),
}

/// How to handle a request.
pub(crate) enum Attempt {
    /// The request is the first one, or has no `Idempotency-Key`.
    First(Slot),
    /// An earlier request created the key.
    Repeat(Made),
    /// If the store has this key, an earlier request created it. If not, this request creates a key.
    Recover(KeyId, Slot),
}

impl Idempotency {
    /// Starts a caller's request. `target` is its method and path.
    ///
    /// # Errors
    ///
    /// Fails if the header is malformed (400), if the same request is still in progress (409), or if the same
    /// `Idempotency-Key` was sent with another request (422).
    pub(crate) fn begin(
        &self,
        caller: &str,
        headers: &HeaderMap,
        target: &str,
        body: [u8; 32],
        now: SystemTime,
    ) -> Result<Attempt, Problem> {
        let Some(key) = key(headers)? else { return Ok(Attempt::First(Slot::none())) };
        let (caller, name) = (hash(&[caller]), hash(&[caller, key]));
        let mut fingerprint = Sha256::new();
        fingerprint.update(body);
        fingerprint.update(target);
        let fingerprint = fingerprint.finalize().into();

        let mut memory = self.lock();
        memory.forget_old(now);
        let outcome = match memory.entries.get_mut(&name) {
            Some(entry) if entry.fingerprint != fingerprint => return Err(reused()),
            // While the unknown outcome is being resolved, the request is in progress again.
            Some(entry) => match std::mem::replace(&mut entry.outcome, Outcome::Running) {
                Outcome::Running => return Err(in_progress()),
                Outcome::Made(made) => {
                    entry.outcome = Outcome::Made(made.clone());
                    return Ok(Attempt::Repeat(*made));
                }
                Outcome::Unknown(key_id) => Some((key_id, entry.number)),
            },
            None => None,
        };
        if let Some((key_id, number)) = outcome {
            let slot = Slot { place: Some((self.clone(), name, number)), key_id: Some(key_id) };
            return Ok(Attempt::Recover(key_id, slot));
        }
        let number = memory.add(caller, name, fingerprint, now);
        Ok(Attempt::First(Slot { place: Some((self.clone(), name, number)), key_id: None }))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn add(
        &mut self,
        caller: CallerHash,
        name: Name,
        fingerprint: [u8; 32],
        now: SystemTime,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        self.entries.insert(name, Entry { number, fingerprint, outcome: Outcome::Running });
        self.rows.insert(number, Row { at: now, caller, name });
        self.callers.entry(caller).or_default().insert(number);
        if let Some(own) = self.callers.get(&caller)
            && own.len() > MOST_OF_CALLER
            && let Some(oldest) = self.oldest(own.iter())
        {
            self.forget(oldest);
        }
        if self.rows.len() > MOST
            && let Some(oldest) = self.oldest(self.rows.keys())
        {
            self.forget(oldest);
        }
        number
    }

    /// Returns the oldest finished one of these requests, or the oldest one if none is finished.
    fn oldest<'a>(&self, mut numbers: impl Iterator<Item = &'a u64> + Clone) -> Option<u64> {
        let is_finished = |number: &&u64| {
            let entry = self.rows.get(number).and_then(|row| self.entries.get(&row.name));
            entry.is_some_and(|entry| !matches!(entry.outcome, Outcome::Running))
        };
        let first = numbers.clone().next();
        numbers.find(is_finished).or(first).copied()
    }

    fn forget_old(&mut self, now: SystemTime) {
        let is_old = |row: &Row| now.duration_since(row.at).is_ok_and(|age| age >= KEPT_FOR);
        while let Some((&number, row)) = self.rows.first_key_value()
            && is_old(row)
        {
            self.forget(number);
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(Row { caller, name, .. }) = self.rows.remove(&number) else { return };
        self.entries.remove(&name);
        if let Some(own) = self.callers.get_mut(&caller) {
            own.remove(&number);
            if own.is_empty() {
                self.callers.remove(&caller);
            }
        }
    }
}

/// The entry of a request in progress.
///
/// If it is dropped after [`Slot::expect`], the outcome is remembered as unknown. If it is dropped earlier, the request
/// is forgotten.
pub(crate) struct Slot {
    place: Option<(Idempotency, Name, u64)>,
    key_id: Option<KeyId>,
}

impl Slot {
    fn none() -> Self {
        Self { place: None, key_id: None }
    }

    /// Sets the ID of the key that the store will be asked to add.
    pub(crate) fn expect(&mut self, key_id: KeyId) {
        self.key_id = Some(key_id);
    }

    pub(crate) fn finish(mut self, made: &Made) {
        self.end(Some(Outcome::Made(Box::new(made.clone()))));
    }

    /// Forgets the request, since no key was created. A repeat is handled as a new request.
    pub(crate) fn forget(mut self) {
        self.end(None);
    }

    fn end(&mut self, outcome: Option<Outcome>) {
        let Some((idempotency, name, number)) = self.place.take() else { return };
        let mut memory = idempotency.lock();
        let Some(entry) = memory.entries.get_mut(&name) else { return };
        if entry.number != number {
            return;
        }
        match outcome {
            Some(outcome) => entry.outcome = outcome,
            None => memory.forget(number),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let outcome = self.key_id.map(Outcome::Unknown);
        self.end(outcome);
    }
}

/// Returns the `Idempotency-Key` of a request: 1 to 255 visible ASCII characters. Quotes around them (RFC 9651 section
/// 3.3.3) do not count.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let malformed = || {
        let detail =
            "Send one `Idempotency-Key` of 1 to 255 visible ASCII characters, such as a UUID.";
        Problem::new(Kind::Malformed, detail)
    };
    let mut lines = headers.get_all(HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let text = line.to_str().map_err(|_| malformed())?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if lines.next().is_some() || !is_visible || !(1..=255).contains(&text.len()) {
        return Err(malformed());
    }
    Ok(Some(text))
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn reused() -> Problem {
    let detail = "This `Idempotency-Key` was already used for another request: choose a new one for each new \
                  request.";
    Problem::new(Kind::KeyReused, detail)
}

fn in_progress() -> Problem {
    let detail =
        "The first request with this `Idempotency-Key` is still in progress: repeat it later.";
    Problem::new(Kind::InProgress, detail).retry_after(1)
}

//! Single-use numbers for the forms that create a key, so that each form creates only one key, however often it is
//! sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use keygate::KeyId;

use crate::random::{self, NoRandomness};

/// How long after it was opened a form can be submitted.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of remembered forms. The oldest are forgotten first.
const FORMS: usize = 10_000;

/// The key of a form. Its text is not kept.
#[derive(Clone, Copy)]
pub(crate) struct Made {
    pub(crate) key_id: KeyId,
    pub(crate) at: SystemTime,
}

/// What a form has done.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    /// The key was created, and the response showed it.
    Made(Made),
    /// The store failed. If it has this key, the key was created, but no response showed it.
    Unknown(Made),
}

/// The outcome of a form, once it has been used. The lock is held while the key is created, so that a second request
/// waits and then finds the key.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<Outcome>>>;

/// The forms that this process has opened.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<Forms>);

#[derive(Default)]
struct Forms {
    by_nonce: HashMap<String, (SystemTime, Slot)>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Nonces {
    /// Opens a form and returns its number.
    ///
    /// # Errors
    ///
    /// Fails if the system's random number generator fails.
    pub(crate) fn open(&self, now: SystemTime) -> Result<String, NoRandomness> {
        let nonce = random::token()?;
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while forms.order.len() >= FORMS || forms.is_oldest_expired(now) {
            let oldest = forms.order.pop_front();
            oldest.and_then(|oldest| forms.by_nonce.remove(&oldest));
        }
        forms.order.push_back(nonce.clone());
        forms.by_nonce.insert(nonce.clone(), (now, Slot::default()));
        Ok(nonce)
    }

    /// Returns the form with this number, or `None` if it is unknown or too old.
    pub(crate) fn form(&self, nonce: &str, now: SystemTime) -> Option<Slot> {
        let forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (opened, slot) = forms.by_nonce.get(nonce)?;
        (!is_expired(*opened, now)).then(|| slot.clone())
    }
}

impl Forms {
    fn is_oldest_expired(&self, now: SystemTime) -> bool {
        let oldest = self.order.front().and_then(|oldest| self.by_nonce.get(oldest));
        oldest.is_some_and(|(opened, _)| is_expired(*opened, now))
    }
}

fn is_expired(opened: SystemTime, now: SystemTime) -> bool {
    now.duration_since(opened).is_ok_and(|age| age > AGE)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn old_and_excess_forms_are_forgotten() {
        let (nonces, now) = (Nonces::default(), UNIX_EPOCH);
        let first = nonces.open(now).unwrap();
        assert!(nonces.form(&first, now + AGE).is_some());
        assert!(nonces.form(&first, now + AGE + Duration::from_secs(1)).is_none());
        assert!(nonces.form("", now).is_none());
        for _ in 0..FORMS {
            nonces.open(now).unwrap();
        }
        assert!(nonces.form(&first, now).is_none());
        let last = nonces.open(now + 2 * AGE).unwrap();
        assert!(nonces.form(&last, now + 2 * AGE).is_some());
        let forms = nonces.0.lock().unwrap();
        assert_eq!((forms.order.len(), forms.by_nonce.len()), (1, 1));
    }
}

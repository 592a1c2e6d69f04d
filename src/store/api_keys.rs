//! Keys that an application loads with its own settings.

use std::fmt;

use smol_str::SmolStr;

use super::MemoryStore;
use super::memory::Bulk;
use crate::client::{ClientProfile, LabelError, ProfileError};
use crate::key::{self, KeyDigest, MIN_KEY_CHARS, Strength};
use crate::manage::KeyError;

#[cfg(feature = "serde")]
#[cfg_attr(not(feature = "yaml"), allow(dead_code))]
pub(in crate::store) mod any;
mod env;
mod keys_error;
#[cfg(feature = "serde")]
mod loading;

pub use keys_error::{KeysError, KeysFault};
#[cfg(all(feature = "serde", feature = "yaml"))]
pub(in crate::store) use loading::hidden;

/// Keys in an application's own settings, each with the name of its client.
///
/// It deserializes from a map of keys to client names, the value of `api_keys` in a key file, in any self-describing
/// format (feature `serde`). A key is hashed at once; its text is not kept, and buffers that keygate owns are overwritten.
///
/// ```
/// use keygate::{ApiKeys, MemoryStore};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Config {
///     database_url: String,
///     api_keys: ApiKeys,
/// }
///
/// let text = "
/// database_url: postgres://localhost/app
/// api_keys:
///     08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
///     ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
/// ";
/// let config: Config = serde_yaml::from_str(text)?;
/// let store = MemoryStore::try_from(config.api_keys)?;
/// assert_eq!((store.len(), &*config.database_url), (2, "postgres://localhost/app"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An entry that breaks a rule does not make deserializing fail, because the error of a format crate quotes its input.
/// `MemoryStore::try_from` reports all faults, by the number of the entry and without its text. It refuses what
/// [`MemoryStore::insert`] refuses, and keys and names that are not texts.
///
/// A text of the form `sha256:...` is the digest of a key. `Serialize` writes all keys in this form.
///
/// # Limits
///
/// - A key or name that looks like a number or a boolean must be in quotes. A key that consists of digits is refused,
///   since `config` reads `0x1F` in YAML as `31`.
/// - A duplicate key is refused if the format crate passes it on, as `serde_yaml` and `serde_json` do. TOML, and
///   `config` for YAML, refuse it themselves. `figment` (YAML, JSON) and `config` (JSON) keep the last one.
/// - Some errors of loaders quote their input. See [`guide::config`](crate::guide::config).
#[derive(Clone, Default)]
pub struct ApiKeys(Vec<Result<Entry, EntryFault>>);

#[derive(Clone)]
struct Entry {
    digest: KeyDigest,
    client: SmolStr,
}

/// Reason why an entry is refused. Contains no text of the entry.
#[derive(Clone, Debug, thiserror::Error)]
enum EntryFault {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the key is {0}: write it as a text, in quotes")]
    KeyType(&'static str),
    #[error(
        "the key has only digits, as if a loader had read it as a number: use a key with letters"
    )]
    Digits,
    #[error("the key is in quotes, which would be part of it: remove them")]
    Quoted,
    #[error("the name of the client is {0}: write it as a text, in quotes")]
    ClientType(&'static str),
    #[error("no client is named for the key: write `KEY: client name`")]
    NoClient,
    #[error("expected a map of keys to client names, found {0}")]
    Type(&'static str),
}

impl ApiKeys {
    /// Returns the number of entries, including faulty ones.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the digest of a key, or parses the text of a digest.
fn digest(key: &str) -> Result<KeyDigest, EntryFault> {
    if let Ok(digest) = key.parse() {
        return Ok(digest);
    }
    match key::check(key.as_bytes()).map_err(KeyError::from)? {
        Strength::Weak(why) => Err(KeyError::Weak(why).into()),
        Strength::Low | Strength::Fair if is_like_a_number(key) => Err(EntryFault::Digits),
        Strength::Low | Strength::Fair => Ok(KeyDigest::of(key.as_bytes())),
    }
}

/// Returns whether a key may be a number that a loader has rewritten: `config` reads `0x1F` as `31`.
pub(in crate::store) fn is_like_a_number(key: &str) -> bool {
    key.len() >= MIN_KEY_CHARS && key.bytes().all(|byte| byte.is_ascii_digit())
}

impl TryFrom<ApiKeys> for MemoryStore {
    type Error = KeysError;

    /// Creates a store with these keys.
    ///
    /// # Errors
    ///
    /// Entries are refused. The error lists all of them, by their numbers and without their texts.
    fn try_from(keys: ApiKeys) -> Result<Self, KeysError> {
        let (mut bulk, mut faults) = (Bulk::new(), Vec::new());
        for (entry, number) in keys.0.into_iter().zip(1_usize..) {
            let pushed = entry.and_then(|Entry { digest, client }| {
                bulk.push(digest, ClientProfile::new(client), number).map_err(|error| match error {
                    KeyError::Profile(ProfileError::Name(LabelError::Empty)) => {
                        EntryFault::NoClient
                    }
                    error => error.into(),
                })
            });
            faults.extend(pushed.err().map(|fault| (number, fault.to_string())));
        }
        let store = Self::from_bulk(bulk).map_err(|conflicts| {
            faults.extend(conflicts.into_iter().map(|conflict| {
                let [first, number] = conflict.positions;
                let reason = if conflict.same_key {
                    format!(
                        "this key is the same as in entry {first}: give each client its own \
                        key"
                    )
                } else {
                    format!(
                        "this key has the same id as the one in entry {first}: generate a new \
                        key"
                    )
                };
                (number, reason)
            }));
        });
        match store {
            Ok(store) if faults.is_empty() => Ok(store),
            _ => {
                faults.sort_by_key(|(number, _)| *number);
                let faults = faults.into_iter();
                Err(KeysError::new(faults.map(|(number, reason)| KeysFault {
                    place: format!("entry {number}"),
                    reason,
                })))
            }
        }
    }
}

/// Shows the number of entries only.
impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("entries", &self.len()).finish()
    }
}

use std::fmt;

/// Error for deserialized keys, with everything that is refused.
///
/// ```
/// use keygate::{ApiKeys, MemoryStore};
///
/// let keys: ApiKeys = serde_json::from_str(r#"{"hunter2": "User 1", "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU": 7}"#)?;
/// let error = MemoryStore::try_from(keys).unwrap_err();
/// assert_eq!(error.faults.len(), 2);
/// assert_eq!(error.faults[1].place, "entry 2");
/// assert!(error.to_string().contains("entry 1: the key is shorter than 16 characters"));
/// assert!(!format!("{error} {error:?}").contains("hunter2"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeysError {
    /// The faults, at least one, in the order of the keys.
    pub faults: Vec<KeysFault>,
}

/// One fault of a [`KeysError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
#[non_exhaustive]
pub struct KeysFault {
    /// The place, such as ``entry 2``, or `` `clients`, entry 1, `scopes` ``. Entries are counted from 1, in the order of the
    /// loader. Keys and names are not shown.
    pub place: String,
    /// The reason, with a way out.
    pub reason: String,
}

/// The maximum number of faults that `Display` shows.
const SHOWN: usize = 3;

impl KeysError {
    pub(in crate::store) fn new(faults: impl IntoIterator<Item = KeysFault>) -> Self {
        Self { faults: faults.into_iter().collect() }
    }
}

/// One line with the first faults.
impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.faults.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>();
        write!(f, "keys are refused: {}", shown.join("; "))?;
        match self.faults.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for KeysError {}

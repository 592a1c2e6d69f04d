//! Keys: generating, checking and hashing them.
//!
//! The bytes of a key come in; a [`KeyDigest`] goes out. Stores see only the digest. Start with `digest.rs`;
//! `key_id.rs` is the public handle of a key. `api_key.rs` generates keys in the format of `format.rs`. `rules.rs`
//! decides which texts can be keys, with `weak.rs`, `template.rs` and `invisible.rs`; `lookalike.rs` recognizes keys
//! entered in the wrong place. `lifetime.rs` is the time during which a key works, and `status.rs` packs it with the
//! key's state. `timestamp.rs` is the type of all times, and `rfc3339.rs` parses them.

mod api_key;
mod crc32;
mod digest;
mod format;
pub(crate) mod invisible;
mod key_id;
mod lifetime;
mod lookalike;
#[cfg(any(feature = "yaml", feature = "serde"))]
mod rfc3339;
mod rules;
mod status;
mod template;
mod timestamp;
mod weak;

pub use api_key::{ApiKey, GenerateError};
pub use digest::{KeyDigest, ParseDigestError};
pub(crate) use format::is_generated_key;
pub use format::{DEFAULT_PREFIX, InvalidPrefix, KEY_PATTERN, KeyFormat, MAX_PREFIX_CHARS};
pub use invisible::InvisibleChar;
pub use key_id::{KeyId, ParseKeyIdError};
pub use lifetime::Lifetime;
pub(crate) use lifetime::Validity;
#[cfg(feature = "yaml")]
pub(crate) use lookalike::look_swapped;
pub use lookalike::looks_like_key;
pub(crate) use rules::check;
pub use rules::{MAX_KEY_BYTES, UnusableKey};
pub use status::KeyState;
pub(crate) use status::PackedStatus;
#[cfg_attr(not(any(feature = "yaml", feature = "serde")), allow(unused_imports))]
pub(crate) use timestamp::Rounding;
pub use timestamp::{TimeError, Timestamp};
pub(crate) use weak::Strength;
pub use weak::{MIN_KEY_CHARS, WeakKey};

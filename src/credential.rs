//! Where a request carries its key.
//!
//! The headers and the URI of a request come in; the digest of its key goes out, or the reason why there is none. The
//! text of the key is not kept.
//!
//! Start with [`Source`](crate::Source) in `source.rs`. Each kind of source is one file, such as `header.rs`, that
//! implements the trait in `kind.rs`. `expected.rs` distinguishes keys from other texts by their prefix. `sources.rs`
//! tries the sources of an authenticator in order, and `lines.rs` rewrites headers of several lines.

use http::header::{HeaderMap, HeaderName};

use crate::error::WrongReason;
use crate::key::{KeyDigest, KeyFormat, MAX_KEY_BYTES};

mod authorization;
mod basic;
mod cookie;
mod expected;
mod header;
mod header_raw;
mod kind;
mod lines;
mod query;
mod source;
mod sources;
mod websocket_protocol;

pub(crate) use authorization::{BEARER, is_bearer};
pub(crate) use kind::Challenge;
pub use source::Source;
pub(crate) use sources::Sources;

/// The credential of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential {
    /// No source is present.
    Absent,
    /// At least one source is present and blank, and none has a key.
    Blank,
    /// The value of the source cannot be a key.
    Wrong {
        reason: WrongReason,
        by_bearer: bool,
    },
    Key {
        digest: KeyDigest,
        by_bearer: bool,
    },
}

impl Credential {
    #[inline]
    fn of(key: &[u8], by_bearer: bool, format: Option<&KeyFormat>) -> Self {
        if is_blank(key) {
            Self::Blank
        } else if key.len() > MAX_KEY_BYTES || format.is_some_and(|format| !format.matches(key)) {
            Self::Wrong { reason: WrongReason::Malformed, by_bearer }
        } else {
            Self::Key { digest: KeyDigest::of(key), by_bearer }
        }
    }

    fn ambiguous(by_bearer: bool) -> Self {
        Self::Wrong { reason: WrongReason::Ambiguous, by_bearer }
    }
}

#[inline]
fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// Returns whether a header has several lines. In most requests no header has, which two lengths show without a search.
#[inline]
fn has_several(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.len() != headers.keys_len() && headers.get_all(name).iter().nth(1).is_some()
}

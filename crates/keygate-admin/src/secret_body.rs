//! Bodies with the text of a key, which are overwritten in memory when they are dropped.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use serde::Serialize;
use zeroize::{Zeroize as _, Zeroizing};

/// Returns a response body that is overwritten after it was sent. The buffer must not have grown, since that leaves a
/// copy of its content in freed memory.
pub(crate) fn body(buffer: Zeroizing<Vec<u8>>) -> Body {
    Body::from(Bytes::from_owner(Buffer(buffer)))
}

/// Returns a value as JSON, in a buffer that has not grown.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    let mut buffer = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *buffer, value)?;
    Ok(buffer)
}

/// Overwrites a request body, unless the server in front of this service still owns its memory.
pub(crate) fn overwrite(body: Bytes) {
    if let Ok(mut bytes) = body.try_into_mut() {
        bytes.zeroize();
    }
}

struct Buffer(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Counts the bytes written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Types that threads share, and threads that share a store.

mod bounds;
mod changing;
mod panicking;
mod state;

use keygate::KeyDigest;

/// A unique key.
fn key(number: usize) -> String {
    format!("a-key-for-tests-{number:08}")
}

fn digest(number: usize) -> KeyDigest {
    KeyDigest::of(key(number).as_bytes())
}

//! The names of the public types, read from the files that hand them on, so that a new type cannot be
//! forgotten by a test about all of them.

use std::collections::BTreeSet;

/// Traits, and a name for a type of the standard library.
const NOT_TYPES: [&str; 11] = [
    "BoxFuture",
    "Counters",
    "KeyStore",
    "Local",
    "LocalCounters",
    "LocalKeyStore",
    "ManageKeys",
    "Observe",
    "Respond",
    "StoreMetrics",
    "TransferKeys",
];

pub(crate) fn names() -> BTreeSet<&'static str> {
    let files = [include_str!("../../src/lib.rs"), include_str!("../../src/testing.rs")];
    let all = files.into_iter().flat_map(names_in);
    all.filter(|name| !NOT_TYPES.contains(name)).collect()
}

/// The types and traits of `pub use ...;`: their names have a capital and a small letter.
fn names_in(file: &str) -> impl Iterator<Item = &str> {
    let uses = file.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let words = uses.flat_map(|path| path.split(|char: char| !char.is_alphanumeric()));
    words.filter(|word| {
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && word.contains(|any: char| any.is_ascii_lowercase())
    })
}

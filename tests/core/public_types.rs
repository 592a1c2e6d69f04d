//! The names of the public types, read from the files of the public modules, so that tests about all types cannot miss
//! a new one.

use std::collections::BTreeSet;
use std::fs;

/// The traits among the names.
const NOT_TYPES: [&str; 8] = [
    "Counters",
    "KeyStore",
    "LocalCounters",
    "LocalKeyStore",
    "ManageKeys",
    "StoreMetrics",
    "SyncStore",
    "TransferKeys",
];

pub(crate) fn names() -> BTreeSet<String> {
    let root = read("lib");
    let modules = root.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut names = names_in(&root);
    for module in modules {
        names.extend(names_in(&read(module)));
    }
    for other in NOT_TYPES {
        assert!(names.remove(other), "{other} is not public any more: remove it from `NOT_TYPES`");
    }
    names
}

fn read(module: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    fs::read_to_string(format!("{folder}/{module}.rs"))
        .or_else(|_| fs::read_to_string(format!("{folder}/{module}/mod.rs")))
        .unwrap_or_else(|error| panic!("{module}: {error}"))
}

/// The types and traits that a file reexports or defines.
fn names_in(file: &str) -> BTreeSet<String> {
    let uses = file.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let words = uses.flat_map(|path| path.split(|char: char| !char.is_alphanumeric()));
    let is_type = |word: &&str| {
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && word.contains(|any: char| any.is_ascii_lowercase())
    };
    let defined = file.lines().filter_map(|line| {
        let rest =
            ["pub struct ", "pub enum "].iter().find_map(|begin| line.strip_prefix(begin))?;
        rest.split(|char: char| !char.is_alphanumeric()).next()
    });
    words.filter(is_type).chain(defined).map(str::to_owned).collect()
}

//! The bodies of the fuzz targets, as plain functions, so that the corpus can be replayed without a fuzzer.
//!
//! Each `check` panics where keygate disagrees with a second, independent parser of the same input.

#![deny(unsafe_code)]

pub mod editor;
pub mod folder;
pub mod foreign;
pub mod grammars;
mod reference;
pub mod sources;
pub mod yaml;

/// The kinds of sources that the tests list.
#[path = "../../tests/common/sources.rs"]
#[allow(dead_code)]
mod cases;

/// The tool's parser for `--store`, which is not part of the library.
#[path = "../../crates/keygate-cli/src/location.rs"]
#[allow(dead_code)]
mod location;

/// The tool's parsers for files of other systems, which are not part of the library either.
#[path = "../../crates/keygate-cli/src"]
#[allow(dead_code, unused_imports)]
mod tool {
    pub(crate) mod foreign;
}

/// The part of the tool that `location` needs.
mod failure {
    #[derive(Debug)]
    pub(crate) struct Failure;

    impl Failure {
        pub(crate) fn usage(_: impl std::fmt::Display) -> Self {
            Self
        }
    }
}

/// The body of a target.
pub type Check = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Check); 6] = [
    ("editor", editor::check),
    ("folder", folder::check),
    ("foreign", foreign::check),
    ("grammars", grammars::check),
    ("sources", sources::check),
    ("yaml", yaml::check),
];

//! Keys that an application loads with its own settings, by serde.

mod api_keys;
mod grammars;
mod loaders;
mod overwriting;
mod sections;

//! keygate under HTTP stacks. Each module is the shortest honest use of one stack; `tests/stacks.rs` starts and calls all
//! of them with one table of cases.

pub mod actix;
pub mod client;
pub mod connections;
pub mod from_fn;
pub mod grpc;
pub mod lambda;
pub mod mcp;
pub mod openapi;
pub mod salvo;
pub mod streams;

use keygate::{Authenticator, ClientProfile, KeyStore, MemoryStore, Scope, Source};

/// The key of a client without scopes.
pub const READER: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
/// The key of a client with the scope `orders:write`.
pub const WRITER: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";

pub const WRITE: Scope = Scope::from_static("orders:write");

/// The two clients of every stack.
pub fn store() -> MemoryStore {
    let writer = ClientProfile::new("Writer").with_scopes([WRITE]);
    let store = MemoryStore::from_keys([(READER, ClientProfile::new("Reader")), (WRITER, writer)]);
    store.expect("the keys are well formed")
}

/// The authenticator of every stack, which reads keys from `x-api-key` or `Authorization: Bearer`.
pub fn auth() -> Authenticator<MemoryStore> {
    auth_with(store())
}

pub fn auth_with<S: KeyStore>(store: S) -> Authenticator<S> {
    Authenticator::new(store)
        .with_sources([Source::header("x-api-key"), Source::bearer()])
        .expect("the sources are well formed")
}

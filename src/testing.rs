//! Tests for your own stores, and helpers for testing handlers that take a [`Client`](crate::Client).
//!
//! [`store_contract`] checks everything that verification requires of a store, and returns the first [`Rule`] that the
//! store breaks. It works with every async runtime: await it in a test.
//!
//! ```
//! use keygate::MemoryStore;
//! use keygate::testing::{Violation, store_contract};
//!
//! # // In a test crate this is `#[tokio::test]`.
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Violation> {
//!     store_contract(async |records| {
//!         let store = MemoryStore::new();
//!         for record in records {
//!             store.insert_record(record).expect("an empty store takes each of the records");
//!         }
//!         store
//!     })
//!     .await
//! }
//! ```
//!
//! For a store that is filled with keys as text and with names of clients, use [`key_contract`], which has the same
//! rules. For a store that implements [`ManageKeys`](crate::ManageKeys), also use [`manage_contract`], which fills the
//! store and sets its clock. Test handlers with [`Client::for_test`](crate::Client::for_test), and anything that depends
//! on time with a [`FakeClock`].
//!
//! # Limits
//!
//! The suite does not check
//!
//! - that keys are kept as digests, and digests compared in constant time
//! - speed, except that a lookup must not take ten seconds
//! - that a lookup is a [`StoreError`](crate::StoreError), and not `None`, when the database is unavailable
//! - that a change outlives the process, that an interrupted change has no effect, and that several processes can share a
//!   file or database

mod check;
mod client;
mod clock;
mod concurrency;
mod contract;
mod lookups;
mod manage;
mod rule;
mod sample;
mod subject;
mod verification;

pub use clock::FakeClock;
pub use contract::{key_contract, store_contract};
pub use manage::manage_contract;
pub use rule::{Rule, Violation};

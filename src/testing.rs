//! For the tests of those who bring a store of their own, and of those whose handlers take a
//! [`Client`](crate::Client).
//!
//! [`store_contract`] asks a store everything that verification relies on, and names the first
//! [`Rule`] that it breaks. It needs no particular runtime: await it in a test of yours.
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
//! A store that can only be filled with keys as text, and with the names of clients, is asked by
//! [`key_contract`]; both know the same rules. One that implements [`ManageKeys`](crate::ManageKeys)
//! is also asked by [`manage_contract`], which fills it itself and sets its clock. A handler is tested
//! with [`Client::for_test`](crate::Client::for_test), what depends on time with a [`FakeClock`].
//!
//! # What the suite cannot see
//!
//! - Whether keys are kept as digests, and comparisons take the same time wherever digests differ.
//! - How fast a store is. A lookup that takes ten seconds is taken for one that hangs.
//! - What happens to a store when its database goes away: that must be a
//!   [`StoreError`](crate::StoreError), never `None`.
//! - Whether a change outlives the process that made it, whether a change that is cut short leaves anything
//!   behind, and what two processes do to one file or database.

mod ask;
mod check;
mod client;
mod clock;
mod concurrency;
mod contract;
mod lookups;
mod manage;
mod rule;
mod sample;
mod verification;

pub use clock::FakeClock;
pub use contract::{key_contract, store_contract};
pub use manage::manage_contract;
pub use rule::{Rule, Violation};

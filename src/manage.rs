//! Managing the clients and keys of a store while it serves.
//!
//! Commands of operators come in; [`KeyInfo`], [`ClientInfo`] or a [`ManageError`] go out. Start with [`ManageKeys`].
//! `facts.rs` has the facts that stores keep about a client and a key, `rules.rs` computes them after a change, and
//! `transfer.rs` copies keys between stores.

use std::future::Future;
use std::pin::Pin;

mod audit;
mod change;
mod context;
mod effective;
mod error;
mod event;
mod expiry;
mod facts;
mod info;
mod key_error;
mod key_status;
mod last_used;
mod manage_keys;
mod nearby;
mod new_key;
mod policy;
mod policy_change;
mod purge;
mod query;
pub mod rules;
mod transfer;
mod version;

pub use audit::{Audit, AuditFinding, AuditKind};
pub use change::{ClientChange, KeyChange};
pub use context::ChangeContext;
pub use error::{ManageError, RotationConflict};
pub use event::{ChangeAction, ChangeEvent, ParseActionError};
pub use expiry::Expiry;
pub use facts::{ClientFacts, KeyFacts};
pub use info::{ClientInfo, KeyInfo, PartialList, Rotated};
pub use key_error::KeyError;
pub use key_status::KeyStatus;
pub use last_used::LastUsed;
pub use manage_keys::ManageKeys;
pub use new_key::NewKey;
#[cfg(any(feature = "yaml", feature = "sqlite", feature = "postgres"))]
pub(crate) use policy::Span;
pub use policy::{Policy, PolicyError};
pub use policy_change::PolicyChange;
pub use purge::{PurgeKeys, Purged};
pub(crate) use query::Position;
pub use query::{ClientQuery, EventQuery, KeyQuery, KeySort, Page};
pub use transfer::{ConflictReason, Export, ImportConflict, Imported, TransferKeys};

pub use version::{ParseVersionError, Version};

pub(crate) use nearby::{nearest_client, nearest_key};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use query::{ExpiryFilter, Paging, Prefix};
pub(crate) use transfer::plan;

/// The boxed futures that the methods of [`ManageKeys`] return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The boxed future of a change or a list, which may fail.
pub type ManageFuture<'a, T> = BoxFuture<'a, Result<T, ManageError>>;

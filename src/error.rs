//! Errors that several modules share: why a request is refused, and why a store fails.
//!
//! Start with [`AuthError`] in `auth_error.rs`; most other files hold the types in its variants. [`ConfigError`] is
//! returned when something is built, never during a request.

mod auth_error;
mod config;
mod misconfiguration;
mod missing_scope;
mod sent_in_clear;
mod store_error;
mod throttled;
mod wrong_key;
mod wrong_reason;

pub use auth_error::AuthError;
pub use config::ConfigError;
pub use misconfiguration::Misconfiguration;
pub use missing_scope::MissingScope;
pub(crate) use missing_scope::Need;
pub use sent_in_clear::SentInClear;
pub use store_error::{StoreError, StoreErrorKind};
pub use throttled::Throttled;
pub use wrong_key::WrongKey;
pub use wrong_reason::WrongReason;

//! Extractors and responses for web frameworks, which the orphan rule keeps in this crate.
//!
//! The parts of a request come in; a [`Client`](crate::Client) goes out, or an [`AuthError`](crate::AuthError) that is
//! a response.

#[cfg(feature = "axum")]
mod axum;

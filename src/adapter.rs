//! What the orphan rule keeps in this crate: extractors and responses of web frameworks.
//!
//! The parts of a request come in; a [`Client`](crate::Client) goes out, or a refusal that knows its response.

#[cfg(feature = "axum")]
mod axum;

//! Extractors, responses and middleware for web frameworks. They are in this crate because of the orphan rule.
//!
//! The parts of a request come in; a [`Client`](crate::Client) goes out, or an [`AuthError`](crate::AuthError) that is
//! a response. Each framework has a file: `axum.rs`, `actix.rs` with `actix_service.rs` and `actix_headers.rs`, and
//! `tonic.rs`. gRPC statuses are made in `respond/status.rs`, so that the tower layer can read them, too.

#[cfg(feature = "actix-web-4")]
mod actix;
#[cfg(feature = "actix-web-4")]
mod actix_headers;
#[cfg(feature = "actix-web-4")]
mod actix_service;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "tonic-0_14")]
mod tonic;

#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use crate::authenticate::{OpenApi, OpenApiValue};
#[cfg(feature = "actix-web-4")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-web-4")))]
pub use actix::ApiKeyMiddleware;
#[cfg(feature = "tonic-0_14")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic-0_14")))]
pub use tonic::ApiKeyInterceptor;

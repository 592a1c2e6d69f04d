//! A page in the browser that manages the API keys of [keygate](https://docs.rs/keygate), as a tower service.
//!
//! An operator signs in, adds a client, hands out a key, and sees who is calling, what is unsafe and who changed what. The
//! service works on every store that implements [`ManageKeys`](keygate::ManageKeys), and needs no part of the serving
//! process. The tool starts it with `keygate admin`. A service mounts it in five lines:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use keygate::MemoryStore;
//! use keygate_admin::{Admin, AdminUser, Role};
//!
//! /// What the service's own sign-in leaves in every request.
//! #[derive(Clone)]
//! struct SignedIn { name: String, may_manage_keys: bool }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Arc::new(MemoryStore::new());
//! let admin = Admin::new(store).with_base_path("/admin")?.with_public_url("https://example.org")?;
//! let admin = admin.with_user(|parts| {
//!     let user = parts.extensions.get::<SignedIn>().filter(|user| user.may_manage_keys)?;
//!     Some(AdminUser::new(&user.name, Role::Admin))
//! });
//! let app: Router = Router::new().nest_service("/admin", admin.build()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Who may do what
//!
//! Keys of the managed store never sign in. There are three ways to sign in, and at least one must be set up:
//!
//! - [`Admin::with_user`]: the service that mounts the page passes on its own signed-in user.
//! - [`Admin::with_operators`]: operators are clients of a store of their own, with the scope `admin` or `read`. They type
//!   a key into the form at `/sign-in`.
//! - [`Admin::with_sign_in_code`]: on loopback, whoever can read the terminal of the process types the code that it
//!   printed.
//!
//! Operators with the scope `read` see no buttons, and their changes are refused. The events of the store name the
//! operator.
//!
//! # For programs, and for customers
//!
//! [`Admin::with_api`] serves the same operations as JSON. [`self_service()`] is a router of its own, with which the customers
//! of a service manage their keys. [`api_guide`] explains both.
//!
//! # Safety
//!
//! - The session is in the memory of this process. The cookie is `HttpOnly` and `SameSite=Strict`, with the prefix
//!   `__Host-` and `Secure`. It ends after 30 minutes without a request, after 12 hours, when the operator signs out,
//!   and with the next request after the operator's key was revoked.
//! - **On loopback, without TLS**, the cookie has neither the prefix nor `Secure`, since browsers differ in what they
//!   accept there. Its name has the port, so that two pages do not sign each other out. Cookies do not keep to a port,
//!   though: a browser also sends this one to other servers on the same host name. Do not open pages of programs that
//!   you do not trust on `127.0.0.1` while you are signed in.
//! - Requests with another `Host` than that of the page are refused with 421, so that no foreign name that resolves to this
//!   address reaches it. Behind `ssh -L`, forward the same port.
//! - Forms carry a token of the session, and are refused if the browser says that another site sent them.
//! - No script or style is inline, and the `Content-Security-Policy` refuses them. No other site may frame the page.
//! - Five wrong codes or keys within a minute are refused with 429. [`Admin::with_client_address`] counts them by address.
//!
//! # Limits
//!
//! Sessions, the forms that issue keys, and the counts of failures are in this process: run one, or send all requests of an
//! operator to the same one. After a restart, operators sign in again.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!(
    "turn on the feature of the database that keeps usage: `sqlite` (usage.db, also for key files) or `postgres`"
);

mod admin;
mod api;
pub mod api_guide;
mod app;
mod assets;
mod error;
mod form;
mod guard;
mod health;
mod json;
mod layout;
mod operator;
mod pages;
mod plot;
pub mod problems;
mod random;
mod self_service;
mod service;
mod serving;
mod session;
mod sign_in;
mod site;
mod view;

pub use admin::{Admin, AdminConfigError};
pub use health::{HealthFuture, HealthReport, StoreFailure, StoreHealth};
pub use operator::{AdminUser, Role};
pub use self_service::{Caller, InvalidOrigin, SelfService, self_service};
pub use service::{AdminFuture, AdminService};
pub use sign_in::SignInCode;

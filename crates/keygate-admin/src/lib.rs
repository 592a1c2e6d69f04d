//! A web page to manage the API keys of [keygate](https://docs.rs/keygate), as a tower service.
//!
//! Operators sign in, add clients, issue keys, and see who is calling, which keys are unsafe, and who changed what. The
//! page works with every store that implements [`ManageKeys`](keygate::ManageKeys), and does not depend on the process
//! that serves requests. The tool starts it with `keygate admin`. A service mounts it in five lines:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use keygate::MemoryStore;
//! use keygate_admin::{Admin, AdminUser, Role};
//!
//! /// The extension that the service's own sign-in adds to every request.
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
//! Keys of the managed store cannot be used to sign in. There are three ways to sign in, and at least one must be set
//! up:
//!
//! - [`Admin::with_user`]: the service that mounts the page supplies its own signed-in user.
//! - [`Admin::with_operators`]: operators are clients of a separate store, with the scope `admin` or `read`. They type
//!   a key into the form at `/sign-in`.
//! - [`Admin::with_sign_in_code`]: on loopback, the process prints a one-time code to its terminal, and the operator
//!   types it into the form.
//!
//! Operators with the scope `read` see no buttons, and their changes are refused. The store's events record the
//! operator's name.
//!
//! # For programs and customers
//!
//! [`Admin::with_api`] serves the same operations as JSON. [`self_service()`] is a separate router, through which a
//! service's customers manage their own keys. [`api_guide`] explains both.
//!
//! # Safety
//!
//! - Sessions are kept in the memory of this process. The cookie is `HttpOnly`, `SameSite=Strict` and `Secure`, and its
//!   name has the prefix `__Host-`. A session ends after 30 minutes without a request, after 12 hours, when the
//!   operator signs out, or at the first request after the operator's key is revoked.
//! - **On loopback, without TLS**, the cookie has neither the prefix nor `Secure`, since browsers differ in what they
//!   accept there. Its name contains the port, so that two pages do not sign each other out. Browsers ignore the port
//!   of a cookie, though, and send it to every server on the same host name. While you are signed in, do not open
//!   untrusted programs' pages on `127.0.0.1`.
//! - Requests with a `Host` other than the page's are refused with 421. This stops DNS rebinding, where a foreign name
//!   resolves to this address. With `ssh -L`, forward the same port.
//! - Forms carry a token of the session, and are refused if the browser reports that another site sent them.
//! - Pages have no inline scripts or styles, and the `Content-Security-Policy` forbids them. No other site may frame
//!   the page.
//! - After five wrong codes or keys within a minute, further attempts get 429. [`Admin::with_client_address`] counts
//!   them by address.
//!
//! # Limits
//!
//! Sessions, the single-use tokens of forms that issue keys, and failure counts are kept in the memory of this process.
//! Run only one process, or route all requests of an operator to the same one. After a restart, operators must sign in
//! again.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!(
    "enable the feature of the database that stores usage: `sqlite` (usage.db, also for key files) or `postgres`"
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
mod secret_body;
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

// In the repository, the README links to files. These definitions make the same names link to the guide.
#![doc = "[start]: crate::guide::start"]
#![doc = "[sources]: crate::guide::sources"]
#![doc = "[limits]: crate::guide::limits"]
#![doc = "[config]: crate::guide::config"]
#![doc = "[operate]: crate::guide::operate"]
#![doc = "[admin]: crate::guide::admin"]
#![doc = "[import]: crate::guide::import"]
#![doc = "[databases]: crate::guide::databases"]
#![doc = "[fleet]: crate::guide::fleet"]
#![doc = "[stacks]: crate::guide::stacks"]
#![doc = "[security]: crate::guide::security"]
#![doc = "[benchmarks]: crate::guide::benchmarks"]
#![doc = "[threats]: crate::guide::threats"]
#![doc = "[changelog]: crate::guide::changelog"]
#![doc = "[contributing]: crate::guide::contributing"]
#![doc = "[architecture]: crate::guide::architecture"]
#![doc = ""]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(any(feature = "actix-web-4", feature = "axum", feature = "serde", feature = "tonic-0_14"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "actix-web-4", feature = "serde", feature = "tonic-0_14")))
)]
pub mod adapter;
mod authenticate;
mod callback;
pub mod client;
#[cfg_attr(not(any(feature = "throttle", feature = "usage")), allow(dead_code))]
mod clock;
mod credential;
mod deadline;
#[cfg(feature = "serde")]
mod deserialize;
pub mod error;
pub mod guide;
pub mod key;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod layer;
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
pub mod limit;
pub mod manage;
pub mod observe;
pub mod respond;
#[cfg(feature = "serde")]
mod serialize;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use authenticate::{Authenticate, Authenticator, RouteScopes, authenticate, verify};
pub use client::{Client, ClientProfile, Quota, Scope};
pub use credential::Source;
pub use error::{AuthError, StoreError, WrongReason};
pub use key::{ApiKey, KeyDigest, KeyId};
#[cfg(all(feature = "throttle", feature = "tower"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "throttle", feature = "tower"))))]
pub use layer::ThrottleLayer;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use layer::{ApiKeyLayer, RequireScope};
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
pub use limit::Throttle;
pub use manage::{ManageKeys, NewKey};
pub use observe::Outcome;
#[cfg(feature = "usage")]
#[cfg_attr(docsrs, doc(cfg(feature = "usage")))]
pub use observe::Usage;
#[cfg(all(feature = "serde", feature = "yaml"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "serde", feature = "yaml"))))]
pub use store::Keys;
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
pub use store::YamlStore;
pub use store::{ApiKeys, KeyRecord, KeyStore, LocalKeyStore, Lookup, MemoryStore};

// In the repository, the README links to files. Here the same names link to the guide.
#![doc = "[start]: crate::guide::start"]
#![doc = "[sources]: crate::guide::sources"]
#![doc = "[limits]: crate::guide::limits"]
#![doc = "[operate]: crate::guide::operate"]
#![doc = "[databases]: crate::guide::databases"]
#![doc = "[fleet]: crate::guide::fleet"]
#![doc = "[security]: crate::guide::security"]
#![doc = "[benchmarks]: crate::guide::benchmarks"]
#![doc = "[threats]: crate::guide::threats"]
#![doc = "[changelog]: crate::guide::changelog"]
#![doc = "[contributing]: crate::guide::contributing"]
#![doc = ""]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod api_key;
mod authenticate;
mod challenge;
mod client;
#[cfg(any(feature = "throttle", feature = "usage", feature = "metrics"))]
// Each of the three needs a part of it.
#[cfg_attr(not(all(feature = "throttle", feature = "usage")), allow(dead_code))]
mod client_map;
#[cfg(any(feature = "throttle", feature = "usage"))]
mod clock;
mod config;
mod credential;
mod digest;
mod error;
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
mod extract;
#[cfg(any(feature = "postgres", feature = "yaml"))]
// Each of the two needs a part of it.
#[cfg_attr(not(all(feature = "postgres", feature = "yaml")), allow(dead_code, unused_imports))]
mod folder;
pub mod guide;
mod invisible;
mod key;
mod label;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
mod layer;
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
mod limit;
mod manage;
mod mark;
mod observe;
mod profile;
mod quota;
mod record;
mod require;
mod respond;
#[cfg(any(feature = "yaml", feature = "sqlite"))]
mod rfc3339;
mod scope;
mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod timestamp;

pub use api_key::{
    ApiKey, DEFAULT_PREFIX, GenerateError, InvalidPrefix, KEY_PATTERN, KeyFormat, MAX_PREFIX_CHARS,
};
pub use authenticate::{Authenticate, Authenticator, authenticate, verify};
pub use client::Client;
pub use config::ConfigError;
pub use credential::Source;
pub use digest::{KeyDigest, KeyId, ParseDigestError, ParseKeyIdError};
pub use error::{AuthError, StoreError, StoreErrorKind, WrongReason};
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use extract::NotVerified;
pub use invisible::InvisibleChar;
pub use key::{KeyError, MAX_KEY_BYTES, MIN_KEY_CHARS, UnusableKey, WeakKey, looks_like_key};
pub use label::{LabelError, MAX_NAME_CHARS};
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use layer::{ApiKeyLayer, ApiKeyService, ResponseFuture};
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
pub use limit::{
    Counters, Decision, FailureThrottle, LocalCounters, MemoryCounters, ParseNetworkError,
    PendingDecision, Permit, RateLimitRequest, Throttle, Throttled, TrustedProxies,
};
#[cfg(all(feature = "throttle", feature = "tower"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "throttle", feature = "tower"))))]
pub use limit::{ThrottleFuture, ThrottleLayer, ThrottleService};
pub use manage::{
    BoxFuture, ClientInfo, Expiry, Holdings, Imported, KeyInfo, ManageError, ManageKeys, NewKey,
    Readable, Refusal, Refused, Rotated, RotationConflict, TransferKeys,
};
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use observe::OutcomeEvents;
#[cfg(feature = "usage")]
#[cfg_attr(docsrs, doc(cfg(feature = "usage")))]
pub use observe::{Activity, ClientUsage, KeyUsage, Rates, TopClient, Usage, UsageSnapshot};
pub use observe::{Observe, Outcome, QueuedObserver};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use observe::{OutcomeMetrics, StoreMetrics, record_store_metrics};
pub use profile::{ClientProfile, MAX_METADATA_BYTES, ProfileError};
pub use quota::{ParseQuotaError, Quota, Rate, RateUnit};
pub use record::{KeyRecord, KeyState};
pub use require::MissingScope;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use require::{RequireScope, RequireScopeFuture, RequireScopeService};
pub use respond::{Grpc, MapBody, NoBody, ProblemJson, Respond};
pub use scope::{ParseScopeError, Scope};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres"))))]
pub use store::{DatabaseError, DatabaseFinding};
pub use store::{
    FromKeysError, KeyStore, Local, LocalKeyStore, Lookup, MemoryStore, StoreFn, store_fn,
};
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use store::{PostgresOptions, PostgresStore, Replica, ReplicaHealth, ReplicaOptions};
#[cfg(feature = "yaml")]
#[cfg_attr(docsrs, doc(cfg(feature = "yaml")))]
pub use store::{
    ReloadError, YamlError, YamlEvent, YamlHealth, YamlLint, YamlStore, YamlText, YamlTextKind,
    YamlWarning,
};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use store::{SqliteOptions, SqliteStore};
pub use timestamp::{TimeError, Timestamp};

//! Which types threads can share. Most of this file is tested by compiling it.

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use keygate::ApiKeys;
use keygate::Keys;
use keygate::adapter::{ApiKeyInterceptor, ApiKeyMiddleware, OpenApi, OpenApiValue};
use keygate::client::{
    ClientAddress, LabelError, Network, ParseNetworkError, ParseQuotaError, ParseScopeError,
    ProfileError, Rate, RateUnit, Transport, TrustedProxies,
};
use keygate::error::{
    ConfigError, Misconfiguration, MissingScope, SentInClear, StoreErrorKind, Throttled, WrongKey,
};
use keygate::key::{
    GenerateError, InvalidPrefix, InvisibleChar, KeyFormat, KeyState, Lifetime, ParseDigestError,
    ParseKeyIdError, TimeError, Timestamp, UnusableKey, WeakKey,
};
use keygate::layer::{
    ApiKeyFuture, ApiKeyService, RequireScopeFuture, RequireScopeService, ResponseFuture,
    ThrottleFuture, ThrottleService,
};
use keygate::limit::{
    Counters, Decision, FailureThrottle, LocalCounters, MemoryCounters, PendingDecision, Permit,
    RateLimitRequest,
};
use keygate::manage::{
    Audit, AuditFinding, AuditKind, ChangeAction, ChangeContext, ChangeEvent, ClientChange,
    ClientFacts, ClientInfo, ClientQuery, ConflictReason, EventQuery, Expiry, Export,
    ImportConflict, Imported, KeyChange, KeyError, KeyFacts, KeyInfo, KeyQuery, KeySort, KeyStatus,
    LastUsed, ManageError, Page, ParseActionError, ParseVersionError, PartialList, Policy,
    PolicyChange, PolicyError, PurgeKeys, Purged, Rotated, RotationConflict, Version,
};
use keygate::observe::{
    Activity, ClientUsage, KeyUsage, OutcomeEvents, OutcomeKind, OutcomeMetrics, QueuedObserver,
    Rates, TopClient, UsageSnapshot,
};
use keygate::respond::{Grpc, NoBody, ProblemJson};
use keygate::store::KeysError;
use keygate::store::KeysFault;
use keygate::store::{FolderStore, YamlOptions};
use keygate::store::{
    FromKeysError, KeyFileError, KeyFileEvent, KeyFileHealth, KeyFileWarning, ReloadError, StoreFn,
    YamlLint, YamlText, YamlTextKind,
};
use keygate::testing::FakeClock;
use keygate::{
    ApiKey, ApiKeyLayer, AuthError, Authenticate, Authenticator, Client, ClientProfile, KeyDigest,
    KeyId, KeyRecord, KeyStore, LocalKeyStore, Lookup, ManageKeys, MemoryStore, NewKey, Outcome,
    Quota, RequireScope, RouteScopes, Scope, Source, StoreError, Throttle, ThrottleLayer, Usage,
    WrongReason, YamlStore,
};

fn is_shared<T: Send + Sync + 'static>() {}
fn is_sent<T: Send + 'static>() {}

/// Checks each type, and lists their names.
macro_rules! check {
    ($check:ident: $($name:ident $(<$($parameter:ty),+>)?,)+) => {{
        $($check::<$name $(<$($parameter),+>)?>();)+
        [$(stringify!($name)),+]
    }};
}

type Inner = tower::util::BoxCloneSyncService<Request<()>, Response<()>, Infallible>;
type Found = Result<Option<KeyRecord>, StoreError>;

#[test]
#[allow(clippy::too_many_lines)] // A list.
fn every_public_type_is_send_or_sync() {
    let shared = check![is_shared:
        Activity,
        Permit,
        ApiKey,
        ApiKeys,
        Keys,
        KeysError,
        KeysFault,
        FolderStore,
        YamlOptions,
        ApiKeyInterceptor,
        ApiKeyMiddleware<MemoryStore>,
        ApiKeyLayer<Arc<dyn KeyStore>>,
        ApiKeyService<Inner, Arc<dyn LocalKeyStore>, ProblemJson>,
        AuthError,
        Authenticator<MemoryStore, Parts>,
        Client,
        ClientFacts,
        ClientInfo,
        ClientProfile,
        ClientUsage,
        ConfigError,
        Expiry,
        ChangeContext,
        ChangeAction,
        ChangeEvent,
        EventQuery,
        ParseActionError,
        ClientAddress,
        ClientChange,
        ClientQuery,
        FailureThrottle,
        FakeClock,
        FromKeysError,
        GenerateError,
        Export,
        Imported,
        Grpc,
        InvalidPrefix,
        KeyChange,
        KeyDigest,
        KeyQuery,
        KeySort,
        InvisibleChar,
        KeyError,
        KeyFacts,
        KeyFormat,
        KeyId,
        KeyInfo,
        KeyRecord,
        KeyState,
        KeyStatus,
        KeyUsage,
        LabelError,
        LastUsed,
        Lifetime,
        ManageError,
        MemoryStore,
        MemoryCounters,
        Misconfiguration,
        MissingScope,
        Network,
        NewKey,
        NoBody,
        Outcome,
        OutcomeEvents,
        OutcomeKind,
        OutcomeMetrics,
        ParseDigestError,
        ParseKeyIdError,
        ParseNetworkError,
        ParseQuotaError,
        ParseScopeError,
        ParseVersionError,
        Page<KeyInfo>,
        Policy,
        PolicyChange,
        PolicyError,
        ProblemJson,
        ProfileError,
        PurgeKeys,
        Purged,
        QueuedObserver,
        Quota,
        Rate,
        RateUnit,
        Rates,
        PartialList<KeyInfo>,
        ConflictReason,
        ImportConflict,
        ReloadError,
        RequireScope<ProblemJson>,
        OpenApi,
        OpenApiValue,
        RouteScopes,
        RequireScopeService<Inner, ProblemJson>,
        Rotated,
        RotationConflict,
        Scope,
        SentInClear,
        Source,
        RateLimitRequest,
        StoreError,
        StoreErrorKind,
        StoreFn<fn(KeyDigest) -> Ready<Found>>,
        Decision,
        Throttle<Arc<dyn Counters>>,
        ThrottleLayer<Arc<dyn Counters>, ProblemJson>,
        TimeError,
        Timestamp,
        ThrottleService<Inner, MemoryCounters, ProblemJson>,
        Throttled,
        TopClient,
        Transport,
        TrustedProxies,
        UnusableKey,
        Version,
        Audit,
        AuditFinding,
        AuditKind,
        Usage,
        UsageSnapshot,
        WeakKey,
        WrongKey,
        WrongReason,
    ];
    // Not `Sync`, since a future is polled by one task at a time.
    let sent = check![is_sent: PendingDecision, ThrottleFuture<Inner, (), ProblemJson>, Authenticate, Lookup, RequireScopeFuture<Inner, ()>, ApiKeyFuture<Inner, (), ProblemJson>, ResponseFuture<Inner, (), Infallible, ()>,];
    is_shared::<Box<dyn KeyStore>>();
    is_shared::<Box<dyn LocalKeyStore>>();
    is_shared::<Box<dyn LocalCounters>>();
    is_shared::<Box<dyn ManageKeys>>();
    is_shared::<Authenticator<Arc<dyn KeyStore>>>();

    let stores = of_yaml().into_iter().chain(of_sqlite()).chain(of_postgres());
    let stores = stores.chain(of_databases()).chain(of_kept_usage());
    let checked = shared.into_iter().chain(sent).chain(stores).map(str::to_owned).collect();
    assert_eq!(crate::public_types::names(), checked);
}

fn of_yaml() -> [&'static str; 8] {
    check![is_shared:
        KeyFileError,
        KeyFileEvent,
        KeyFileHealth,
        YamlLint,
        YamlStore,
        YamlText,
        YamlTextKind,
        KeyFileWarning,
    ]
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn of_databases() -> [&'static str; 2] {
    use keygate::store::{DatabaseError, DatabaseFinding};
    check![is_shared: DatabaseError, DatabaseFinding,]
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
fn of_databases() -> [&'static str; 2] {
    ["DatabaseError", "DatabaseFinding"]
}

#[cfg(feature = "postgres")]
fn of_postgres() -> [&'static str; 5] {
    use keygate::store::{PostgresOptions, PostgresStore, Replica, ReplicaHealth, ReplicaOptions};
    check![is_shared: PostgresOptions, PostgresStore, Replica, ReplicaHealth, ReplicaOptions,]
}

#[cfg(not(feature = "postgres"))]
fn of_postgres() -> [&'static str; 5] {
    ["PostgresOptions", "PostgresStore", "Replica", "ReplicaHealth", "ReplicaOptions"]
}

#[cfg(feature = "sqlite")]
fn of_sqlite() -> [&'static str; 2] {
    use keygate::store::{SqliteOptions, SqliteStore};
    check![is_shared: SqliteOptions, SqliteStore,]
}

#[cfg(not(feature = "sqlite"))]
fn of_sqlite() -> [&'static str; 2] {
    ["SqliteOptions", "SqliteStore"]
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn of_kept_usage() -> [&'static str; 13] {
    use keygate::observe::{
        ClientLastUse, ClientSeries, ClientTotals, KeyTotals, LastUses, UsageBucket, UsageHistory,
        UsagePoint, UsageQuery, UsageTotals, UsageWatch, UsageWriter, UsageWriterHealth,
    };
    check![is_shared: ClientLastUse, ClientSeries, ClientTotals, KeyTotals, LastUses, UsageBucket, UsageHistory, UsagePoint, UsageQuery, UsageTotals, UsageWatch, UsageWriter, UsageWriterHealth,]
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
fn of_kept_usage() -> [&'static str; 13] {
    [
        "ClientLastUse",
        "ClientSeries",
        "ClientTotals",
        "KeyTotals",
        "LastUses",
        "UsageBucket",
        "UsageHistory",
        "UsagePoint",
        "UsageQuery",
        "UsageTotals",
        "UsageWatch",
        "UsageWriter",
        "UsageWriterHealth",
    ]
}

/// An error must fit into `Box<dyn Error + Send + Sync>`.
#[test]
fn errors_can_leave_their_thread() {
    fn is_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_error::<AuthError>();
    is_error::<ConfigError>();
    is_error::<FromKeysError>();
    is_error::<GenerateError>();
    is_error::<InvalidPrefix>();
    is_error::<KeyError>();
    is_error::<LabelError>();
    is_error::<ManageError>();
    is_error::<ReloadError>();
    is_error::<RotationConflict>();
    is_error::<Misconfiguration>();
    is_error::<ParseDigestError>();
    is_error::<ParseKeyIdError>();
    is_error::<ParseNetworkError>();
    is_error::<ParseQuotaError>();
    is_error::<ParseScopeError>();
    is_error::<ProfileError>();
    is_error::<StoreError>();
    is_error::<UnusableKey>();
    is_error::<KeyFileError>();
}

#[test]
fn handles_are_cheap_enough_to_clone_for_every_task() {
    fn is_handle<T: Clone + Send + Sync + 'static>() {}
    is_handle::<ApiKeyLayer<MemoryStore>>();
    is_handle::<Authenticator<Arc<dyn KeyStore>>>();
    is_handle::<Client>();
    is_handle::<MemoryStore>();
    is_handle::<YamlStore>();
}

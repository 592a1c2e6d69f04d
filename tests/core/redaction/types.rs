//! Every public type, made with the canary.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, Request, Response};
use keygate::adapter::{ApiKeyInterceptor, ApiKeyMiddleware};
use keygate::client::{
    LabelError, Network, ParseQuotaError, ParseScopeError, ProfileError, Rate, RateUnit,
};
use keygate::key::{KeyState, ParseDigestError, ParseKeyIdError, TimeError, Timestamp};
use keygate::manage::KeyError;
use keygate::respond::{Grpc, NoBody, ProblemJson};
use keygate::store::{
    FolderStore, KeyFileError, KeyFileEvent, KeyFileWarning, KeysError, store_fn,
};
use keygate::testing::FakeClock;
use keygate::{
    ApiKeyLayer, ApiKeys, AuthError, Authenticator, Client, ClientProfile, KeyDigest, KeyId,
    KeyRecord, Keys, Lookup, MemoryStore, Quota, RequireScope, RouteScopes, Scope, StoreError,
    YamlStore, authenticate, verify,
};
use tower::{Layer as _, Service as _};

use crate::common::sources;
use crate::public_types;
use crate::redaction::canary::{CANARY, assert_hidden, debug, error, text};
use crate::redaction::{errors, managing, throttling, usage};

/// The name of a type, and all that it shows.
pub(crate) type Shown = (&'static str, String);

#[test]
fn no_type_shows_a_key() {
    for (name, shown) in all() {
        assert_hidden(name, &shown);
    }
}

#[test]
fn every_public_type_is_covered() {
    let shown = all();
    let looked_at = shown.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(looked_at, public_types::names());
}

fn all() -> Vec<Shown> {
    let stores = [stores(), sqlite(), postgres(), usage::all()].concat();
    [keys(), clients(), stores, managing::all(), throttling::all(), errors::all(), entrances()]
        .concat()
}

pub(crate) fn digest() -> KeyDigest {
    KeyDigest::of(CANARY.as_bytes())
}

pub(crate) fn record() -> KeyRecord {
    KeyRecord::new(digest(), profile())
}

/// Types with the canary in places that only the service itself should see.
pub(crate) fn profile() -> ClientProfile {
    ClientProfile::new("User 1").with_metadata([("secret", CANARY)])
}

pub(crate) fn store() -> MemoryStore {
    let store = MemoryStore::new();
    store.insert_record(record()).unwrap();
    store
}

pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([("x-api-key".parse().unwrap(), CANARY.parse().unwrap())])
}

fn keys() -> Vec<Shown> {
    let id = record().key_id();
    let not_digests = [CANARY.to_owned(), format!("{CANARY}:x"), format!("sha256:{CANARY}")];
    let digest_errors = not_digests.map(|text| text.parse::<KeyDigest>().unwrap_err());
    let digest_errors = digest_errors.map(|cause: ParseDigestError| error(&cause)).concat();
    let id_error: ParseKeyIdError = CANARY.parse::<KeyId>().unwrap_err();
    let states = [KeyState::Active, KeyState::Disabled, KeyState::Revoked];
    let records = states.map(|state| {
        let expires = UNIX_EPOCH + Duration::from_secs(1);
        debug(&record().with_state(state).with_expiry(expires))
    });
    vec![
        ("KeyDigest", debug(&digest())),
        ("ParseDigestError", digest_errors),
        ("KeyId", text(&id)),
        ("ParseKeyIdError", error(&id_error)),
        ("KeyRecord", records.concat()),
        ("KeyState", debug(&states)),
    ]
}

fn clients() -> Vec<Shown> {
    let scope: Scope = "orders:*".parse().unwrap();
    let scope_error: ParseScopeError = CANARY.parse::<Scope>().unwrap_err();
    let quota: Quota = "100/minute".parse().unwrap();
    let rate: Rate = "100/minute".parse().unwrap();
    let not_quotas = [CANARY.to_owned(), format!("{CANARY}/minute"), format!("1/{CANARY}")];
    let quota_errors = not_quotas.map(|text| text.parse::<Quota>().unwrap_err());
    let quota_errors = quota_errors.map(|cause: ParseQuotaError| error(&cause)).concat();
    let not_names = [format!("{CANARY}\n"), format!(" {CANARY}"), CANARY.repeat(4)];
    let not_profiles = not_names
        .map(ClientProfile::new)
        .into_iter()
        .chain([ClientProfile::new("User 1").with_metadata([("secret", CANARY.repeat(100))])]);
    let profile_errors = not_profiles.map(|profile| {
        let cause: ProfileError = profile.validate().unwrap_err();
        error(&cause) + &error(&KeyError::from(cause))
    });
    let unseen = ClientProfile::new(format!("{CANARY}\u{200b}")).validate();
    let Err(ProfileError::Name(LabelError::Invisible(invisible))) = unseen else {
        panic!("{unseen:?}")
    };
    let time: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
    let time_error: TimeError = CANARY.parse::<Timestamp>().unwrap_err();
    let network: Network = "10.0.0.0/8".parse().unwrap();
    let detailed = profile().with_scopes([scope.clone()]).with_quota(quota.clone());
    let detailed = detailed.with_networks([network]).with_title("The app");
    vec![
        ("ClientProfile", debug(&profile()) + &debug(&detailed)),
        ("Network", text(&network)),
        ("ProfileError", profile_errors.collect()),
        (
            "Client",
            debug(&verify(&store(), &headers()).unwrap()) + &debug(&Client::for_test(profile())),
        ),
        ("InvisibleChar", text(&invisible)),
        ("Timestamp", text(&time)),
        ("TimeError", error(&time_error)),
        ("Scope", text(&scope)),
        ("ParseScopeError", error(&scope_error)),
        ("Quota", debug(&quota)),
        ("Rate", text(&rate)),
        ("RateUnit", debug(&RateUnit::Day)),
        ("ParseQuotaError", quota_errors),
    ]
}

/// Checked in `tests/postgres`, which has a server.
fn postgres() -> Vec<Shown> {
    let names = ["DatabaseError", "DatabaseFinding", "PostgresOptions", "PostgresStore"];
    let replicas = ["Replica", "ReplicaHealth", "ReplicaOptions"];
    names.into_iter().chain(replicas).map(|name| (name, "in tests/postgres".to_owned())).collect()
}

#[cfg(feature = "sqlite")]
fn sqlite() -> Vec<Shown> {
    use keygate::store::SqliteStore;
    use keygate::{ManageKeys as _, NewKey};
    // Each test has its own file.
    let thread = std::thread::current();
    let path = format!(
        "redaction-{}-{}.db",
        std::process::id(),
        thread.name().unwrap_or("test").replace("::", "-")
    );
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(path);
    let _ = std::fs::remove_file(&path);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(async {
        let store = SqliteStore::migrate(&path).await.unwrap().with_actor(CANARY);
        store.add_client(profile()).await.unwrap();
        store.issue("User 1", NewKey::new(digest())).await.unwrap();
        store
    });
    let shown = vec![
        ("SqliteStore", debug(&store)),
        ("SqliteOptions", debug(&SqliteStore::options(&path))),
    ];
    let _ = std::fs::remove_file(&path);
    shown
}

#[cfg(not(feature = "sqlite"))]
fn sqlite() -> Vec<Shown> {
    vec![("SqliteStore", "not built".to_owned()), ("SqliteOptions", "not built".to_owned())]
}

fn stores() -> Vec<Shown> {
    let file =
        format!("allow_weak_keys: true\napi_key: {CANARY}\napi_keys:\n  {}: x\n", &CANARY[..8]);
    let yaml: YamlStore = file.parse().unwrap();
    let warnings: Vec<KeyFileWarning> = yaml.warnings();
    let (sender, events) = std::sync::mpsc::channel();
    let yaml = yaml.with_events(move |event: KeyFileEvent| sender.send(text(&event)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    std::fs::write(&path, &file).unwrap();
    let (mut texts, mut kinds) = (String::new(), String::new());
    YamlStore::lint_with(&path, |text| {
        texts += &debug(&text);
        kinds += &debug(&text.kind);
    });
    assert!(!texts.is_empty());
    let yaml_error: KeyFileError = format!("{CANARY}: x").parse::<YamlStore>().unwrap_err();
    let known = record();
    let function = store_fn(move |_| {
        let known = known.clone();
        async move { Ok(Some(known)) }
    });
    let lookups = [
        Lookup::ready(record()),
        Lookup::failed(StoreError::new("no connection")),
        Lookup::pending(async { Ok(Some(record())) }),
    ];
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("User 1"), CANARY).unwrap();
    let in_folder = FolderStore::open(secrets.path()).unwrap();
    let (loaded, faults) = loaded();
    let keys_fault = faults.faults.iter().map(text).collect();
    vec![
        ("MemoryStore", debug(&store())),
        ("ApiKeys", loaded.0),
        ("Keys", loaded.1),
        ("KeysError", error(&faults)),
        ("KeysFault", keys_fault),
        ("YamlOptions", debug(&YamlStore::options().section("auth.keys"))),
        ("FolderStore", debug(&in_folder)),
        ("YamlStore", debug(&yaml)),
        ("KeyFileEvent", events.try_iter().collect()),
        ("KeyFileWarning", warnings.iter().map(text).collect()),
        ("KeyFileError", error(&yaml_error)),
        ("YamlText", texts),
        ("YamlTextKind", kinds),
        ("StoreFn", debug(&function)),
        ("Lookup", lookups.iter().map(debug).collect()),
    ]
}

/// Keys that serde has read, and their faults.
fn loaded() -> ((String, String), KeysError) {
    let text = format!("{{{CANARY}: 7, {}: x, ' {CANARY}': x, x: {CANARY}}}", &CANARY[..8]);
    let keys: ApiKeys = serde_yaml::from_str(&text).unwrap();
    let section: Keys = serde_yaml::from_str(&format!("api_keys: {text}")).unwrap();
    let shown = (debug(&keys), debug(&section));
    let mut error = MemoryStore::try_from(keys).unwrap_err();
    error.faults.extend(MemoryStore::try_from(section).unwrap_err().faults);
    assert!(error.faults.len() > 6, "{error}");
    (shown, error)
}

/// The output of a future that is ready.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

fn entrances() -> Vec<Shown> {
    let auth = || Authenticator::new(store()).with_realm("orders").unwrap();
    let waiting = || store_fn(|_| pending());
    let request = || {
        let mut request = Request::new(());
        *request.headers_mut() = headers();
        request
    };
    let inner = || {
        tower::service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(String::new()))
        })
    };
    let mut service = ApiKeyLayer::from(auth()).layer(inner());
    let mut waiting_service = ApiKeyLayer::new(waiting()).layer(inner());
    let mut refusing_service = ApiKeyLayer::new(MemoryStore::new()).layer(inner());
    let mut required = RequireScope::new("a").unwrap().layer(inner());
    let futures = [
        debug(&service.call(request())),
        debug(&waiting_service.call(request())),
        debug(&refusing_service.call(request())),
    ];
    let verdicts = [
        debug(&authenticate(&store(), &headers())),
        debug(&authenticate(&waiting(), &headers())),
        debug(&authenticate(&MemoryStore::new(), &headers())),
    ];
    let refusals: Vec<Response<String>> =
        errors::auth_errors().iter().map(|error| auth().respond(error)).collect();
    vec![
        ("Authenticator", debug(&auth()) + &debug(&Authenticator::new(Arc::new(store())))),
        ("MissingScope", missing_scope()),
        ("ApiKeyInterceptor", debug(&ApiKeyInterceptor::new(CANARY).unwrap())),
        ("ApiKeyMiddleware", debug(&ApiKeyMiddleware::new(store()))),
        ("RequireScope", debug(&RequireScope::new("a").unwrap())),
        ("OpenApi", debug(&Authenticator::new(store()).openapi())),
        ("OpenApiValue", debug(&Authenticator::new(store()).openapi().responses())),
        ("RouteScopes", debug(&RouteScopes::new())),
        ("RequireScopeService", debug(&required)),
        ("RequireScopeFuture", debug(&required.call(request()))),
        ("Authenticate", verdicts.concat()),
        ("Source", sources::all().iter().map(|case| debug(&case.source)).collect()),
        ("ApiKeyLayer", debug(&ApiKeyLayer::from(auth()).optional().strip_credentials())),
        ("ApiKeyService", debug(&service) + &debug(&waiting_service)),
        ("ApiKeyFuture", futures.concat()),
        ("ResponseFuture", futures.concat()),
        ("ProblemJson", debug(&ProblemJson) + &debug(&refusals)),
        ("NoBody", debug(&NoBody)),
        ("Grpc", debug(&Grpc)),
        ("FakeClock", debug(&FakeClock::at(UNIX_EPOCH))),
    ]
}

fn missing_scope() -> String {
    let client = verify(&store(), &headers()).unwrap();
    let refused = client.require_all(["a", CANARY]).unwrap_err();
    let AuthError::InsufficientScope(missing) = &refused else { panic!("{refused}") };
    text(missing) + &error(&refused)
}

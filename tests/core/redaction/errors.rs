//! Every error, made with the canary.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use keygate::client::Transport;
use keygate::error::{ConfigError, Misconfiguration, StoreErrorKind};
use keygate::key::{KeyState, UnusableKey};
use keygate::manage::KeyError;
use keygate::store::{FromKeysError, store_fn};
use keygate::{
    AuthError, Authenticator, KeyDigest, KeyRecord, MemoryStore, RequireScope, Source, StoreError,
    WrongReason, authenticate, verify,
};

use crate::common::sources::{self, Constructor};
use crate::redaction::canary::{CANARY, debug, error, text, trace_of_unknown_in};
use crate::redaction::types::{Shown, digest, headers, profile, ready, record, store};

pub(crate) fn all() -> Vec<Shown> {
    let unusable = [
        "",
        &format!("{CANARY}\n"),
        &format!(" {CANARY}"),
        &format!("{CANARY}\u{feff}"),
        &CANARY.repeat(12),
    ]
    .map(|key| match MemoryStore::new().insert(key, "User 1").unwrap_err() {
        KeyError::Unusable(cause) => cause,
        other => panic!("{other}"),
    });
    let Err(KeyError::Weak(weak)) = MemoryStore::new().insert(&CANARY[..8], "User 1") else {
        panic!("a weak key was taken")
    };
    let reasons: Vec<WrongReason> = auth_errors().iter().filter_map(AuthError::reason).collect();
    vec![
        ("AuthError", auth_errors().iter().map(|cause| error(cause)).collect()),
        ("WrongKey", auth_errors().iter().map(debug).collect()),
        ("SentInClear", sent_in_clear()),
        ("WrongReason", reasons.iter().map(text).collect()),
        ("StoreError", error(&StoreError::new("no connection"))),
        ("StoreErrorKind", debug(&StoreErrorKind::WrongRecord)),
        ("Misconfiguration", error(&Misconfiguration::NoKeyLayer)),
        ("KeyError", key_errors().iter().map(|cause| error(cause)).collect()),
        ("FromKeysError", from_keys_errors()),
        ("UnusableKey", unusable.map(|cause: UnusableKey| error(&cause)).concat()),
        ("WeakKey", error(&weak)),
        ("ConfigError", config_errors()),
    ]
}

fn config_errors() -> String {
    let invalid = format!("{CANARY} ");
    let sources = sources::all().into_iter().map(|case| match case.constructor {
        Constructor::Header => Source::header(&invalid),
        Constructor::Scheme => Source::scheme(&invalid),
        Constructor::Cookie => Source::cookie(&invalid),
        Constructor::HeaderRaw => Source::header_raw(&invalid),
        Constructor::WebsocketProtocol => Source::websocket_protocol(&invalid),
        // These accept any text, or none.
        Constructor::Query | Constructor::Bearer | Constructor::Basic => {
            case.source.with_prefix(&invalid)
        }
    });
    let others = [Source::header("cookie"), Source::scheme("basic"), Source::query("")];
    let errors = sources.chain(others).map(|source| {
        let auth = Authenticator::new(MemoryStore::new());
        let cause: ConfigError = auth.with_sources_in_parts([source.clone()]).unwrap_err();
        debug(&source) + &error(&cause)
    });
    errors.collect::<String>() + &error(&RequireScope::new(CANARY).unwrap_err())
}

/// The refusal of a right key, and of a wrong one.
fn sent_in_clear() -> String {
    let mut parts = http::Request::new(()).into_parts().0;
    parts.headers = headers();
    parts.extensions.insert(Transport::Clear);
    let refuse = |store| Authenticator::new(store).require_tls().verify_parts(&parts).unwrap_err();
    [store(), MemoryStore::new()].map(|store| error(&refuse(store))).concat()
}

/// An error of each kind and each reason, for the canary.
pub(crate) fn auth_errors() -> Vec<AuthError> {
    let verify = |state, expires| {
        let store = MemoryStore::new();
        let expires = Some(UNIX_EPOCH).filter(|_| expires);
        store.insert_record(record().with_state(state).with_expiry(expires)).unwrap();
        verify(&store, &headers()).unwrap_err()
    };
    let mut twice = headers();
    twice.append("x-api-key", CANARY.parse().unwrap());
    let auth = Authenticator::new(MemoryStore::new());
    let failing = |result: fn() -> Result<Option<KeyRecord>, StoreError>| {
        let decided = authenticate(&store_fn(move |_| async move { result() }), &headers());
        ready(decided).unwrap_err()
    };
    let errors = vec![
        AuthError::NoCredentials,
        auth.verify(&headers()).unwrap_err(),
        verify(KeyState::Active, true),
        verify(KeyState::Disabled, false),
        verify(KeyState::Revoked, false),
        auth.verify(&twice).unwrap_err(),
        auth.verify_key(CANARY.repeat(12).as_bytes()).unwrap_err(),
        AuthError::Misconfigured(Misconfiguration::NoAddress),
        failing(|| Err(StoreError::new("no connection"))),
        failing(|| Ok(Some(KeyRecord::new(KeyDigest::of(b"another key"), "User 1")))),
    ];
    let reasons: BTreeSet<_> =
        errors.iter().filter_map(AuthError::reason).map(|reason| reason.to_string()).collect();
    assert_eq!(reasons.len(), 6, "{reasons:?}");
    errors
}

#[test]
fn unknown_key_is_not_even_shown_by_its_id() {
    let auth = Authenticator::new(MemoryStore::new());
    let mut twice = headers();
    twice.append("x-api-key", CANARY.parse().unwrap());
    for cause in [auth.verify(&headers()), auth.verify(&twice)].map(Result::unwrap_err) {
        assert_eq!((cause.key_id(), trace_of_unknown_in(&error(&cause))), (None, None));
    }
}

fn key_errors() -> Vec<KeyError> {
    let (store, id) = (store(), record().key_id());
    let mut same_id = digest().to_bytes();
    same_id[31] ^= 1;
    let same_id = KeyRecord::new(KeyDigest::from_bytes(same_id), profile());
    vec![
        store.insert(CANARY, profile()).unwrap_err(),
        store.insert_record(same_id).unwrap_err(),
        store.revoke(&id).map(|_| store.insert(CANARY, profile())).unwrap().unwrap_err(),
        store.insert(&CANARY[..15], "User 2").unwrap_err(),
        store.insert(format!("{CANARY}\n"), "User 2").unwrap_err(),
        store.insert(CANARY, "User\n2").unwrap_err(),
        store.insert(CANARY, "User 1").unwrap_err(),
    ]
}

fn from_keys_errors() -> String {
    let lists = [
        vec![(CANARY.to_owned(), profile()), (CANARY.to_owned(), profile())],
        vec![(CANARY[..15].to_owned(), profile())],
        vec![(format!(" {CANARY}"), profile())],
        vec![(CANARY.to_owned(), profile()), (CANARY.to_lowercase(), "User 1".into())],
    ];
    let errors = lists.map(|list| -> FromKeysError { MemoryStore::from_keys(list).unwrap_err() });
    errors.map(|cause| error(&cause)).concat()
}

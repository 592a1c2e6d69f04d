use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome};
use crate::key::{KeyDigest, KeyId};
use crate::manage::{ManageError, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::Rule;

pub(super) async fn is_suggested<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    names_are_unknown(&fixture, "Billing", None).await?;
    id_is_unknown(&fixture, Key::of("nobody's").id, None).await?;

    for client in ["Orders", "Billing", "Stock keeping"] {
        fixture.add(client).await?;
    }
    let keys = ["one", "two", "three"].map(Key::of);
    for key in &keys {
        fixture.issue("Orders", key.to_new()).await?;
    }
    fixture.revoke(&keys[2]).await?;
    for (name, nearest) in
        [("Biling", "Billing"), ("orders", "Orders"), ("Stock-keeping", "Stock keeping")]
    {
        names_are_unknown(&fixture, name, Some(nearest)).await?;
    }
    for key in &keys {
        let mut bytes = key.digest().to_bytes();
        bytes[3] ^= 0x0f;
        let mistyped = KeyDigest::from_bytes(bytes).key_id();
        id_is_unknown(&fixture, mistyped, Some(key.id)).await?;
    }
    Ok(())
}

async fn names_are_unknown<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    name: &str,
    known: Option<&str>,
) -> Outcome {
    let rule = Rule::Nearby;
    let is_reason = |error: &ManageError| match error {
        ManageError::UnknownClient { nearest } => nearest.as_deref() == known,
        _ => false,
    };
    let new = Key::of("new").to_new();
    let what = |doing: &str| match known {
        Some(known) => format!("{doing} an unknown client, similar to {known:?},"),
        None => format!("{doing} a client of an empty store"),
    };
    fixture.refused(rule, &what("enabling"), |store| store.enable_client(name), is_reason).await?;
    fixture
        .refused(rule, &what("disabling"), |store| store.disable_client(name), is_reason)
        .await?;
    fixture.refused(rule, &what("removing"), |store| store.remove_client(name), is_reason).await?;
    let change = |store| ManageKeys::issue(store, name, new);
    fixture.refused(rule, &what("issuing a key to"), change, is_reason).await?;
    let list = |store| ManageKeys::list_keys(store, Some(name));
    fixture.refused(rule, &what("listing the keys of"), list, is_reason).await?;
    fixture.refused(rule, &what("finding"), |store| store.find_client(name), is_reason).await
}

async fn id_is_unknown<S: KeyStore + ManageKeys>(
    fixture: &Fixture<S>,
    id: KeyId,
    known: Option<KeyId>,
) -> Outcome {
    let is_reason = |error: &ManageError| match error {
        ManageError::UnknownKey { key_id, nearest } => (*key_id, *nearest) == (id, known),
        _ => false,
    };
    let what = |doing: &str| match known {
        Some(known) => format!("{doing} the unknown key {id}, similar to {known},"),
        None => format!("{doing} a key of an empty store"),
    };
    fixture.refused(Rule::Nearby, &what("revoking"), |store| store.revoke(&id), is_reason).await?;
    let new = Key::of("new").to_new();
    let change = |store| ManageKeys::rotate(store, &id, new, Duration::ZERO);
    fixture.refused(Rule::Nearby, &what("rotating"), change, is_reason).await?;
    fixture.refused(Rule::Nearby, &what("finding"), |store| store.find_key(&id), is_reason).await
}

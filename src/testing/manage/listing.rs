use std::time::Duration;

use super::fixture::{Contents, Fixture, Key, Outcome, expect};
use crate::key::KeyId;
use crate::manage::{KeyInfo, ManageKeys};
use crate::store::KeyStore;
use crate::testing::rule::Rule;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) async fn keeps_order<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 3", "App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let keys: Vec<_> = (0..12).map(|index| Key::of(&format!("key {index}"))).collect();
    for (key, client) in keys.iter().zip(["App 3", "App 1"].into_iter().cycle()) {
        fixture.issue(client, key.to_new().with_expiry(fixture.now() + 10 * MINUTE)).await?;
        fixture.clock.advance(MINUTE);
    }
    fixture.revoke(&keys[0]).await?;
    fixture.revoke(&keys[3]).await?;

    let names: Vec<_> =
        fixture.clients().await?.iter().map(|client| client.profile.name().to_owned()).collect();
    let in_order = names == ["App 1", "App 2", "App 3"];
    expect(Rule::ClientsListed, in_order, "the clients are not listed in order")?;

    let of_app_1: Vec<_> = keys.iter().skip(1).step_by(2).map(|key| key.id).collect();
    let of_app_3: Vec<_> = keys.iter().step_by(2).map(|key| key.id).collect();
    let all = [&*of_app_1, &*of_app_3].concat();
    for (client, expected) in [
        (None, &all),
        (Some("App 1"), &of_app_1),
        (Some("App 2"), &Vec::new()),
        (Some("App 3"), &of_app_3),
    ] {
        let listed = ids(&fixture.keys(client).await?);
        let what = format!("the keys of {} are not listed in order", client.unwrap_or("all"));
        expect(Rule::KeysListed, listed == *expected, &what)?;
    }
    lists_agree(&fixture).await
}

/// Checks that all methods return the same clients and keys.
async fn lists_agree<S: KeyStore + ManageKeys>(fixture: &Fixture<S>) -> Outcome {
    let Contents { clients, keys } = fixture.contents().await?;
    for key in &keys {
        let found = fixture.store.find_key(&key.key_id);
        let found = fixture.done(Rule::KeysListed, "finding a key", found).await?;
        expect(Rule::KeysListed, found == *key, "a key that is found differs from the list")?;
    }
    for client in &clients {
        let found = fixture.store.find_client(client.profile.name());
        let found = fixture.done(Rule::ClientsListed, "finding a client", found).await?;
        let what = "a client that is found differs from the list";
        expect(Rule::ClientsListed, found == *client, what)?;
    }
    let list = fixture.store.list_readable_keys(None);
    let list = fixture.done(Rule::KeysListed, "listing the readable keys", list).await?;
    let what = "the readable keys are not all keys";
    expect(Rule::KeysListed, list == keys.into(), what)?;
    let list = fixture.store.list_readable_clients();
    let list = fixture.done(Rule::ClientsListed, "listing the readable clients", list).await?;
    let what = "the readable clients are not all clients";
    expect(Rule::ClientsListed, list == clients.into(), what)
}

pub(super) async fn counts<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let [plain, revoked, expired, old, new] =
        ["plain", "revoked", "expired", "old", "new"].map(Key::of);
    for key in [&plain, &revoked, &old] {
        fixture.issue("App 1", key.to_new()).await?;
    }
    fixture.issue("App 1", expired.to_new().with_expiry(fixture.now() + MINUTE)).await?;
    fixture.revoke(&revoked).await?;
    fixture.rotate(&old, new.to_new(), MINUTE).await?;
    fixture.clock.advance(2 * MINUTE);

    let counts: Vec<_> = fixture.clients().await?.iter().map(|client| client.keys).collect();
    let what = "the number of keys of a client is wrong: it includes all but revoked ones";
    expect(Rule::ClientsListed, counts == [4, 0], what)?;
    let returned = [fixture.disable("App 1").await?.keys, fixture.enable("App 1").await?.keys];
    expect(Rule::ClientsListed, returned == [4, 4], what)
}

fn ids(keys: &[KeyInfo]) -> Vec<KeyId> {
    keys.iter().map(|key| key.key_id).collect()
}

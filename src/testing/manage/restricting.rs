use super::fixture::{HOUR, Key, Managed};
use crate::client::ClientProfile;
use crate::error::{AuthError, WrongReason};
use crate::manage::ManageError;
use crate::testing::case::Case;
use crate::testing::sample::{network, restricted_profile, scope};

pub(super) async fn scopes_of_a_key_narrow_those_of_its_client(case: &Case<impl Managed>) {
    let profile = ClientProfile::new("Scoped").with_scopes(["orders:*", "stock:read"].map(scope));
    case.add(profile.clone()).await;
    for (index, scopes) in
        [vec![], vec!["orders:read"], vec!["orders:read", "orders:write:own"], vec!["orders:*"]]
            .into_iter()
            .enumerate()
    {
        let key = Key::of(&format!("key {index}"));
        let scopes = scopes.into_iter().map(scope).collect::<Vec<_>>();
        let returned = case.issue("Scoped", key.to_new().with_scopes(scopes.clone())).await;
        assert_eq!(returned.scopes, scopes, "{case}: the returned scopes");
        assert_eq!(case.listed(&key).await.scopes, scopes, "{case}: the listed scopes");
        let seen = case.present(&key).await.map(|client| client.scopes().to_vec());
        let expected = if scopes.is_empty() { profile.scopes().to_vec() } else { scopes };
        let is_narrowed = seen.as_ref().is_ok_and(|seen| *seen == expected);
        assert!(is_narrowed, "{case}: a handler sees {seen:?} and not {expected:?}");
    }
}

pub(super) async fn scope_that_the_client_lacks_is_refused(case: &Case<impl Managed>) {
    let profile = ClientProfile::new("Scoped").with_scopes(["orders:read", "*"].map(scope));
    case.add(profile).await;
    case.add(ClientProfile::new("One").with_scopes([scope("orders:read")])).await;
    for (client, lacked) in [
        ("One", "orders:write"),
        ("One", "orders:*"),
        ("One", "*"),
        ("App 1", "orders:read"),
        ("Scoped", "keygate:admin"),
    ] {
        let key = Key::of(lacked);
        let new = key.to_new().with_scopes([lacked].map(scope));
        case.refused(
            &format!("issuing a key of {client} with the scope `{lacked}`"),
            |store| store.issue(client, new),
            |error| matches!(error, ManageError::LacksScope { scope } if scope.as_str() == lacked),
        )
        .await;
        case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
    }
}

/// Of a key, of its client, and of both.
pub(super) async fn key_is_refused_outside_its_networks(case: &Case<impl Managed>) {
    let (profile, networks) = (restricted_profile(), ["10.1.0.0/16", "2001:db8::/32"].map(network));
    case.add(profile.clone()).await;
    for (client, networks) in
        [("App 1", &networks[..]), (profile.name(), &[]), (profile.name(), &networks)]
    {
        let key = Key::of(&format!("a key of {client} for {networks:?}"));
        let new = key.to_new().with_networks(networks.iter().copied());
        let returned = case.issue(client, new).await;
        assert_eq!(returned.networks, networks, "{case}: the returned networks");
        assert_eq!(case.listed(&key).await.networks, networks, "{case}: the listed networks");
        for (address, is_inside) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("10.2.0.0", networks.is_empty()),
            ("::1", networks.is_empty()),
            ("11.0.0.0", false),
            ("2001:db9::1", false),
        ] {
            let seen = case.present_from(&key, address.parse().expect("an address")).await;
            let seen = seen.map(|client| client.key_id()).map_err(|error| error.reason());
            let expected = if is_inside { Ok(key.id()) } else { Err(Some(WrongReason::Network)) };
            assert_eq!(
                seen, expected,
                "{case}: a key of {client} for {networks:?}, from {address}"
            );
        }
        let seen = case.present(&key).await;
        let is_refused = matches!(seen, Err(AuthError::Misconfigured(_)));
        assert!(is_refused, "{case}: a key of {client} for {networks:?}, from nowhere");
    }
}

pub(super) async fn network_outside_those_of_the_client_is_refused(case: &Case<impl Managed>) {
    let (profile, key) = (restricted_profile(), Key::of("new"));
    case.add(profile.clone()).await;
    for outside in ["11.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.7"].map(network) {
        let new =
            key.to_new().with_networks(["10.1.0.0/16"].map(network).into_iter().chain([outside]));
        case.refused(
            &format!("issuing a key for the network {outside}"),
            |store| store.issue(profile.name(), new),
            |error| matches!(error, ManageError::LacksNetwork { network } if *network == outside),
        )
        .await;
        case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
    }
}

pub(super) async fn successor_inherits_scopes_and_networks(case: &Case<impl Managed>) {
    let [home, elsewhere] = ["10.0.0.0/8", "192.0.2.0/24"].map(network);
    let [read, write] = ["orders:read", "orders:write"].map(scope);
    case.add(ClientProfile::new("Scoped").with_scopes([scope("*")])).await;
    let [first, second, third] = ["first", "second", "third"].map(Key::of);
    let new = first.to_new().with_scopes([read.clone()]).with_networks([home]);
    case.issue("Scoped", new).await;
    let new = case.rotate(&first, second.to_new(), HOUR).await.new;
    assert_eq!((new.scopes, new.networks), (vec![read.clone()], vec![home]), "{case}: inherited");
    let [inside, outside] = ["10.1.2.3", "192.0.2.7"].map(|text| text.parse().expect("an address"));
    let seen = case.present_from(&second, inside).await.map(|client| client.scopes().to_vec());
    let is_narrowed = seen.is_ok_and(|seen| seen == [read]);
    assert!(is_narrowed, "{case}: a handler sees other scopes than the inherited ones");
    let seen = case.present_from(&second, outside).await.map(|client| client.key_id());
    let is_refused = seen.is_err_and(|error| error.reason() == Some(WrongReason::Network));
    assert!(is_refused, "{case}: a successor is admitted outside of inherited networks");
    let own = third.to_new().with_scopes([write.clone()]).with_networks([elsewhere]);
    let new = case.rotate(&second, own, HOUR).await.new;
    assert_eq!((new.scopes, new.networks), (vec![write], vec![elsewhere]), "{case}: its own");
}

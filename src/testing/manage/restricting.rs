use super::fixture::{HOUR, Key, Managed};
use crate::client::{ClientProfile, Scope};
use crate::error::{AuthError, WrongReason};
use crate::manage::{ClientChange, KeyChange, KeyInfo, ManageError};
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
    let id = case.issue("One", Key::of("old").to_new()).await.key_id;
    let new = Key::of("new").to_new().with_scopes([scope("orders:*")]);
    case.refused(
        "rotating a key to the scope `orders:*`",
        |store| store.rotate(&id, new, HOUR),
        |error| matches!(error, ManageError::LacksScope { .. }),
    )
    .await;
}

/// Covers networks of a key, of its client, and of both.
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
    let id = case.issue(profile.name(), Key::of("old").to_new()).await.key_id;
    let new = key.to_new().with_networks([network("11.0.0.0/8")]);
    case.refused(
        "rotating a key to the network 11.0.0.0/8",
        |store| store.rotate(&id, new, HOUR),
        |error| matches!(error, ManageError::LacksNetwork { .. }),
    )
    .await;
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

/// Requests see the change at once, and everything that it does not name stays.
pub(super) async fn restrictions_of_a_key_are_changed_at_once(case: &Case<impl Managed>) {
    let [home, part, office] = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"].map(network);
    let [all, read, write] = ["orders:*", "orders:read", "orders:write"].map(scope);
    let profile = ClientProfile::new("Scoped").with_scopes([all.clone()]);
    let profile = profile.with_networks([home, office]);
    case.add(profile).await;
    let (key, other) = (Key::of("changed"), Key::of("other"));
    let new = key.to_new().with_label("production").with_expiry(case.now() + HOUR);
    let issued = case.issue("Scoped", new).await;
    let untouched = case.issue("Scoped", other.to_new().with_scopes([read.clone()])).await;
    let change = KeyChange::new;
    for (change, scopes, networks) in [
        (
            change().with_scopes([write.clone(), read.clone()]),
            vec![read.clone(), write.clone()],
            vec![],
        ),
        (change().with_networks([part]), vec![read, write.clone()], vec![part]),
        (change().with_scopes([write.clone()]), vec![write.clone()], vec![part]),
        (change().with_networks([office, part]), vec![write.clone()], vec![part, office]),
        (change().with_scopes([]), vec![], vec![part, office]),
        (change().with_networks([]).with_scopes([write.clone()]), vec![write], vec![]),
        (change().with_scopes([]).with_networks([]), vec![], vec![]),
    ] {
        let what = format!("{change:?}");
        let returned = case.update_key(&key, change).await;
        let own = if scopes.is_empty() { vec![all.clone()] } else { scopes.clone() };
        let within = if networks.is_empty() { vec![home, office] } else { networks.clone() };
        let expected = KeyInfo { scopes, networks, ..issued.clone() };
        assert_eq!(returned, expected, "{case}: the returned key after {what}");
        assert_eq!(case.listed(&key).await, expected, "{case}: the listed key after {what}");
        for address in ["10.1.2.3", "10.2.0.0", "192.0.2.7", "198.51.100.1"] {
            let is_inside =
                within.iter().any(|it| it.contains(address.parse().expect("an address")));
            let expected =
                if is_inside { Ok(own.clone()) } else { Err(Some(WrongReason::Network)) };
            assert_eq!(
                seen_from(case, &key, address).await,
                expected,
                "{case}: {what}, from {address}"
            );
        }
    }
    assert_eq!(case.listed(&other).await, untouched, "{case}: another key was changed");
}

/// A change may leave a key with scopes and networks that its client has lost, but cannot add them.
pub(super) async fn change_beyond_the_client_is_refused(case: &Case<impl Managed>) {
    let [read, write] = ["orders:read", "orders:write"].map(scope);
    let [home, office] = ["10.0.0.0/8", "192.0.2.0/24"].map(network);
    let profile =
        ClientProfile::new("Scoped").with_scopes([read.clone(), write.clone(), scope("*")]);
    case.add(profile.with_networks([home, office])).await;
    let key = Key::of("changed");
    let new = key.to_new().with_scopes([read.clone(), write.clone()]);
    case.issue("Scoped", new.with_networks([home, office])).await;
    let id = key.id();
    let refused = async |change: KeyChange, is_reason: &dyn Fn(&ManageError) -> bool| {
        let (what, change) = (format!("{change:?}"), change.with_label("new"));
        case.refused(&what, |store| store.update_key(&id, change), is_reason).await;
    };
    let lacks_scope = |lacked: &str| {
        let lacked = scope(lacked);
        move |error: &ManageError| matches!(error, ManageError::LacksScope { scope } if *scope == lacked)
    };
    let lacks_network = |lacked: &str| {
        let lacked = network(lacked);
        move |error: &ManageError| matches!(error, ManageError::LacksNetwork { network } if *network == lacked)
    };
    let change = KeyChange::new;
    let reserved = change().with_scopes([read.clone(), scope("keygate:admin")]);
    refused(reserved, &lacks_scope("keygate:admin")).await;
    for outside in ["11.0.0.0/8", "0.0.0.0/0", "::/0"] {
        refused(change().with_networks([home, network(outside)]), &lacks_network(outside)).await;
    }
    let less = ClientChange::new().with_scopes([read.clone()]).with_networks([home]);
    case.update_client("Scoped", less).await;
    refused(change().with_scopes([write.clone()]), &lacks_scope("orders:write")).await;
    refused(change().with_networks([office]), &lacks_network("192.0.2.0/24")).await;
    let same = change().with_scopes([read.clone(), write.clone()]).with_networks([home, office]);
    let kept = case.update_key(&key, same.with_label("kept")).await;
    let expected = (Some("kept"), vec![read.clone(), write], vec![home, office]);
    assert_eq!((kept.label.as_deref(), kept.scopes, kept.networks), expected, "{case}: kept");
    case.update_key(&key, change().with_scopes([read.clone()]).with_networks([home])).await;
    let seen = seen_from(case, &key, "10.1.2.3").await;
    assert_eq!(seen, Ok(vec![read]), "{case}: a key after the change");
}

/// A key gets back the scopes and networks that its client gets back, but never more than it had.
pub(super) async fn key_loses_what_its_client_loses(case: &Case<impl Managed>) {
    let [home, part, office] = ["10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24"].map(network);
    let [orders, read, stock] = ["orders:*", "orders:read", "stock:read"].map(scope);
    let profile = ClientProfile::new("Scoped").with_scopes([orders.clone(), stock.clone()]);
    case.add(profile).await;
    let (plain, narrow) = (Key::of("plain"), Key::of("narrow"));
    case.issue("Scoped", plain.to_new()).await;
    let new = narrow.to_new().with_scopes([read.clone(), stock.clone()]);
    let issued = case.issue("Scoped", new.with_networks([network("10.1.0.0/16")])).await;
    let change = ClientChange::new;
    // The two texts of digits are the indices of the addresses below from which each key is admitted.
    for (change, of_plain, of_narrow, plain_from, narrow_from) in [
        (change().with_networks([home]), vec![&orders, &stock], vec![&read, &stock], "012", "01"),
        (change().with_networks([part]), vec![&orders, &stock], vec![&read, &stock], "0", "0"),
        (change().remove_scope(stock.clone()), vec![&orders], vec![&read], "0", "0"),
        (change().with_networks([office]), vec![&orders], vec![&read], "3", ""),
        (change().with_networks([]), vec![&orders], vec![&read], "0123", "01"),
        (change().with_scopes([]), vec![], vec![], "0123", "01"),
        (change().with_scopes([stock.clone()]), vec![&stock], vec![&stock], "0123", "01"),
        (change().with_scopes([scope("b")]), vec![&scope("b")], vec![], "0123", "01"),
        (change().add_scope(orders.clone()), vec![&scope("b"), &orders], vec![&read], "0123", "01"),
    ] {
        let what = format!("{change:?}");
        case.update_client("Scoped", change).await;
        for (key, scopes, from) in
            [(&plain, of_plain, plain_from), (&narrow, of_narrow, narrow_from)]
        {
            for (number, address) in
                ["10.1.2.3", "10.1.9.9", "10.2.0.0", "192.0.2.7"].into_iter().enumerate()
            {
                let is_inside = from.contains(&number.to_string());
                let scopes = scopes.iter().map(|it| (*it).clone()).collect::<Vec<_>>();
                let expected = if is_inside { Ok(scopes) } else { Err(Some(WrongReason::Network)) };
                let seen = seen_from(case, key, address).await;
                assert_eq!(seen, expected, "{case}: after {what}, from {address}");
            }
        }
        assert_eq!(case.listed(&narrow).await, issued, "{case}: the listed key after {what}");
    }
}

/// Returns the scopes of a key that is admitted, or the reason why it is refused.
async fn seen_from(
    case: &Case<impl Managed>,
    key: &Key,
    address: &str,
) -> Result<Vec<Scope>, Option<WrongReason>> {
    let seen = case.present_from(key, address.parse().expect("an address")).await;
    seen.map(|client| client.scopes().to_vec()).map_err(|error| error.reason())
}

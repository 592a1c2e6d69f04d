use super::fixture::{HOUR, Key, Managed};
use super::refusals::{lacks_network, lacks_scope};
use crate::client::ClientProfile;
use crate::error::WrongReason;
use crate::manage::{ClientChange, KeyChange, KeyInfo};
use crate::testing::case::Case;
use crate::testing::sample::{network, restricted_profile, scope};

pub(super) async fn scopes_of_a_key_narrow_those_of_its_client(case: &Case<impl Managed>) {
    let profile = scoped(["orders:*", "stock:read"]);
    case.add(profile.clone()).await;
    for own in [&[][..], &["orders:read"], &["orders:read", "orders:write:own"], &["orders:*"]] {
        let what = format!("a key for the scopes {own:?}");
        let (key, own) = (Key::of(&what), own.iter().copied().map(scope).collect::<Vec<_>>());
        let returned = case.issue("Scoped", key.to_new().with_scopes(own.clone())).await;
        let scopes = [returned.scopes, case.listed(&key).await.scopes];
        assert_eq!(scopes, [own.clone(), own.clone()], "{case}: {what}, as returned and listed");
        let expected = if own.is_empty() { profile.scopes() } else { &own };
        case.has_scopes_from("10.1.2.3", &what, &key, Some(expected)).await;
    }
}

pub(super) async fn scope_that_the_client_lacks_is_refused(case: &Case<impl Managed>) {
    case.add(scoped(["orders:read", "*"])).await;
    case.add(ClientProfile::new("One").with_scopes([scope("orders:read")])).await;
    for (client, lacked) in [
        ("One", "orders:write"),
        ("One", "orders:*"),
        ("One", "*"),
        ("App 1", "orders:read"),
        ("Scoped", "keygate:admin"),
    ] {
        let key = Key::of(lacked);
        let what = format!("issuing a key of {client} with the scope `{lacked}`");
        let new = key.to_new().with_scopes([scope(lacked)]);
        case.refused_issue(&what, client, new, lacks_scope(lacked)).await;
        case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
    }
    let [old] = case.issued("One", ["old"]).await;
    let new = Key::of("new").to_new().with_scopes([scope("orders:*")]);
    let what = "rotating a key to the scope `orders:*`";
    case.refused_rotation(what, &old, new, lacks_scope("orders:*")).await;
}

/// Covers networks of a key, of its client, and of both.
pub(super) async fn key_is_refused_outside_its_networks(case: &Case<impl Managed>) {
    let (profile, networks) = (restricted_profile(), ["10.1.0.0/16", "2001:db8::/32"].map(network));
    case.add(profile.clone()).await;
    for (client, own) in
        [("App 1", &networks[..]), (profile.name(), &[]), (profile.name(), &networks)]
    {
        let what = format!("a key of {client} for {own:?}");
        let key = Key::of(&what);
        let returned = case.issue(client, key.to_new().with_networks(own.to_vec())).await;
        let seen = [returned.networks, case.listed(&key).await.networks];
        assert_eq!(seen, [own, own], "{case}: {what}, as returned and listed");
        for (address, is_inside) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("10.2.0.0", own.is_empty()),
            ("::1", own.is_empty()),
            ("11.0.0.0", false),
            ("2001:db9::1", false),
        ] {
            case.has_scopes_from(address, &what, &key, is_inside.then_some(&[])).await;
        }
        case.needs_an_address(&what, &key).await;
    }
}

pub(super) async fn network_outside_those_of_the_client_is_refused(case: &Case<impl Managed>) {
    let (profile, key) = (restricted_profile(), Key::of("new"));
    case.add(profile.clone()).await;
    for outside in ["11.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.7"] {
        let what = format!("issuing a key for the network {outside}");
        let new = key.to_new().with_networks(["10.1.0.0/16", outside].map(network));
        case.refused_issue(&what, profile.name(), new, lacks_network(outside)).await;
        case.refuses("after it was not issued", &key, WrongReason::Unknown).await;
    }
    let [old] = case.issued(profile.name(), ["old"]).await;
    let new = key.to_new().with_networks([network("11.0.0.0/8")]);
    let what = "rotating a key to the network 11.0.0.0/8";
    case.refused_rotation(what, &old, new, lacks_network("11.0.0.0/8")).await;
}

pub(super) async fn successor_inherits_scopes_and_networks(case: &Case<impl Managed>) {
    let [home, elsewhere] = ["10.0.0.0/8", "192.0.2.0/24"].map(network);
    let [read, write] = ["orders:read", "orders:write"].map(scope);
    case.add(scoped(["*"])).await;
    let [first, second, third] = ["first", "second", "third"].map(Key::of);
    let new = first.to_new().with_scopes([read.clone()]).with_networks([home]);
    case.issue("Scoped", new).await;
    let new = case.rotate(&first, second.to_new(), HOUR).await.new;
    assert_eq!((new.scopes, new.networks), (vec![read.clone()], vec![home]), "{case}: inherited");
    case.has_scopes_from("10.1.2.3", "a successor", &second, Some(&[read])).await;
    case.has_scopes_from("192.0.2.7", "a successor", &second, None).await;
    let own = third.to_new().with_scopes([write.clone()]).with_networks([elsewhere]);
    let new = case.rotate(&second, own, HOUR).await.new;
    assert_eq!((new.scopes, new.networks), (vec![write], vec![elsewhere]), "{case}: its own");
}

/// Requests see the change at once, and everything that it does not name stays.
pub(super) async fn restrictions_of_a_key_are_changed_at_once(case: &Case<impl Managed>) {
    let [home, part, office] = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"].map(network);
    let [all, read, write] = ["orders:*", "orders:read", "orders:write"].map(scope);
    case.add(scoped(["orders:*"]).with_networks([home, office])).await;
    let (key, other) = (Key::of("changed"), Key::of("other"));
    let new = key.to_new().with_label("production").with_expiry(case.now() + HOUR);
    let issued = case.issue("Scoped", new).await;
    let untouched = case.issue("Scoped", other.to_new().with_scopes([read.clone()])).await;
    let change = KeyChange::new;
    let (only_write, both) = (vec![write.clone()], vec![read.clone(), write.clone()]);
    for (change, scopes, networks) in [
        (change().with_scopes([write.clone(), read]), both.clone(), vec![]),
        (change().with_networks([part]), both, vec![part]),
        (change().with_scopes([write.clone()]), only_write.clone(), vec![part]),
        (change().with_networks([office, part]), only_write.clone(), vec![part, office]),
        (change().with_scopes([]), vec![], vec![part, office]),
        (change().with_networks([]).with_scopes([write]), only_write, vec![]),
        (change().with_scopes([]).with_networks([]), vec![], vec![]),
    ] {
        let what = format!("after {change:?}");
        let returned = case.update_key(&key, change).await;
        let own = if scopes.is_empty() { vec![all.clone()] } else { scopes.clone() };
        let within = if networks.is_empty() { vec![home, office] } else { networks.clone() };
        let expected = KeyInfo { scopes, networks, ..issued.clone() };
        case.is_key(&what, &returned, &expected).await;
        for address in ["10.1.2.3", "10.2.0.0", "192.0.2.7", "198.51.100.1"] {
            let ip = address.parse().expect("an address");
            let is_inside = within.iter().any(|network| network.contains(ip));
            case.has_scopes_from(address, &what, &key, is_inside.then_some(&own)).await;
        }
    }
    assert_eq!(case.listed(&other).await, untouched, "{case}: another key was changed");
}

/// A change may leave a key with scopes and networks that its client has lost, but cannot add them.
pub(super) async fn change_beyond_the_client_is_refused(case: &Case<impl Managed>) {
    let scopes = ["orders:read", "orders:write"].map(scope);
    let networks = ["10.0.0.0/8", "192.0.2.0/24"].map(network);
    let ([read, write], [home, office]) = (scopes.clone(), networks);
    case.add(scoped(["orders:read", "orders:write", "*"]).with_networks(networks)).await;
    let key = Key::of("changed");
    let new = key.to_new().with_scopes(scopes.clone()).with_networks(networks);
    case.issue("Scoped", new).await;

    let change = || KeyChange::new().with_label("new");
    let what = "adding a reserved scope";
    let beyond = change().with_scopes([read.clone(), scope("keygate:admin")]);
    case.refused_key_change(what, &key, beyond, lacks_scope("keygate:admin")).await;
    for outside in ["11.0.0.0/8", "0.0.0.0/0", "::/0"] {
        let what = format!("adding the network {outside}");
        let beyond = change().with_networks([home, network(outside)]);
        case.refused_key_change(&what, &key, beyond, lacks_network(outside)).await;
    }
    let less = ClientChange::new().with_scopes([read.clone()]).with_networks([home]);
    case.update_client("Scoped", less).await;
    let beyond = change().with_scopes([write]);
    case.refused_key_change("a lost scope", &key, beyond, lacks_scope("orders:write")).await;
    let beyond = change().with_networks([office]);
    case.refused_key_change("a lost network", &key, beyond, lacks_network("192.0.2.0/24")).await;

    let same = KeyChange::new().with_scopes(scopes.clone()).with_networks(networks);
    let kept = case.update_key(&key, same.with_label("kept")).await;
    let expected = (Some("kept"), &scopes[..], &networks[..]);
    let kept = (kept.label.as_deref(), &*kept.scopes, &*kept.networks);
    assert_eq!(kept, expected, "{case}: what a key may keep");
    let narrower = KeyChange::new().with_scopes([read.clone()]).with_networks([home]);
    case.update_key(&key, narrower).await;
    case.has_scopes_from("10.1.2.3", "a changed key", &key, Some(&[read])).await;
}

/// A key gets back the scopes and networks that its client gets back, but never more than it had.
pub(super) async fn key_loses_what_its_client_loses(case: &Case<impl Managed>) {
    let [home, part, office] = ["10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24"].map(network);
    let [orders, read, stock, other] = ["orders:*", "orders:read", "stock:read", "b"].map(scope);
    case.add(scoped(["orders:*", "stock:read"])).await;
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
        (change().with_scopes([other.clone()]), vec![&other], vec![], "0123", "01"),
        (change().add_scope(orders.clone()), vec![&other, &orders], vec![&read], "0123", "01"),
    ] {
        let what = format!("after {change:?}");
        case.update_client("Scoped", change).await;
        for (key, scopes, from) in
            [(&plain, of_plain, plain_from), (&narrow, of_narrow, narrow_from)]
        {
            let scopes: Vec<_> = scopes.into_iter().cloned().collect();
            for (index, address) in
                [("0", "10.1.2.3"), ("1", "10.1.9.9"), ("2", "10.2.0.0"), ("3", "192.0.2.7")]
            {
                let expected = from.contains(index).then_some(&*scopes);
                case.has_scopes_from(address, &what, key, expected).await;
            }
        }
        assert_eq!(case.listed(&narrow).await, issued, "{case}: the listed key {what}");
    }
}

/// The client `Scoped`.
fn scoped<const N: usize>(scopes: [&str; N]) -> ClientProfile {
    ClientProfile::new("Scoped").with_scopes(scopes.map(scope))
}

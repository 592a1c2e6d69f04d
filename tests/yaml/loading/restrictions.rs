//! Scopes and networks of keys, and networks and titles of clients.

use super::check::{load, refused};
use super::refused_clients::{DIGEST, client, key, refused_in, wrong};

const OTHER: &str = "sha256:3c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

fn file(fields: &str) -> String {
    format!(
        "clients:
  App 1:
    keys:
      - digest: {DIGEST}
        scopes: [orders:write, orders:read]
        networks:
          - 2001:db8::/32
          - 10.1.0.0/16
      - digest: {OTHER}
    title: The app of the web shop
    networks: [2001:db8::/32, 10.0.0.0/8]
    {fields}
"
    )
}

#[test]
fn scopes_networks_and_title_are_loaded() {
    let store = load(file("scopes: ['orders:*', stock:read]"));
    assert!(store.warnings().is_empty(), "{:?}", store.warnings());
    let profile = &store.profiles()[0];
    assert_eq!(profile.title(), Some("The app of the web shop"));
    let texts = |items: &[_]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(profile.networks()), ["10.0.0.0/8", "2001:db8::/32"]);
    let keys = store.list_keys(None).unwrap();
    let narrowed = keys.iter().find(|key| key.key_id.to_string().starts_with("2c")).unwrap();
    let scopes: Vec<_> = narrowed.scopes.iter().map(keygate::Scope::as_str).collect();
    assert_eq!(scopes, ["orders:read", "orders:write"]);
    assert_eq!(texts(&narrowed.networks), ["10.1.0.0/16", "2001:db8::/32"]);
    let plain = keys.iter().find(|key| key.key_id.to_string().starts_with("3c")).unwrap();
    assert!(plain.scopes.is_empty() && plain.networks.is_empty());
}

#[test]
fn lost_restrictions_are_reported_at_their_line() {
    let shown = |store: keygate::YamlStore| {
        let warnings = store.warnings();
        let places =
            warnings.iter().map(|it| (it.line().unwrap(), it.column().unwrap(), it.to_string()));
        places.collect::<Vec<_>>()
    };
    let lost = shown(load(file("scopes: [orders:read]")));
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!((lost[0].0, lost[0].1), (5, 18));
    assert!(lost[0].2.contains("the client of this key lacks this scope"), "{lost:?}");

    let fewer = file("scopes: ['*']").replace("10.0.0.0/8", "10.0.0.0/16");
    let outside = shown(load(fewer));
    assert_eq!(outside.len(), 1, "{outside:?}");
    assert_eq!((outside[0].0, outside[0].1), (8, 13));
    assert!(outside[0].2.contains("this network is not within those of the client"), "{outside:?}");
}

#[test]
fn invalid_restrictions_are_refused_where_they_are() {
    let form = "a network is written like `10.0.0.0/8` or `fd00::/8`, with 0 to 32 bits for IPv4 and 0 to 128 for IPv6, and a single address like `10.1.2.3`";
    let first = "a network is written with its first address: `10.0.0.0/8`, not `10.1.2.3/8`";
    let none = "an empty list would allow every network: name some, or remove the line to allow all of them";
    for frame in [client as fn(&str) -> String, key] {
        let (line, column) = if frame("") == client("") { (3, 5) } else { (5, 9) };
        for (list, offset, message) in
            [("[10.0.0.0/8, c4n4ry]", 13, form), ("[10.1.2.3/8]", 1, first), ("[]", 0, none)]
        {
            let place = format!("{line}:{}", column + "networks: ".len() + offset);
            refused(&[(&frame(&format!("networks: {list}")), &place, message)]);
        }
    }
    let scopes = "a key without scopes has all scopes of its client: name some, or remove the line to give it all of them";
    let list = wrong("a list of scopes", "a text", "write it as `[orders:read, stock:*]`");
    refused_in(key, &[("scopes: []", "5:17", scopes), ("scopes: c4n4ry", "5:17", &list)]);
    let blank = "the title of the client begins or ends with a blank: choose another name";
    refused_in(client, &[("title: ' c4n4ry'", "3:12", blank)]);
}

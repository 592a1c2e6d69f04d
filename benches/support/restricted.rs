//! Requests with restricted keys (scopes, networks), compared with requests of unrestricted ones.

use std::hint::black_box;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use keygate::client::{ClientAddress, TrustedProxies};
use keygate::{Authenticator, ClientProfile, KeyDigest, KeyRecord, MemoryStore};

use super::clock::processor_time;
use super::differences::Differences;
use super::drive::X_API_KEY;
use super::effort::Effort;
use super::keys::{key, name};
use super::probes::Probes;
use super::rounds::Rounds;
use super::table::Unit;

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);

const PLAIN: &str = "unrestricted key";
const SCOPES: &str = "key with scopes";
const NETWORKS: &str = "key with networks, the peer's address";
const CLIENT_NETWORKS: &str = "client with networks, the peer's address";
const BEHIND: &str = "key with networks, behind trusted proxies";

/// The maximum cost of each in addition to an unrestricted key, in nanoseconds.
const BOUNDS: [(&str, f64); 4] =
    [(SCOPES, 30.0), (NETWORKS, 30.0), (CLIENT_NETWORKS, 30.0), (BEHIND, 150.0)];

pub(crate) fn restricted(effort: Effort, size: u64) {
    let count = effort.pick(100, 20_000, 100_000);
    let plain = |profile| profile;
    let with_networks =
        |profile: ClientProfile| profile.with_networks(["10.0.0.0/8".parse().expect("a network")]);
    let networks =
        |record: KeyRecord| record.with_networks(["10.1.0.0/16".parse().expect("a network")]);
    let scopes = |record: KeyRecord| record.with_scopes(["orders:read".parse().expect("a scope")]);
    let address = ClientAddress::by_peer(|peer: &IpAddr| *peer);
    let proxies = TrustedProxies::new(["192.0.2.0/24"]).expect("a network");
    let behind = address.clone().behind(proxies);
    let peer = [10, 1, 2, 3].into();
    let mut subjects = Rounds::new();
    for (name, store, address, peer) in [
        (PLAIN, store(size, plain, |record| record), &address, peer),
        (SCOPES, store(size, plain, scopes), &address, peer),
        (NETWORKS, store(size, plain, networks), &address, peer),
        (CLIENT_NETWORKS, store(size, with_networks, |record| record), &address, peer),
        (BEHIND, store(size, plain, networks), &behind, [192, 0, 2, 1].into()),
    ] {
        let auth = Authenticator::new(store).with_client_address(address.clone());
        let probes = Probes::picks(size, effort.pick(100, 1 << 16, 1 << 16));
        subjects.add(name, of_parts(count, probes, peer, auth));
    }
    let figures = subjects.run(effort.pick(1, 7, 31));

    let mut table = Differences::new();
    for (name, bound) in BOUNDS {
        table.subtract(name, NANOSECONDS, &figures, [name, PLAIN], bound);
    }
    table.print(&format!("a restricted key / an unrestricted one, keys: {size}"));
}

fn store(
    size: u64,
    of_client: impl Fn(ClientProfile) -> ClientProfile,
    of_key: impl Fn(KeyRecord) -> KeyRecord,
) -> MemoryStore {
    let store = MemoryStore::new();
    for number in 0..size {
        let profile = ClientProfile::new(name(number));
        let profile = of_client(profile.with_scopes(["orders:*".parse().expect("a scope")]));
        let record = KeyRecord::new(KeyDigest::of(&key(number)), profile);
        store.insert_record(of_key(record)).expect("the keys differ");
    }
    store
}

/// Measures `verify_parts` in blocks, so that building the heads is not measured.
fn of_parts(
    count: u32,
    mut probes: Probes,
    peer: IpAddr,
    auth: Authenticator<MemoryStore>,
) -> impl FnMut() -> f64 {
    const BLOCK: u32 = 256;
    let head = || -> Parts {
        let mut parts = Request::new(()).into_parts().0;
        parts.extensions.insert(peer);
        let forwarded = HeaderName::from_static("x-forwarded-for");
        parts.headers.insert(forwarded, HeaderValue::from_static("10.1.2.3"));
        parts
    };
    let mut block: Vec<_> = (0..BLOCK).map(|_| head()).collect();
    move || {
        let mut time = 0.0;
        for _ in 0..count.div_ceil(BLOCK) {
            for parts in &mut block {
                parts.headers.insert(&X_API_KEY, probes.value());
            }
            let start = processor_time();
            for parts in &block {
                let client = auth.verify_parts(parts).expect("the key is admitted");
                black_box(client.scopes());
            }
            time += processor_time() - start;
        }
        time / f64::from(count.next_multiple_of(BLOCK))
    }
}

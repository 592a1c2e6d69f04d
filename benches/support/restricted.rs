//! Requests with restricted keys (scopes, networks), compared with requests of unrestricted ones.

use std::error::Error;
use std::hint::black_box;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use keygate::client::{ClientAddress, TrustedProxies};
use keygate::{Authenticator, ClientProfile, KeyDigest, KeyRecord, MemoryStore};

use super::child;
use super::clock::processor_time;
use super::differences::Differences;
use super::drive::X_API_KEY;
use super::effort::Effort;
use super::figures::{Figures, part};
use super::keys::{key, name};
use super::probes::Probes;
use super::table::Unit;

type Failure = Box<dyn Error>;

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);

const PLAIN: &str = "unrestricted key";
const SCOPES: &str = "key with scopes";
const NETWORKS: &str = "key with networks, the peer's address";
const CLIENT_NETWORKS: &str = "client with networks, the peer's address";
const BEHIND: &str = "key with networks, behind trusted proxies";

const SUBJECTS: [&str; 5] = [PLAIN, SCOPES, NETWORKS, CLIENT_NETWORKS, BEHIND];

/// The maximum cost of each in addition to an unrestricted key, in nanoseconds.
const BOUNDS: [(&str, f64); 4] =
    [(SCOPES, 30.0), (NETWORKS, 30.0), (CLIENT_NETWORKS, 30.0), (BEHIND, 150.0)];

/// Measures each subject in several processes of its own, in turn. The stores of all subjects in one process take each
/// other's place in the caches, and the same store measured twice differed by 200 ns at 100,000 keys.
pub(crate) fn restricted(effort: Effort, size: u64) -> Result<(), Failure> {
    let of = format!("{} {size}", effort.pick(100, 20_000, 100_000));
    let mut figures = Figures::default();
    for _ in 0..effort.pick(1, 5, 15) {
        for subject in SUBJECTS {
            let [median] = child::run([subject, &of])?;
            figures.add(subject, median);
        }
    }
    let mut table = Differences::new();
    for (name, bound) in BOUNDS {
        table.subtract(name, NANOSECONDS, &figures, [name, PLAIN], bound);
    }
    table.print(&format!("a restricted key / an unrestricted one, keys: {size}"));
    Ok(())
}

/// Measures one subject in this process, which does nothing else.
pub(crate) fn measure(subject: &str, of: &str) -> Result<(), Failure> {
    const ROUNDS: usize = 5;
    const PROBES: u64 = 1 << 16;
    let (count, size) =
        of.split_once(' ').ok_or("a task is the number of requests and that of keys")?;
    let (count, size) = (count.parse::<u32>()?, size.parse()?);
    let plain = |profile| profile;
    let with_networks =
        |profile: ClientProfile| profile.with_networks(["10.0.0.0/8".parse().expect("a network")]);
    let networks =
        |record: KeyRecord| record.with_networks(["10.1.0.0/16".parse().expect("a network")]);
    let scopes = |record: KeyRecord| record.with_scopes(["orders:read".parse().expect("a scope")]);
    let store = match subject {
        PLAIN => store(size, plain, |record| record),
        SCOPES => store(size, plain, scopes),
        NETWORKS | BEHIND => store(size, plain, networks),
        CLIENT_NETWORKS => store(size, with_networks, |record| record),
        _ => return Err(format!("there is no subject {subject:?}").into()),
    };
    let mut address = ClientAddress::by_peer(|peer: &IpAddr| *peer);
    let mut peer = IpAddr::from([10, 1, 2, 3]);
    if subject == BEHIND {
        address = address.behind(TrustedProxies::new(["192.0.2.0/24"])?);
        peer = [192, 0, 2, 1].into();
    }
    let auth = Authenticator::new(store).with_client_address(address);
    let probes = Probes::picks(size, PROBES);
    let mut time = of_parts(count, probes, peer, auth);
    child::report(&[part((0..ROUNDS).map(|_| time()).collect(), 500)]);
    Ok(())
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

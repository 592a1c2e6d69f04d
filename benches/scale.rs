//! From one key to ten million: requests, lookups, memory, and changes with concurrent readers.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and leaves the largest size out.

use std::error::Error;
use std::hint::black_box;

use bytes::Bytes;
use http_body_util::Full;
use keygate::{ApiKeyLayer, Authenticator, KeyDigest, LocalKeyStore as _, MemoryStore};
use tower::Layer as _;

use support::changes::{Reads, Writer, read};
use support::child;
use support::clock::processor_time;
use support::drive::{Handler, Requests, through};
use support::effort::Effort;
use support::figures::{Figures, part};
use support::keys::key;
use support::probes::{Probes, picks};
use support::rounds::Rounds;
use support::stores::store;
use support::table::{Table, Unit, met};
use support::weigh::{AT_ONCE, EXPIRING, MAP, ONE_BY_ONE, STORE, Weight, weigh};

mod support {
    #[path = "../../tests/common/allocator.rs"]
    pub(crate) mod allocator;
    pub(crate) mod changes;
    pub(crate) mod child;
    pub(crate) mod clock;
    pub(crate) mod drive;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod keys;
    pub(crate) mod memory;
    pub(crate) mod probes;
    pub(crate) mod rounds;
    pub(crate) mod stores;
    pub(crate) mod table;
    pub(crate) mod weigh;
}

type Failure = Box<dyn Error>;

struct Size {
    keys: u32,
    name: &'static str,
    /// The maximum ratio of a request to one with a single key.
    target: Option<f64>,
}

const SIZES: [Size; 5] = [
    Size { keys: 1, name: "1 key", target: None },
    Size { keys: 1_000, name: "1,000 keys", target: Some(1.1) },
    Size { keys: 100_000, name: "100,000 keys", target: Some(3.0) },
    Size { keys: 1_000_000, name: "1,000,000 keys", target: Some(6.5) },
    Size { keys: 10_000_000, name: "10,000,000 keys", target: Some(14.0) },
];

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);
const MICROSECONDS: Unit = Unit("us", 1e3, 1);
const BYTES: Unit = Unit("B", 1.0, 1);

fn main() -> Result<(), Failure> {
    if let Some([subject, size]) = child::task() {
        return weigh(&subject, size.parse()?);
    }
    let effort = Effort::of_this_run();
    let sizes = &SIZES[..effort.pick(2, 4, 5)];
    memory(sizes.iter().filter(|size| size.keys >= effort.pick(1_000, 1_000_000, 1_000_000)))?;
    let stores: Vec<_> = sizes.iter().map(|size| store(size.keys.into())).collect();
    time(effort, sizes, &stores);
    if let (Some(size), [.., other, store]) = (sizes.last(), &stores[..]) {
        changes(effort, size, [other, store]);
    }
    Ok(())
}

/// The maximum size of a key in the table, in bytes.
const BYTES_PER_KEY: f64 = 56.0;
/// The maximum memory of a store, compared with a map of the keys themselves.
const STORE_TO_MAP: f64 = 0.7;

fn memory<'a>(sizes: impl Iterator<Item = &'a Size> + Clone) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "requested", "resident", "target", "met"]);
    for Size { keys, name, .. } in sizes.clone() {
        for subject in [AT_ONCE, ONE_BY_ONE, EXPIRING] {
            // Ten million inserts take minutes, and a key takes the same memory at any size.
            if subject != AT_ONCE && *keys > 1_000_000 {
                continue;
            }
            let Weight { requested, resident } = Weight::of(subject, *keys)?;
            let bytes = [requested, resident, BYTES_PER_KEY].map(|bytes| BYTES.show(bytes));
            let met = [requested, resident].map(|bytes| met(bytes, Some(BYTES_PER_KEY)));
            let cells = [format!("{name}, {subject}")].into_iter().chain(bytes);
            table.row(cells.chain([met.join(", ")]));
        }
    }
    table.print("bytes per key (digest, handle, expiry, index; one client has them all)");

    let mut table = Table::new(&["what", "ours", "yardstick", "ratio", "target", "met"]);
    for Size { keys, name, .. } in sizes {
        let [store, map] = [Weight::of(STORE, *keys)?, Weight::of(MAP, *keys)?];
        let mut row = |kind, store, map| {
            let ratio = [store / map, STORE_TO_MAP].map(|ratio| format!("{ratio:.2}"));
            let cells = [format!("{name}, {kind}"), BYTES.show(store), BYTES.show(map)];
            let met = met(store / map, Some(STORE_TO_MAP));
            table.row(cells.into_iter().chain(ratio).chain([met]));
        };
        row("requested", store.requested, map.requested);
        row("resident", store.resident, map.resident);
    }
    table.print("whole store / HashMap<String, String>, for each key (a client each)");
    Ok(())
}

fn time(effort: Effort, sizes: &[Size], stores: &[MemoryStore]) {
    let count = effort.pick(100, 50_000, 200_000);
    // The same number at every size, and so many that no cache holds the memory that they touch.
    let probes = effort.pick(100, 1 << 18, 1 << 20);
    let rounds = effort.pick(1, 5, 15);
    let (mut requests, mut lookups) = (Rounds::new(), Rounds::new());
    for (size, store) in sizes.iter().zip(stores) {
        let keys = Requests::with_keys(Probes::picks(size.keys.into(), probes));
        let layer = ApiKeyLayer::new(store.clone()).without_cache_fields();
        let service = layer.layer(Handler::<Full<Bytes>>::new());
        requests.add(size.name, through::<_, Full<Bytes>>(count, keys, service));
        let digests = picks(size.keys.into(), 0..probes);
        let digests = digests.map(|number| KeyDigest::of(&key(number))).collect();
        lookups.add(size.name, looking_up(count, digests, store));
    }
    print_time("a request", sizes, &requests.run(rounds), |size| size.target);
    print_time("an isolated lookup", sizes, &lookups.run(rounds), |_| None);
}

fn print_time(
    what: &str,
    sizes: &[Size],
    figures: &Figures,
    target: impl Fn(&Size) -> Option<f64>,
) {
    let one = SIZES[0].name;
    let mut table = Table::of_ratios();
    for size in sizes {
        table.compare(size.name, NANOSECONDS, figures, [size.name, one], target(size));
    }
    table.print(&format!("{what} / {what} at {one}"));
}

fn looking_up(count: u32, digests: Vec<KeyDigest>, store: &MemoryStore) -> impl FnMut() -> f64 {
    let mut next = 0;
    let mut look_up = move || {
        let start = processor_time();
        for _ in 0..count {
            black_box(store.find(&digests[next]).is_ok());
            next = if next + 1 == digests.len() { 0 } else { next + 1 };
        }
        (processor_time() - start) / f64::from(count)
    };
    // As with requests, the first run warms the caches.
    move || {
        look_up();
        look_up()
    }
}

/// The maximum p99.9 of a change.
const CHANGE_NANOSECONDS: f64 = 1e6;
/// The p99.9 of readers should not change; this much is noise.
const TAIL: f64 = 1.1;

const ALONE: &str = "without a writer";
// Loads the machine in the same way, so that the difference is due to the store.
const APART: &str = "beside a writer to another store";
const TOGETHER: &str = "with a writer";

/// Changes are measured in processor time, so that other programs do not count.
fn changes(effort: Effort, size: &Size, [other, store]: [&MemoryStore; 2]) {
    let (rounds, reads) = effort.pick((1_u64, 1_000), (7, 100_000), (21, 400_000));
    let keys = size.keys.into();
    let auth = Authenticator::new(store.clone());
    // So many that no cache holds the row of a key when it is revoked.
    let behind = effort.pick(10, 2_000, 5_000);
    let [mut apart, mut together] = [other, store].map(|store| Writer::new(store, keys, behind));
    let [mut medians, mut tails, mut processor_tails] = [(); 3].map(|()| Figures::default());
    for round in 0..rounds {
        let mut measure = |turn, name, writer| {
            let first = (3 * round + turn) * reads;
            let Reads { passed, processor } = read(&auth, keys, first..first + reads, writer);
            medians.add(name, part(passed.clone(), 500));
            tails.add(name, part(passed, 999));
            processor_tails.add(name, part(processor, 999));
        };
        measure(0, ALONE, None);
        measure(1, APART, Some(&mut apart));
        measure(2, TOGETHER, Some(&mut together));
    }

    let mut table = Table::new(&["what", "p50", "p99", "p99.9", "most", "target", "met"]);
    for (name, times) in [("insert", &together.inserts), ("revoke", &together.revokes)] {
        let parts = [500, 990, 999, 1000].map(|thousandths| part(times.clone(), thousandths));
        let cells = parts.map(|time| MICROSECONDS.show(time));
        let target = MICROSECONDS.show(CHANGE_NANOSECONDS);
        let met = met(parts[2], Some(CHANGE_NANOSECONDS));
        table.row([name.to_owned()].into_iter().chain(cells).chain([target, met]));
    }
    let count = together.inserts.len();
    table.print(&format!("processor time of {count} changes each, others reading, {}", size.name));

    let mut table = Table::of_ratios();
    let kinds = [
        ("p50", medians, None),
        ("p99.9", tails, Some(TAIL)),
        ("p99.9, processor time", processor_tails, None),
    ];
    for (kind, figures, target) in &kinds {
        for yardstick in [ALONE, APART] {
            let what = format!("{kind}, {TOGETHER} / {yardstick}");
            table.compare(&what, NANOSECONDS, figures, [TOGETHER, yardstick], *target);
        }
    }
    table.print(&format!("a verification while another thread changes keys, {}", size.name));
}

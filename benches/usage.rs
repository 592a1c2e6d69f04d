//! The cost of usage per client and of quotas, per request.
//!
//! `KEYGATE_BENCH_QUICK=1` runs a few short rounds.

use std::fmt::Debug;
use std::hint::black_box;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use keygate::observe::{Observe as _, UsageHistory, UsageWriter};
use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Outcome, Throttle, ThrottleLayer, Usage};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tower::{Layer as _, Service};

use support::allocator;
use support::by_hand::counted_and_limited;
use support::clock::processor_time;
use support::differences::Differences;
use support::drive::{Handler, Requests, answer, through, time};
use support::effort::Effort;
use support::figures::Figures;
use support::keys::key;
use support::probes::Probes;
use support::rounds::Rounds;
use support::stores::store;
use support::table::{Table, Unit, met};
use support::threads::together;

mod support {
    #[path = "../../tests/common/allocator.rs"]
    pub(crate) mod allocator;
    pub(crate) mod by_hand;
    pub(crate) mod clock;
    pub(crate) mod differences;
    pub(crate) mod drive;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod keys;
    pub(crate) mod probes;
    pub(crate) mod rounds;
    pub(crate) mod stores;
    pub(crate) mod table;
    pub(crate) mod threads;
}

type Text = Full<Bytes>;

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);
const BYTES: Unit = Unit("B", 1.0, 0);

fn main() {
    let effort = Effort::of_this_run();
    let sizes = [(1, 1.5), (1_000, 1.0), (100_000, 1.1)];
    for &(size, bound) in effort.pick(&[(10, f64::INFINITY)][..], &sizes[..2], &sizes) {
        one_request(effort, size, bound);
    }
    two_threads(effort, effort.pick(10, 1_000, 1_000));
    memory(effort.pick(1_000, 100_000, 100_000));
}

fn rounds(effort: Effort) -> usize {
    effort.pick(1, 7, 31)
}

/// The maximum cost of a writer per request, in nanoseconds.
const WRITER: f64 = 15.0;

/// The maximum memory of a counted key, in bytes.
const BYTES_PER_KEY: f64 = 1024.0;

const LAYER: &str = "layer";
const IDLE: &str = "layer with an observer that does nothing";
const USAGE: &str = "layer with usage";
const WRITTEN: &str = "layer with usage that is written to a history";
const THROTTLE: &str = "layer with throttle, without headers";
const FULL: &str = "layer with usage and throttle, without headers";
const FIELDS: &str = "layer with usage and throttle";
const BY_HAND: &str = "layer with governor and a map of counts, by hand";
const ALONE: &str = "usage alone";

/// `bound` is the maximum ratio of the time that usage and throttle add to a request to the time that the hand-written
/// code adds.
fn one_request(effort: Effort, size: u64, bound: f64) {
    let count = effort.pick(100, 20_000, 100_000);
    let requests = Requests::with_keys(Probes::picks(size, effort.pick(100, 1 << 16, 1 << 16)));
    let store = store(size);
    let usage = Usage::new();
    let layer = |usage: Option<&Usage>| layer(&store, usage);
    let throttle = throttle();

    let mut subjects = Rounds::new();
    let service = layer(None).layer(Handler::<Text>::new());
    subjects.add(LAYER, through::<_, Text>(count, requests.clone(), service));
    let auth = Authenticator::new(store.clone()).add_observer(|_: &Outcome<'_>| {});
    let service = ApiKeyLayer::from(auth).without_cache_fields().layer(Handler::<Text>::new());
    subjects.add(IDLE, through::<_, Text>(count, requests.clone(), service));
    let service = layer(Some(&usage)).layer(Handler::<Text>::new());
    subjects.add(USAGE, through::<_, Text>(count, requests.clone(), service));
    let written = Usage::new();
    let writer = Writer::start(&written);
    let service = layer(Some(&written)).layer(Handler::<Text>::new());
    subjects.add(WRITTEN, through::<_, Text>(count, requests.clone(), service));
    let inner = throttle.clone().without_headers().layer(Handler::<Text>::new());
    subjects.add(THROTTLE, through::<_, Text>(count, requests.clone(), layer(None).layer(inner)));
    let inner = throttle.clone().without_headers().layer(Handler::<Text>::new());
    let service = layer(Some(&usage)).layer(inner);
    subjects.add(FULL, through::<_, Text>(count, requests.clone(), service));
    let service = layer(Some(&usage)).layer(throttle.layer(Handler::<Text>::new()));
    subjects.add(FIELDS, through::<_, Text>(count, requests.clone(), service));
    let service = layer(None).layer(counted_and_limited(Handler::<Text>::new()));
    subjects.add(BY_HAND, through::<_, Text>(count, requests, service));
    let figures = subjects.run(rounds(effort));
    drop(writer);

    let mut table = Table::of_ratios();
    let added = added_to(LAYER, &figures, [FULL, BY_HAND]);
    let what = "added to a request: usage and throttle / by hand";
    table.compare(what, NANOSECONDS, &added, [FULL, BY_HAND], bound);
    table.print(&format!("what both add to the layer; keys: {size}"));

    let mut table = Differences::new();
    for (with, without, target) in [
        (FULL, LAYER, None),
        (BY_HAND, LAYER, None),
        (FIELDS, FULL, None),
        (IDLE, LAYER, None),
        (USAGE, LAYER, None),
        (WRITTEN, USAGE, Some(WRITER)),
        (THROTTLE, LAYER, None),
    ] {
        let what = format!("{with} / {without}");
        table.subtract(&what, NANOSECONDS, &figures, [with, without], target);
    }
    table.print(&format!("one request; keys: {size}"));
}

/// A writer to an SQLite file.
struct Writer {
    _writer: UsageWriter,
    _folder: TempDir,
}

impl Writer {
    fn start(usage: &Usage) -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let history = runtime.block_on(UsageHistory::in_folder(folder.path()));
        let history = history.expect("the file is created");
        let writer = UsageWriter::start(usage, &history).expect("the writer starts");
        Self { _writer: writer, _folder: folder }
    }
}

fn layer(store: &MemoryStore, usage: Option<&Usage>) -> ApiKeyLayer<MemoryStore> {
    let auth = Authenticator::new(store.clone());
    let auth = match usage {
        Some(usage) => auth.add_observer(usage.clone()),
        None => auth,
    };
    ApiKeyLayer::from(auth).without_cache_fields()
}

/// Every client has a quota that it does not reach.
fn throttle() -> ThrottleLayer {
    let quota = "1000000000/second".parse().expect("it is a quota");
    ThrottleLayer::new(Throttle::new().with_default_quota(quota))
}

/// The time that each subject takes beyond `base`, in each round.
fn added_to(base: &str, figures: &Figures, subjects: [&'static str; 2]) -> Figures {
    let mut added = Figures::default();
    for name in subjects {
        for (with, without) in figures.of(name).iter().zip(figures.of(base)) {
            added.add(name, with - without);
        }
    }
    added
}

const ONE_THREAD: &str = "one thread";
const SAME_CLIENT: &str = "two threads, the same client";
const OWN_CLIENTS: &str = "two threads, a client each";
const OWN_USAGES: &str = "two threads, a store and a usage each";

fn two_threads(effort: Effort, size: u64) {
    let count = effort.pick(100, 50_000, 200_000);
    let stores = [store(size), store(size)];
    let usages = [Usage::new(), Usage::new()];
    let alone =
        |place: usize, number| counting_alone(&stores[place], &usages[place], number, count);
    let throttles = [throttle(), throttle()].map(ThrottleLayer::without_headers);
    let through = |with_usage: bool, with_throttle: bool, place: usize, number| {
        let usage = with_usage.then_some(&usages[place]);
        let layer = layer(&stores[place], usage);
        let requests = Requests::with_keys(Probes::new([number]));
        let handler = Handler::<Text>::new();
        if with_throttle {
            serving(count, requests, layer.layer(throttles[place].layer(handler)))
        } else {
            serving(count, requests, layer.layer(handler))
        }
    };
    let mut table = Table::of_ratios();
    let mut rows = |what, figures: &Figures, target| {
        for (ours, yardstick, target) in [
            (SAME_CLIENT, ONE_THREAD, target),
            (OWN_CLIENTS, ONE_THREAD, None),
            // They share nothing, so any cost above that of one thread is due to the machine.
            (OWN_USAGES, ONE_THREAD, None),
            (SAME_CLIENT, OWN_USAGES, target),
        ] {
            let name = format!("{what}: {ours} / {yardstick}");
            table.compare(&name, NANOSECONDS, figures, [ours, yardstick], target);
        }
    };
    rows(ALONE, &threads(effort, count, alone), Some(1.4));
    for (what, with_usage, with_throttle) in
        [(FULL, true, true), (USAGE, true, false), (THROTTLE, false, true), (LAYER, false, false)]
    {
        let worker = |place, number| through(with_usage, with_throttle, place, number);
        rows(what, &threads(effort, count, worker), None);
    }
    table.print(&format!("a request in each of several threads, keys: {size}"));
}

fn serving<S>(count: u32, mut requests: Requests, mut service: S) -> Box<dyn FnMut() + Send>
where
    S: Service<Request<Text>, Error: Debug> + Send + 'static,
{
    Box::new(move || {
        time(count, &mut requests, |request| answer(&mut service, request));
    })
}

fn threads<W: FnMut() + Send>(
    effort: Effort,
    count: u32,
    worker: impl Fn(usize, u64) -> W,
) -> Figures {
    let mut subjects = Rounds::new();
    for (name, workers) in [
        (ONE_THREAD, &[(0, 0)][..]),
        (SAME_CLIENT, &[(0, 0), (0, 0)]),
        (OWN_CLIENTS, &[(0, 0), (0, 1)]),
        (OWN_USAGES, &[(0, 0), (1, 0)]),
    ] {
        let mut workers: Vec<_> =
            workers.iter().map(|(place, number)| worker(*place, *number)).collect();
        subjects.add(name, move || together(&mut workers) / f64::from(count));
    }
    subjects.run(rounds(effort))
}

/// Counts the outcome of one request many times, which measures usage alone.
fn counting_alone(
    store: &MemoryStore,
    usage: &Usage,
    number: u64,
    count: u32,
) -> impl FnMut() + use<> {
    let usage = usage.clone();
    let auth = Authenticator::new(store.clone()).add_observer(move |outcome: &Outcome<'_>| {
        for _ in 0..count {
            usage.observe(black_box(outcome));
        }
    });
    move || drop(auth.verify_key(&key(number)))
}

fn memory(size: u32) {
    let auth = Authenticator::new(store(size.into()));
    allocator::start();
    let before = allocator::in_use();
    let usage = Usage::new();
    let auth = auth.add_observer(usage.clone());
    let start = processor_time();
    for number in 0..size.into() {
        assert!(auth.verify_key(&key(number)).is_ok());
    }
    let first = (processor_time() - start) / f64::from(size);
    let bytes = (allocator::in_use() - before) / f64::from(size);
    let start = processor_time();
    black_box(usage.top(10));
    let top = (processor_time() - start) / f64::from(size);
    let start = processor_time();
    black_box(usage.snapshot());
    let snapshot = (processor_time() - start) / f64::from(size);
    let mut table = Table::new(&["what", "ours", "target", "met"]);
    let target = Some(BYTES_PER_KEY);
    let cells = ["memory", &BYTES.show(bytes), &BYTES.show(BYTES_PER_KEY), &met(bytes, target)];
    table.row(cells.map(str::to_owned));
    for (what, time) in [("its first request", first), ("`top`", top), ("`snapshot`", snapshot)] {
        table.row([what, &NANOSECONDS.show(time), "", ""].map(str::to_owned));
    }
    table.print(&format!("each of {size} keys, a client each"));
}

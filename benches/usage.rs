//! What it costs to know who is calling, and to hold each to its quota.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and short.

use std::fmt::Debug;
use std::hint::black_box;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use keygate::observe::Observe as _;
use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Outcome, Throttle, ThrottleLayer, Usage};
use tower::{Layer as _, Service};

use support::by_hand::counted_and_limited;
use support::clock::processor_time;
use support::counting::{self, Counting};
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
    pub(crate) mod by_hand;
    pub(crate) mod clock;
    pub(crate) mod counting;
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

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Text = Full<Bytes>;

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);
const BYTES: Unit = Unit("B", 1.0, 0);

fn main() {
    let effort = Effort::of_this_run();
    for size in effort.pick(&[10][..], &[1, 1_000], &[1, 1_000, 100_000]) {
        one_request(effort, *size);
    }
    two_threads(effort, effort.pick(10, 1_000, 1_000));
    memory(effort.pick(1_000, 100_000, 100_000));
}

fn rounds(effort: Effort) -> usize {
    effort.pick(1, 7, 31)
}

/// The most that both may add to a request, in nanoseconds.
const BOTH: f64 = 120.0;
/// The most that a key which is counted may take, in bytes.
const BYTES_PER_KEY: f64 = 1024.0;

const LAYER: &str = "layer";
const IDLE: &str = "layer with an observer that does nothing";
const USAGE: &str = "layer with usage";
const THROTTLE: &str = "layer with throttle, without fields";
const FULL: &str = "layer with usage and throttle, without fields";
const FIELDS: &str = "layer with usage and throttle";
const BY_HAND: &str = "layer with governor and a map of counts, by hand";
const ALONE: &str = "usage alone";

fn one_request(effort: Effort, size: u64) {
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

    let mut table = Table::new(&["what", "ours", "yardstick", "difference", "target", "met"]);
    let mut row =
        |ours, yardstick, target| difference(&mut table, &figures, [ours, yardstick], target);
    row(FULL, LAYER, Some(BOTH));
    row(BY_HAND, LAYER, None);
    row(FIELDS, FULL, None);
    row(IDLE, LAYER, None);
    row(USAGE, LAYER, None);
    row(THROTTLE, LAYER, None);
    table.print(&format!("one request, over one without; keys: {size}"));
}

fn layer(store: &MemoryStore, usage: Option<&Usage>) -> ApiKeyLayer<MemoryStore> {
    let auth = Authenticator::new(store.clone());
    let auth = match usage {
        Some(usage) => auth.add_observer(usage.clone()),
        None => auth,
    };
    ApiKeyLayer::from(auth).without_cache_fields()
}

/// Nobody gets to its limit, and everybody has one.
fn throttle() -> ThrottleLayer {
    let quota = "1000000000/second".parse().expect("it is a quota");
    ThrottleLayer::new(Throttle::new().with_default_quota(quota))
}

fn difference(
    table: &mut Table,
    figures: &Figures,
    [ours, yardstick]: [&str; 2],
    target: Option<f64>,
) {
    let medians = [ours, yardstick].map(|name| figures.median(name));
    let more = medians[0] - medians[1];
    let cells = [format!("{ours} / {yardstick}")].into_iter();
    let cells = cells.chain(medians.map(|median| NANOSECONDS.show(median)));
    let shown = target.map_or_else(String::new, |target| NANOSECONDS.show(target));
    table.row(cells.chain([NANOSECONDS.show(more), shown, met(more, target)]));
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
            // They share nothing: what they cost more than one thread is the machine's own.
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

/// Counts the outcome of one request many times over: nothing but usage itself.
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
    counting::start();
    let before = counting::in_use();
    let usage = Usage::new();
    let auth = auth.add_observer(usage.clone());
    let start = processor_time();
    for number in 0..size.into() {
        assert!(auth.verify_key(&key(number)).is_ok());
    }
    let first = (processor_time() - start) / f64::from(size);
    let bytes = (counting::in_use() - before) / f64::from(size);
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

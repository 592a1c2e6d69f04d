//! Compares the cost of a request with that of hand-written checks, as ratios measured in the same run.
//!
//! `KEYGATE_BENCH_QUICK=1` runs fewer and shorter rounds.

use std::error::Error;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::Full;
use keygate::{ApiKeyLayer, MemoryStore, verify};
use tower::Layer as _;

use support::child;
use support::dead::dead_keys;
use support::drive::{Handler, Requests, answer, calling, through, time};
use support::effort::Effort;
use support::exchange::Exchange;
use support::figures::Figures;
use support::headers::of_headers;
use support::limit::{BareLimit, Limit};
use support::plain;
use support::probes::Probes;
use support::restricted::{self, restricted};
use support::rounds::Rounds;
use support::stores::store;
use support::table::{Table, Unit};
use support::threads::together;

mod support {
    pub(crate) mod child;
    pub(crate) mod clock;
    pub(crate) mod dead;
    pub(crate) mod differences;
    pub(crate) mod drive;
    pub(crate) mod effort;
    pub(crate) mod exchange;
    pub(crate) mod figures;
    pub(crate) mod headers;
    pub(crate) mod keys;
    pub(crate) mod limit;
    pub(crate) mod plain;
    pub(crate) mod probes;
    pub(crate) mod restricted;
    pub(crate) mod rounds;
    pub(crate) mod stores;
    pub(crate) mod table;
    pub(crate) mod threads;
}

/// The body of requests and responses, except in axum's subjects.
type Text = Full<Bytes>;

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);

fn main() -> Result<(), Box<dyn Error>> {
    if let Some([subject, of]) = child::task() {
        return restricted::measure(&subject, &of);
    }
    let effort = Effort::of_this_run();
    for size in effort.pick(&[1, 10][..], &[1_000], &[1, 1_000, 100_000]) {
        one_request(effort, *size);
        restricted(effort, *size)?;
        dead_keys(effort, *size);
    }
    let size = effort.pick(10, 1_000, 1_000);
    two_threads(effort, size);
    whole_exchange(effort, size)
}

fn rounds(effort: Effort) -> usize {
    effort.pick(1, 7, 31)
}

const LIMIT: &str = "the limit, written by hand without a layer";
const LAYER: &str = "layer, without cache fields";
const CACHE_FIELDS: &str = "layer";
const WRONG: &str = "wrong key";
const MISSING: &str = "missing key";
const TOWER_HTTP: &str = "tower-http, HashMap and ==";
const VERIFY: &str = "verify";
const BARE: &str = "header, SHA-256, one probe, compare";
const AXUM_BODIES: &str = "layer, without cache fields, axum's bodies";
const FROM_FN: &str = "axum from_fn, HashMap";
const ROUTER: &str = "layer, without cache fields, in a Router";
const FROM_FN_ROUTER: &str = "axum from_fn, HashMap, in a Router";

fn one_request(effort: Effort, size: u64) {
    let count = effort.pick(100, 20_000, 100_000);
    let store = store(size);
    let plain = plain::keys(size);
    let picks = effort.pick(100, 1 << 16, 1 << 16);
    let known = Probes::picks(size, picks);
    let known_keys = Requests::with_keys(known.clone());
    let unknown_keys = Requests::with_keys(Probes::new(size..size + picks));

    let mut subjects = Rounds::new();
    let (limit, mut handler) = (Limit::new(size), Handler::<Text>::new());
    let limit = move |request: Request<Text>| limit.answer(&mut handler, request);
    subjects.add(LIMIT, calling(count, known_keys.clone(), limit));

    let requests = [(LAYER, &known_keys), (WRONG, &unknown_keys), (MISSING, &Requests::default())];
    for (name, requests) in requests {
        let service = bare_layer(&store).layer(Handler::<Text>::new());
        subjects.add(name, through::<_, Text>(count, requests.clone(), service));
    }
    let service = ApiKeyLayer::new(store.clone()).layer(Handler::<Text>::new());
    subjects.add(CACHE_FIELDS, through::<_, Text>(count, known_keys.clone(), service));
    let service = plain::tower_http::<Text>(&plain);
    subjects.add(TOWER_HTTP, through(count, known_keys.clone(), service));

    let service = bare_layer(&store).layer(Handler::<Body>::new());
    subjects.add(AXUM_BODIES, through::<_, Body>(count, known_keys.clone(), service));
    subjects.add(FROM_FN, through::<_, Body>(count, known_keys.clone(), plain::axum(&plain)));
    let router = plain::router().layer(bare_layer(&store));
    subjects.add(ROUTER, through::<_, Body>(count, known_keys.clone(), router));
    let router = plain::axum_router(&plain);
    subjects.add(FROM_FN_ROUTER, through::<_, Body>(count, known_keys.clone(), router));

    let ours = move |headers: &HeaderMap| verify(&store, headers);
    subjects.add(VERIFY, of_headers(count, known.clone(), ours));
    let bare = BareLimit::new(size);
    subjects.add(BARE, of_headers(count, known, move |headers| bare.verify(headers)));

    print_request(size, &subjects.run(rounds(effort)));
}

fn print_request(size: u64, figures: &Figures) {
    let mut table = Table::of_ratios();
    let mut row =
        |what, subjects, target| table.compare(what, NANOSECONDS, figures, subjects, target);
    row("layer / the limit", [LAYER, LIMIT], Some(1.1));
    row("layer / tower-http with HashMap and ==", [LAYER, TOWER_HTTP], Some(1.45));
    row("layer / axum from_fn with HashMap, as services", [AXUM_BODIES, FROM_FN], Some(0.85));
    row("the same two, in an axum Router", [ROUTER, FROM_FN_ROUTER], None);
    row("verify / header + SHA-256 + probe + compare", [VERIFY, BARE], Some(1.3));
    row("wrong key / valid", [WRONG, LAYER], Some(1.3));
    row("missing key / valid", [MISSING, LAYER], Some(0.95));
    row("layer with cache fields / without", [CACHE_FIELDS, LAYER], None);
    table.print(&format!("one request, keys: {size}"));
}

/// The layer without cache headers, which the hand-written checks do not add either. Their cost has its own row.
fn bare_layer(store: &MemoryStore) -> ApiKeyLayer<MemoryStore> {
    ApiKeyLayer::new(store.clone()).without_cache_fields()
}

const ONE_THREAD: &str = "one thread";
const SAME_CLIENT: &str = "two threads, the same client";
const OWN_CLIENTS: &str = "two threads, a client each";
const OWN_STORES: &str = "two threads, a store each";

fn two_threads(effort: Effort, size: u64) {
    let count = effort.pick(100, 50_000, 200_000);
    let layer = bare_layer(&store(size));
    let worker = |layer: &ApiKeyLayer<MemoryStore>, number| {
        let mut requests = Requests::with_keys(Probes::new([number]));
        let mut service = layer.layer(Handler::<Text>::new());
        move || {
            time::<Text, _>(count, &mut requests, |request| answer(&mut service, request));
        }
    };
    let mut subjects = Rounds::new();
    let mut add = |name, mut workers: Vec<_>| {
        subjects.add(name, move || together(&mut workers) / f64::from(count));
    };
    add(ONE_THREAD, vec![worker(&layer, 0)]);
    add(SAME_CLIENT, vec![worker(&layer, 0), worker(&layer, 0)]);
    add(OWN_CLIENTS, vec![worker(&layer, 0), worker(&layer, 1)]);
    // Threads with separate stores share nothing, so any cost above that of one thread is due to the machine.
    let stores = [store(size), store(size)];
    add(OWN_STORES, stores.iter().map(|store| worker(&bare_layer(store), 0)).collect());
    let figures = subjects.run(rounds(effort));

    let mut table = Table::of_ratios();
    let mut row = |ours, yardstick, target| {
        let what = format!("{ours} / {yardstick}");
        table.compare(&what, NANOSECONDS, &figures, [ours, yardstick], target);
    };
    row(SAME_CLIENT, ONE_THREAD, Some(1.4));
    row(OWN_CLIENTS, ONE_THREAD, None);
    row(OWN_STORES, ONE_THREAD, None);
    row(SAME_CLIENT, OWN_STORES, None);
    table.print(&format!("a request in each of several threads, keys: {size}"));
}

const WITHOUT: &str = "without a layer";

fn whole_exchange(effort: Effort, size: u64) -> Result<(), Box<dyn Error>> {
    let count = effort.pick(20, 2_000, 10_000);
    let store = store(size);
    let probes = || Probes::picks(size, 1_000);
    let handler = Handler::<Text>::new();
    let mut plain = Exchange::new(handler.clone(), probes())?;
    let mut bare = Exchange::new(bare_layer(&store).layer(handler.clone()), probes())?;
    let mut full = Exchange::new(ApiKeyLayer::new(store).layer(handler), probes())?;
    let mut subjects = Rounds::new();
    for (name, exchange) in [(WITHOUT, &mut plain), (LAYER, &mut bare), (CACHE_FIELDS, &mut full)] {
        subjects.add(name, move || exchange.time(count).expect("the exchange completes"));
    }
    let figures = subjects.run(rounds(effort));

    let mut table = Table::of_ratios();
    for name in [CACHE_FIELDS, LAYER] {
        table.compare(name, NANOSECONDS, &figures, [name, WITHOUT], Some(1.3));
    }
    table.print(&format!("a whole HTTP exchange in memory / {WITHOUT}, keys: {size}"));
    Ok(())
}

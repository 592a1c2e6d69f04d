use bytes::Bytes;
use http_body_util::Full;
use keygate::store::Replica;
use keygate::{ApiKeyLayer, KeyStore};
use tokio::runtime::Runtime;
use tower::Layer as _;

use super::servers::Postgres;
use super::support::child;
use super::support::drive::{Handler, Requests, through};
use super::support::effort::Effort;
use super::support::figures::Figures;
use super::support::probes::Probes;
use super::support::rounds::Rounds;
use super::support::stores::store;
use super::support::table::{Table, Unit};
use super::{Failure, MEMORY, REPLICA};

pub(crate) const TASK: &str = "requests";

const SUBJECTS: [&str; 4] = [REPLICA, MEMORY, "unknown, replica", "unknown, MemoryStore"];

const NANOSECONDS: Unit = Unit("ns", 1.0, 0);

/// Measures a replica and a store in one process, and repeats this in several processes: their places in memory are
/// decided when they are loaded, and change the ratio by more than the differences between rounds. No process has
/// loaded anything before, since freed memory would be reused in fragments.
pub(crate) fn compare(effort: Effort, keys: u64, server: &Postgres) -> Result<(), Failure> {
    let of = format!("{} {}", effort.pick(1, 9, 9), server.url());
    let mut figures = Figures::default();
    for _ in 0..effort.pick(1, 5, 11) {
        let medians = child::run::<4>([TASK, &of])?;
        for (subject, median) in SUBJECTS.into_iter().zip(medians) {
            figures.add(subject, median);
        }
    }
    let target = (effort != Effort::Smoke).then_some(1.05);
    let [replica, memory, unknown_replica, unknown_memory] = SUBJECTS;
    let mut table = Table::of_ratios();
    table.compare("a valid key", NANOSECONDS, &figures, [replica, memory], target);
    let unknown = [unknown_replica, unknown_memory];
    table.compare("an unknown key", NANOSECONDS, &figures, unknown, None);
    table.print(&format!("a request with {keys} keys: replica / MemoryStore"));
    Ok(())
}

pub(crate) fn measure(of: &str) -> Result<(), Failure> {
    let (rounds, url) = of.split_once(' ').ok_or("another task")?;
    let runtime = Runtime::new()?;
    let replica = runtime.block_on(Replica::connect(url))?;
    let keys = replica.health().keys as u64;
    let memory = store(keys);
    let known = Requests::with_keys(Probes::picks(keys, PROBES));
    let unknown = Requests::with_keys(Probes::new(keys..keys + PROBES));
    let mut turns = Rounds::new();
    turns.add(SUBJECTS[0], subject(replica.clone(), known.clone()));
    turns.add(SUBJECTS[1], subject(memory.clone(), known));
    turns.add(SUBJECTS[2], subject(replica, unknown.clone()));
    turns.add(SUBJECTS[3], subject(memory, unknown));
    let figures = turns.run(rounds.parse()?);
    child::report(&SUBJECTS.map(|subject| figures.median(subject)));
    Ok(())
}

const REQUESTS: u32 = 200_000;

const PROBES: u64 = 1 << 18;

fn subject(store: impl KeyStore + Clone, sent: Requests) -> impl FnMut() -> f64 {
    let layer = ApiKeyLayer::new(store).without_cache_fields();
    through::<_, Full<Bytes>>(REQUESTS, sent, layer.layer(Handler::<Full<Bytes>>::new()))
}

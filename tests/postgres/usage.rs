//! Usage in PostgreSQL.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, thread};

use keygate::manage::{KeyInfo, LastUsed};
use keygate::observe::{UsageBucket, UsageHistory, UsageQuery, UsageWriter};
use keygate::store::PostgresStore;

use crate::client_lists;
use crate::counted::{Counted, START, at, id, kept, requests};
use crate::servers::{Database, Postgres, Wire};
use crate::{this_program, watching};

async fn history(database: &Database<'_>) -> UsageHistory {
    PostgresStore::migrate(&database.url()).await.unwrap().usage_history()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_all_instances_are_added_up() {
    let database = Postgres::shared().database();
    let history = history(&database).await;
    let instances = [(); 3].map(|()| Counted::new());
    let writers: Vec<_> = instances
        .iter()
        .map(|counted| UsageWriter::start(&counted.usage, &history).unwrap())
        .collect();
    for (round, minute) in (0..20).enumerate() {
        for counted in &instances {
            counted.clock.set(at(60 * minute));
            let keys = if round % 2 == 0 { ["a 1", "b 1", "a 2"] } else { ["a 2", "a 1", "b 1"] };
            for key in keys {
                counted.calls(key, 2);
            }
            counted.calls("a expired", 1);
        }
        let flushes = writers.iter().map(UsageWriter::flush);
        let [one, two, three] = flushes.collect::<Vec<_>>().try_into().ok().unwrap();
        let (one, two, three) = tokio::join!(one, two, three);
        one.and(two).and(three).unwrap();
    }
    for writer in writers {
        writer.stop().await.unwrap();
    }
    let line = |client: &str, key: &str, rest: &str| format!("{client} {} {rest}", id(key));
    let mut expected = vec![
        line("A", "a 1", "120 {}"),
        line("A", "a 2", "120 {}"),
        line("A", "a expired", "0 {\"expired\": 60}"),
        line("B", "b 1", "120 {}"),
    ];
    expected.sort();
    assert_eq!(kept(&history).await, expected);
    let of_b = UsageQuery::new().for_client("B").since(at(600)).until(at(660));
    let points = history.series(&of_b, UsageBucket::Minute).await.unwrap();
    let points: Vec<_> = points.iter().map(|point| (point.start, point.totals.requests)).collect();
    let minute = |number: u64| at(60 * number) - Duration::from_secs(30);
    assert_eq!(points, [(minute(10), 6), (minute(11), 6)]);
    let hours = history.series(&UsageQuery::new(), UsageBucket::Hour).await.unwrap();
    assert_eq!((hours.len(), hours[0].totals.requests), (1, 360));
    let mut key = KeyInfo::new(id("b 1"), "B");
    history.last_uses(None).await.unwrap().add_to([&mut key]);
    assert_eq!(key.last_used, LastUsed::At(minute(19)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commit_without_a_response_is_counted_once() {
    let server = Postgres::shared();
    let database = server.database();
    history(&database).await;
    let wire = Wire::to(server.port());
    let store = PostgresStore::connect(&database.url_at(wire.port())).await.unwrap();
    let history = store.usage_history();
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 5);
    wire.cut_after("Q\0\0\0\x0bcommit\0");
    let error = writer.flush().await.unwrap_err();
    assert!(error.to_string().contains("may have taken effect"), "{error}");
    assert_eq!(database.psql("select sum(count) from keygate.usage_counts"), "5");
    counted.calls("a 1", 2);
    writer.flush().await.unwrap();
    assert_eq!(requests(&history).await, 7);
    assert_eq!(database.psql("select count(*) from keygate.usage_batches"), "2");
    writer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_server_delays_no_request_and_loses_no_count() {
    let server = Postgres::start();
    let database = server.database();
    let history = history(&database).await;
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 1);
    writer.flush().await.unwrap();
    server.stop();
    counted.calls("a 1", 2);
    let mut flush = Box::pin(writer.flush());
    let hangs = tokio::time::timeout(Duration::from_millis(300), &mut flush).await;
    assert!(hangs.is_err());
    let since = Instant::now();
    counted.calls("a 1", 10_000);
    assert!(since.elapsed() < Duration::from_secs(5));
    server.resume();
    flush.as_mut().await.unwrap();
    drop(flush);
    writer.stop().await.unwrap();
    assert_eq!(requests(&history).await, 10_003);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failure_is_reported_until_it_ends_and_loses_no_count() {
    let server = Postgres::start();
    let database = server.database();
    let history = history(&database).await;
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    server.kill();
    counted.calls("a 1", 3);
    writer.flush().await.unwrap_err();
    let health = writer.health();
    assert_eq!((health.failing_since, health.last_written), (Some(at(0)), None));
    server.restart();
    server.restart_as_standby();
    counted.calls("a 1", 3);
    let error = writer.flush().await.unwrap_err();
    assert!(error.to_string().contains("is a standby"), "{error}");
    assert_eq!(server.psql("select pg_promote()"), "t");
    writer.flush().await.unwrap();
    assert!(writer.health().error.is_none());
    writer.stop().await.unwrap();
    assert_eq!(requests(&history).await, 6);
}

const URL: &str = "KEYGATE_TEST_USAGE_URL";

/// Writes a batch, counts more, and waits to be killed.
async fn count_until_killed(url: &str) -> ! {
    let history = UsageHistory::connect(url).await.unwrap();
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    for _ in 0..5 {
        counted.calls("a 1", 100);
        writer.flush().await.unwrap();
    }
    counted.calls("a 1", 7);
    println!("\ncounted");
    loop {
        thread::park();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_instance_loses_only_its_last_batch() {
    if let Ok(url) = env::var(URL) {
        count_until_killed(&url).await;
    }
    let database = Postgres::shared().database();
    let history = history(&database).await;
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("b 1", 1);
    let mut killed =
        this_program::command(module_path!(), "killed_instance_loses_only_its_last_batch")
            .env(URL, database.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "counted"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    writer.stop().await.unwrap();
    let sums = history.top(&UsageQuery::new(), 9).await.unwrap();
    let sums: Vec<_> =
        sums.iter().map(|client| (&*client.client, client.totals.requests)).collect();
    // Seven requests were not written when it was killed, unless ten seconds had passed.
    assert!(matches!(sums[..], [("A", 500 | 507), ("B", 1)]), "{sums:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roll_up_by_several_instances_loses_nothing() {
    let database = Postgres::shared().database();
    let history = history(&database).await;
    let first = START / 3_600 * 3_600;
    database.psql(&format!(
        "insert into keygate.usage_counts select 60, {first} + 60 * m, 'A', k::text, 'admitted', 1 \
         from generate_series(0, 179) m, generate_series(1, 20) k"
    ));
    let instances = [(); 3].map(|()| Counted::new());
    let writers: Vec<_> = instances
        .iter()
        .map(|counted| UsageWriter::start(&counted.usage, &history).unwrap())
        .collect();
    for hour in 24..30 {
        for counted in &instances {
            counted.clock.set(at(3_600 * hour));
            counted.calls("b 1", 1);
        }
        let flushes = writers.iter().map(UsageWriter::flush);
        let [one, two, three] = flushes.collect::<Vec<_>>().try_into().ok().unwrap();
        let (one, two, three) = tokio::join!(one, two, three);
        one.and(two).and(three).unwrap();
    }
    for writer in writers {
        writer.stop().await.unwrap();
    }
    let kept = database.psql(
        "select seconds, count(*), sum(count) from keygate.usage_counts where client = 'A' group by 1",
    );
    assert_eq!(kept, "3600|60|3600");
    let of_b = history.series(&UsageQuery::new().for_client("B"), UsageBucket::Hour).await.unwrap();
    assert_eq!(of_b.iter().map(|point| point.totals.requests).collect::<Vec<_>>(), [3; 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_listed_by_the_last_use_of_any_key() {
    let database = Postgres::shared().database();
    let history = history(&database).await;
    client_lists::by_last_use(&history, "keygate.usage_last", |sql| drop(database.psql(sql))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_by_client_equals_the_series_of_each() {
    let database = Postgres::shared().database();
    let history = history(&database).await;
    let run = |sql: &str| drop(database.psql(sql));
    client_lists::series_of_some(&history, "keygate.usage_counts", run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_last_use_is_known_after_the_writer_stopped() {
    let database = Postgres::shared().database();
    watching::nothing_is_known_after_the_writer_stopped(history(&database).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_may_have_been_used_in_a_gap() {
    let database = Postgres::shared().database();
    watching::key_may_have_been_used_in_a_gap(history(&database).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_use_that_was_removed_is_not_never() {
    let database = Postgres::shared().database();
    let set_until = |until| {
        database.psql(&format!("update keygate.usage_watch set until = {until}"));
    };
    watching::removed_last_use_is_not_never(history(&database).await, set_until).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_batch_ends_the_watch() {
    let database = Postgres::shared().database();
    let history = history(&database).await;
    let set_broken = |is_broken| {
        let (from, to) = if is_broken { ("counts", "away") } else { ("away", "counts") };
        database.psql(&format!("alter table keygate.usage_{from} rename to usage_{to}"));
    };
    watching::dropped_batch_ends_the_watch(history, set_broken).await;
}

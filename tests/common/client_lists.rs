//! Lists of clients by their usage, in a history whose rows were written by hand.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::observe::{ClientLastUse, ClientSeries, UsageBucket, UsageHistory, UsageQuery};

/// The first minute with a use.
const FIRST: u64 = 1_800_000_000;

fn minute(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(FIRST + 60 * number)
}

/// The minutes in which the keys of each client were last used. One client has more keys than one statement reads.
fn uses() -> BTreeMap<String, Vec<u64>> {
    let clients = (0..40_u64).map(|client| {
        let uses = (0..=client % 5).map(|key| 500 + (client * 7 + key * 13) % 30).collect();
        (format!("App {client}"), uses)
    });
    let many = ("Many keys".to_owned(), (0..900).collect());
    clients.chain([many, ("quote's \"\\".to_owned(), vec![510])]).collect()
}

fn literal(text: &str) -> String {
    text.replace('\'', "''")
}

/// Lists all clients in pages of several lengths. `table` is the table of last uses.
pub(crate) async fn by_last_use(history: &UsageHistory, table: &str, run: impl Fn(&str)) {
    assert_eq!(history.clients_by_last_use(9, None).await.unwrap(), []);
    let uses = uses();
    let rows = uses.iter().flat_map(|(client, minutes)| {
        minutes.iter().enumerate().map(move |(key, minute)| {
            format!("('{}', '{key:016x}', {})", literal(client), FIRST + 60 * minute)
        })
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    run(&format!("insert into {table} (client, key_id, last_used) values {rows};"));

    let last = |(client, minutes): (&String, &Vec<u64>)| {
        ClientLastUse::new(client, minute(*minutes.iter().max().unwrap()))
    };
    let by_name: Vec<_> = uses.iter().map(last).collect();
    let mut expected = by_name.clone();
    expected.sort_by(|one, other| (other.time, &other.client).cmp(&(one.time, &one.client)));
    for limit in [1, 7, 42, 1_000] {
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = history.clients_by_last_use(limit, found.last()).await.unwrap();
            let is_last = page.len() < limit;
            found.extend(page);
            pages += 1;
            assert!(pages < 50, "with the limit {limit}");
            if is_last {
                break;
            }
        }
        assert_eq!(found, expected, "with the limit {limit}");
    }

    let some = by_name.iter().step_by(5).cloned().collect::<Vec<_>>();
    let names = some.iter().map(|client| &*client.client).chain(["nobody", "a\0b"]);
    assert_eq!(history.last_uses_of(names).await.unwrap(), some);
    assert_eq!(history.last_uses_of([""; 0]).await.unwrap(), []);
}

/// Sums minutes, hours and days of some clients. `table` is the table of counts.
pub(crate) async fn series_of_some(history: &UsageHistory, table: &str, run: impl Fn(&str)) {
    let hour = FIRST / 3_600 * 3_600;
    let mut rows = Vec::new();
    for client in 0..20_u64 {
        for (seconds, starts) in [(60, 3_600 * 3), (3_600, 0), (86_400, 0)] {
            for number in 0..4 {
                let start =
                    (hour + starts) / seconds * seconds - number * seconds * (1 + client % 2);
                for (outcome, count) in [("admitted", client + 1), ("expired", 2)] {
                    let key = format!("{client:016x}");
                    rows.push(format!(
                        "({seconds}, {start}, 'App {client}', '{key}', '{outcome}', {count})"
                    ));
                }
            }
        }
    }
    let rows = rows.join(", ");
    run(&format!(
        "insert into {table} (seconds, start, client, key_id, outcome, count) values {rows};"
    ));

    let since = UNIX_EPOCH + Duration::from_secs(hour - 2 * 3_600);
    for query in
        [UsageQuery::new(), UsageQuery::new().since(since).until(since + 3 * 3_600 * SECOND)]
    {
        for bucket in [UsageBucket::Minute, UsageBucket::Hour, UsageBucket::Day] {
            // Without names, the index of clients is not used.
            let all = history.series_by_client(&query, bucket).await.unwrap();
            assert_eq!(all.len(), 20);
            let names = ["App 2", "nobody", "App 1", "App 10", "a\0b"];
            let is_named = |series: &&ClientSeries| names.contains(&&*series.client);
            let expected: Vec<_> = all.iter().filter(is_named).cloned().collect();
            assert_eq!(expected.len(), 3);
            let some = query.clone().for_clients(names);
            let found = history.series_by_client(&some, bucket).await.unwrap();
            assert_eq!(found, expected, "{bucket:?}");
            let one = query.clone().for_client("App 10");
            let points = history.series(&one, bucket).await.unwrap();
            assert_eq!(points, expected[1].points, "{bucket:?}");

            let requests = |points: &[keygate::observe::UsagePoint]| {
                points.iter().map(|point| point.totals.requests).sum::<u64>()
            };
            let sum = all.iter().map(|client| requests(&client.points)).sum::<u64>();
            assert_eq!(requests(&history.series(&query, bucket).await.unwrap()), sum);
        }
    }
    let nobody = UsageQuery::new().for_clients([""; 0]);
    assert_eq!(history.series_by_client(&nobody, UsageBucket::Day).await.unwrap(), []);
    let top = history.top(&UsageQuery::new().for_clients(["App 3", "App 4"]), 9).await.unwrap();
    let top: Vec<_> = top.iter().map(|client| &*client.client).collect();
    assert_eq!(top, ["App 4", "App 3"]);
}

const SECOND: Duration = Duration::from_secs(1);

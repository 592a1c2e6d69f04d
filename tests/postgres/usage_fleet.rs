//! Usage of three processes on one server, by the real clock: one is killed, and one loses the response to a commit.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead as _, BufReader, Read as _, stdin};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keygate::observe::{UsageHistory, UsageQuery, UsageWriter};
use keygate::store::PostgresStore;
use keygate::{Authenticator, MemoryStore, Usage};

use crate::servers::{Database, Postgres, Wire};
use crate::this_program;

const TEST: &str = "killed_instance_of_three_under_load_loses_one_batch";
const URL: &str = "KEYGATE_TEST_FLEET_URL";
const CLIENT: &str = "KEYGATE_TEST_FLEET_CLIENT";

/// The longest time until each instance has written two batches.
const DEADLINE: Duration = Duration::from_secs(90);

/// Serves requests of one client per instance and of one that all instances share, until its input ends. Many
/// times a second, prints the time in milliseconds and the number of admitted requests of each client.
async fn instance(url: &str, client: &str) {
    let keys = ["All", client].map(|client| format!("a key of {client} that is long enough"));
    let clients = keys.iter().zip(["All", client]);
    let usage = Usage::new();
    let auth = Authenticator::new(MemoryStore::from_keys(clients).unwrap());
    let auth = auth.add_observer(usage.clone());
    let history = UsageHistory::connect(url).await.unwrap();
    let writer = UsageWriter::start(&usage, &history).unwrap();
    let input = thread::spawn(|| stdin().read_to_end(&mut Vec::new()));
    let mut admitted = 0;
    while !input.is_finished() {
        for _ in 0..500 {
            for key in &keys {
                auth.verify_key(key.as_bytes()).unwrap();
            }
            admitted += 1;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        println!("\nadmitted {now} {admitted}");
        // Other tests need the processors, too.
        thread::sleep(Duration::from_millis(2));
    }
    writer.stop().await.unwrap();
}

/// A process that runs [`instance`], connected through its own proxy.
struct Instance {
    client: &'static str,
    wire: Wire,
    child: Child,
    input: Option<ChildStdin>,
    samples: Arc<Mutex<Vec<(u64, u64)>>>,
    reading: Option<JoinHandle<()>>,
}

impl Instance {
    fn start(client: &'static str, database: &Database<'_>) -> Self {
        let wire = Wire::to(database.server().port());
        wire.watch("begin isolation level");
        let mut command = this_program::command(module_path!(), TEST);
        command.env(URL, database.url_at(wire.port())).env(CLIENT, client);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let samples = Arc::new(Mutex::new(Vec::new()));
        let (lines, taken) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&samples));
        let reading = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let sample = line.strip_prefix("admitted ").and_then(|line| line.split_once(' '));
                if let Some((time, admitted)) = sample {
                    let sample = (time.parse().unwrap(), admitted.parse().unwrap());
                    taken.lock().unwrap().push(sample);
                }
            }
        });
        let input = child.stdin.take();
        Self { client, wire, child, input, samples, reading: Some(reading) }
    }

    fn end(&mut self, is_killed: bool) {
        if is_killed {
            self.child.kill().unwrap();
        }
        drop(self.input.take());
        assert_eq!(self.child.wait().unwrap().success(), !is_killed, "{}", self.client);
        self.reading.take().unwrap().join().unwrap();
    }

    fn admitted(&self) -> u64 {
        self.samples.lock().unwrap().last().map_or(0, |(_, admitted)| *admitted)
    }

    /// The bounds of the number of requests that were admitted by the start and by the end of this second.
    fn admitted_in(&self, second: u64) -> [u64; 2] {
        let samples = self.samples.lock().unwrap();
        let before = samples.partition_point(|(time, _)| *time < 1_000 * second);
        let after = samples.partition_point(|(time, _)| *time < 1_000 * (second + 1));
        [samples[before - 1].1, samples[after].1]
    }

    /// The seconds between one transaction and the next.
    fn gaps(&self) -> Vec<f64> {
        let times = self.wire.watched();
        times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Waits until this number of instances have written two batches.
fn wait_for(instances: usize, database: &Database<'_>) {
    let start = Instant::now();
    let sql = "select count(*) from \
               (select from keygate.usage_batches group by instance having count(*) >= 2) i";
    while database.psql(sql).parse::<usize>().unwrap() < instances {
        assert!(start.elapsed() < DEADLINE, "too few batches");
        thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_instance_of_three_under_load_loses_one_batch() {
    if let (Ok(url), Ok(client)) = (env::var(URL), env::var(CLIENT)) {
        return instance(&url, &client).await;
    }
    let database = Postgres::shared().database();
    let history = PostgresStore::migrate(&database.url()).await.unwrap().usage_history();
    let mut instances =
        ["Steady", "Cut", "Killed"].map(|client| Instance::start(client, &database));
    let start = Instant::now();
    instances[1].wire.cut_after("Q\0\0\0\x0bcommit\0");

    wait_for(2, &database);
    let killed = &mut instances[2];
    let (since, admitted) = (Instant::now(), killed.admitted());
    // Batches are dated by the second, so the instance must serve beyond the second of its last one.
    while killed.admitted() < admitted + 10_000 || since.elapsed() < Duration::from_secs(3) {
        assert!(since.elapsed() < DEADLINE, "the instance does not serve");
        thread::sleep(Duration::from_millis(10));
    }
    killed.end(true);
    wait_for(3, &database);
    let seconds = start.elapsed().as_secs_f64();
    let gaps = instances.each_ref().map(Instance::gaps);
    instances[0].end(false);
    instances[1].end(false);
    // The others have written since.
    let last_batch = database.psql(
        "select min(at) from (select max(at) as at from keygate.usage_batches group by instance) i",
    );

    let [steady, cut, killed] = &instances;
    let [fewest, most] = killed.admitted_in(last_batch.parse().unwrap());
    let totals = history.top(&UsageQuery::new(), 9).await.unwrap();
    let totals = totals.iter().map(|client| (&*client.client, client.totals.requests));
    let written: BTreeMap<_, _> = totals.collect();
    for (instance, gaps) in instances.iter().zip(&gaps) {
        let Instance { client, .. } = instance;
        println!(
            "{client}: admitted {} of its own, written {}; transactions {gaps:.2?} seconds apart: {:.1} a minute",
            instance.admitted(),
            written[client],
            gaps.iter().map(|_| 60.0).sum::<f64>() / gaps.iter().sum::<f64>(),
        );
    }
    println!("Killed: by its last batch it had admitted {fewest} to {most}");
    println!("All: written {}, in {seconds:.0} s", written["All"]);
    assert_eq!(written["Steady"], steady.admitted());
    assert_eq!(written["Cut"], cut.admitted());
    let of_killed = fewest..=most;
    assert!(of_killed.contains(&written["Killed"]) && killed.admitted() > most);
    let others = steady.admitted() + cut.admitted();
    assert!(of_killed.contains(&(written["All"] - others)));
    // One transaction at each tenth second of the clock. A busy machine begins some of them late.
    assert!(gaps.iter().flatten().all(|gap| *gap > 5.0), "{gaps:?}");
}

//! CPU time of the list of 100,000 clients, sorted by last use, on a key file, SQLite and PostgreSQL.
//!
//! Only the CPU time of this process counts. The wall time also includes PostgreSQL's own work.
//!
//! `KEYGATE_BENCH_QUICK=1` lists only 1,000 clients and sends few requests.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use http::Request;
use http::header::HOST;
use keygate::observe::UsageHistory;
use keygate::store::{PostgresStore, SqliteStore};
use keygate::{ManageKeys, YamlStore};
use keygate_admin::{Admin, AdminUser, Role};
use rustix::time::{ClockId, clock_gettime};
use tower::ServiceExt as _;

use effort::Effort;
use servers::Postgres;

#[path = "../../../benches/support/effort.rs"]
mod effort;
#[path = "../../../tests/servers/mod.rs"]
mod servers;

const ADDRESS: &str = "127.0.0.1:8081";

/// The maximum CPU time of a request, in milliseconds.
const TARGETS: [(&str, f64); 3] = [("key file", 60.0), ("SQLite", 30.0), ("PostgreSQL", 30.0)];
const MAX_BYTES: usize = 60_000;

/// Each client has two keys. The last uses of the clients are a minute apart, and the 50 most recent clients send
/// requests in every minute.
const CLIENTS: &str = "select printf('Client %06d', n) as name, n from numbers";
const NUMBERS: &str = "with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE - 1)";

fn main() -> Result<(), Box<dyn Error>> {
    let (size, requests) = Effort::of_this_run().pick((100, 1), (1_000, 5), (100_000, 200));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(size, requests))
}

async fn run(size: usize, requests: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let history = UsageHistory::in_folder(folder.path()).await?;
    sqlite3(&folder.path().join("usage.db"), &usage("keygate_usage_", size));

    let path = folder.path().join("keys.yml");
    std::fs::write(&path, key_file(size))?;
    let file = YamlStore::open(&path)?;
    let path = folder.path().join("keys.db");
    let sqlite = SqliteStore::migrate(&path).await?;
    sqlite3(&path, &keys(size));
    let server = Postgres::start();
    let postgres = PostgresStore::migrate(&server.url()).await?;
    fill(&server, size);

    let stores: [(Arc<dyn ManageKeys>, UsageHistory); 3] = [
        (Arc::new(file), history.clone()),
        (Arc::new(sqlite), history),
        (Arc::new(postgres.clone()), postgres.usage_history()),
    ];
    println!(
        "{:<12} {:>10} {:>10} {:>10} {:>8}  met",
        "store", "CPU", "at most", "passed", "bytes"
    );
    for ((name, target), (store, usage)) in TARGETS.into_iter().zip(stores) {
        let measured = measure(store, usage, requests).await?;
        let (cpu, passed) = (
            millis(measured.cpu) / f64::from(requests),
            millis(measured.passed) / f64::from(requests),
        );
        let is_met = cpu <= target && measured.bytes <= MAX_BYTES;
        println!(
            "{name:<12} {cpu:>7.1} ms {target:>7.0} ms {passed:>7.1} ms {:>8}  {}",
            measured.bytes,
            if is_met { "yes" } else { "NO" }
        );
    }
    Ok(())
}

struct Measured {
    cpu: Duration,
    passed: Duration,
    bytes: usize,
}

async fn measure(
    store: Arc<dyn ManageKeys>,
    usage: UsageHistory,
    requests: u32,
) -> Result<Measured, Box<dyn Error>> {
    let admin = Admin::new(store).on_loopback(ADDRESS.parse()?)?.with_usage(usage);
    let service = admin.with_user(|_| Some(AdminUser::new("ada", Role::Admin))).build()?;
    let mut bytes = 0;
    let (mut cpu, mut start) = (processor_time(), Instant::now());
    let warm_up = 10;
    for number in 0..warm_up + requests {
        if number == warm_up {
            (cpu, start) = (processor_time(), Instant::now());
        }
        let request =
            Request::get("/clients?sort=used").header(HOST, ADDRESS).body(Body::empty())?;
        let response = service.clone().oneshot(request).await?;
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("Client 000049") && !text.contains("Client 000050"), "{text}");
        bytes = body.len();
    }
    Ok(Measured { cpu: processor_time().saturating_sub(cpu), passed: start.elapsed(), bytes })
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("time passes")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn key_file(size: usize) -> String {
    let mut text = "clients:\n".to_owned();
    for number in 0..size {
        let _ = writeln!(
            text,
            "  Client {number:06}:\n    scopes: [orders:read]\n    quota: 100/minute\n    keys:"
        );
        for key in 0..2 {
            // The first 16 digits are the key ID.
            let id = number * 2 + key + 1;
            let _ = writeln!(text, "      - digest: sha256:{id:016x}{id:048x}");
        }
    }
    text
}

fn keys(size: usize) -> String {
    let sql = format!(
        "insert into keygate_clients (name, scopes, quota) select name, '[\"orders:read\"]', '\"100/minute\"' \
         from ({NUMBERS} {CLIENTS}); \
         insert into keygate_keys (digest, client) select randomblob(32), name from ({NUMBERS} {CLIENTS}), \
         (select 1 union all select 2);"
    );
    sql.replace("SIZE", &size.to_string())
}

/// Returns the statements that fill the usage tables, whose names begin with `prefix`.
fn usage(prefix: &str, size: usize) -> String {
    let now = "cast(strftime('%s', 'now') as integer) / 60 * 60";
    let sql = format!(
        "insert into {prefix}watch values (1, {now} - 864000, {now}); \
         insert into {prefix}last select name, printf('%016x', n * 2 + k), {now} - 60 * (n + 5 * k) \
         from ({NUMBERS} {CLIENTS}), (select 0 as k union all select 1); \
         insert into {prefix}counts select 3600, {now} / 3600 * 3600 - 3600 * h, name, printf('%016x', n * 2), 'admitted', 5 \
         from ({NUMBERS} {CLIENTS}), (select 30 as h union all select 40 union all select 50); \
         insert into {prefix}counts select 60, {now} - 60 * m, name, printf('%016x', n * 2), 'admitted', 7 \
         from ({NUMBERS} {CLIENTS} where n < 50), (with recursive minutes(m) as (select 0 union all \
         select m + 1 from minutes where m < 1439) select m from minutes);"
    );
    sql.replace("SIZE", &size.to_string())
}

fn fill(server: &Postgres, size: usize) {
    let now = "extract(epoch from now())::bigint / 60 * 60";
    let clients = "(select n, 'Client ' || lpad(n::text, 6, '0') as name from generate_series(0, SIZE - 1) n) c";
    for sql in [
        format!(
            "insert into keygate.clients (name, scopes, quota) select name, '{{orders:read}}', '\"100/minute\"' from {clients}"
        ),
        format!(
            "insert into keygate.keys (digest, client) select sha256((n * 2 + k)::text::bytea), name from {clients}, generate_series(0, 1) k"
        ),
        format!("insert into keygate.usage_watch values (1, {now} - 864000, {now})"),
        format!(
            "insert into keygate.usage_last select name, lpad(to_hex(n * 2 + k), 16, '0'), {now} - 60 * (n + 5 * k) from {clients}, generate_series(0, 1) k"
        ),
        format!(
            "insert into keygate.usage_counts select 3600, {now} / 3600 * 3600 - 3600 * h, name, lpad(to_hex(n * 2), 16, '0'), 'admitted', 5 from {clients}, unnest('{{30,40,50}}'::int[]) h"
        ),
        format!(
            "insert into keygate.usage_counts select 60, {now} - 60 * m, name, lpad(to_hex(n * 2), 16, '0'), 'admitted', 7 from {clients}, generate_series(0, 1439) m where n < 50"
        ),
        "analyze".to_owned(),
    ] {
        server.psql(&sql.replace("SIZE", &size.to_string()));
    }
}

fn sqlite3(path: &Path, sql: &str) {
    let mut command = Command::new("sqlite3");
    let child = command.args(["-batch", "-bail"]).arg(path).arg(sql).stdin(Stdio::null()).status();
    assert!(
        child.is_ok_and(|status| status.success()),
        "`sqlite3` is needed: `tests/run` installs it"
    );
}

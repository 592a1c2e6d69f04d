use std::time::Instant;

use http::{HeaderValue, StatusCode};

use crate::fleet::Fleet;
use crate::support::effort::Effort;
use crate::support::figures::part;
use crate::support::table::{Table, met};
use crate::tool::{self, Issued};
use crate::{Failure, MILLISECONDS};

/// The bound for the 99th percentile, in seconds.
const TARGET: f64 = 1.0;

/// Revokes keys one by one: without load, under load, and during an open transaction.
pub(crate) fn one_by_one(fleet: &Fleet, effort: Effort) -> Result<(), Failure> {
    let revokes = effort.pick(2, 20, 100);
    let mut table =
        Table::new(&["refused on all three", "p50", "p90", "p99", "max", "p99 <", "met"]);
    table.row(cells("without load", &series(fleet, revokes)?));
    let load = fleet.load()?;
    table.row(cells("under load", &series(fleet, revokes)?));
    let other = format!("update keygate.clients set metadata = '{{}}' where name = '{OTHER}'");
    let open = fleet.begin(&other)?;
    table.row(cells("  beside a transaction that stays open", &series(fleet, revokes)?));
    open.commit()?;
    table.print(&format!("{revokes} keys revoked by the command line, from the command's end"));
    load.end()
}

/// Revokes keys while an open transaction has changed a client.
const OTHER: &str = "Client 0";

fn series(fleet: &Fleet, revokes: usize) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    for _ in 0..revokes {
        let (key, value) = issue(fleet)?;
        let ran = tool::revoke(fleet.server.url(), &key)?;
        let refused = fleet.wait_for(StatusCode::UNAUTHORIZED, &value)?;
        times.push((refused - ran.end).as_secs_f64());
    }
    Ok(times)
}

/// Issues a key, and waits until all instances know it.
pub(crate) fn issue(fleet: &Fleet) -> Result<(Issued, HeaderValue), Failure> {
    let (key, _) = tool::issue(fleet.server.url(), &fleet.client())?;
    let value = key.value()?;
    fleet.wait_for(StatusCode::OK, &value)?;
    Ok((key, value))
}

/// Commits two transactions in the reverse order of their start.
pub(crate) fn out_of_order(fleet: &Fleet) -> Result<(), Failure> {
    let load = fleet.load()?;
    let [(early, early_value), (late, late_value)] = [issue(fleet)?, issue(fleet)?];
    let open = fleet.begin(&revoke(&late))?;
    fleet.sql(&revoke(&early))?;
    let ended = Instant::now();
    let first = fleet.wait_for(StatusCode::UNAUTHORIZED, &early_value)? - ended;
    let still = fleet.send(&late_value)?;
    if still != [StatusCode::OK; 3] {
        return Err(format!("an uncommitted change has an effect: {still:?}").into());
    }
    open.commit()?;
    let ended = Instant::now();
    let second = fleet.wait_for(StatusCode::UNAUTHORIZED, &late_value)? - ended;
    println!("\nTwo transactions, the first to begin is the last to commit, under load");
    let [first, second] = [first, second].map(|time| MILLISECONDS.show(time.as_secs_f64()));
    println!("refused on all three after its commit: {first}, {second}");
    load.end()
}

fn revoke(key: &Issued) -> String {
    format!("update keygate.keys set revoked = now() where key_id = '{}'", key.key_id)
}

/// Revokes many keys in one transaction.
pub(crate) fn at_once(fleet: &Fleet, effort: Effort) -> Result<(), Failure> {
    let keys = effort.pick(1_000, 100_000, 100_000);
    let client = fleet.client();
    fleet.sql(&format!(
        "insert into keygate.keys (digest, client)
         select sha256(convert_to('bulk key ' || n, 'UTF8')), '{client}'
         from generate_series(1, {keys}) n"
    ))?;
    let value = |number: u32| HeaderValue::try_from(format!("bulk key {number}"));
    let [first, last] = [value(1)?, value(keys)?];
    fleet.wait_for(StatusCode::OK, &last)?;
    let load = fleet.load()?;
    fleet.sql(
        "update keygate.keys set revoked = now()
         where digest in (select sha256(convert_to('bulk key ' || n, 'UTF8'))
                          from generate_series(1, KEYS) n)"
            .replace("KEYS", &keys.to_string())
            .as_str(),
    )?;
    let ended = Instant::now();
    let refused = [&first, &last].map(|key| fleet.wait_for(StatusCode::UNAUTHORIZED, key));
    let [first, last] = refused;
    let took = first?.max(last?) - ended;
    println!("\n{keys} keys revoked in one transaction, under load");
    println!("refused on all three after its commit: {:.2} s", took.as_secs_f64());
    load.end()
}

fn cells(what: &str, times: &[f64]) -> [String; 7] {
    let parts = [500, 900, 990, 1000].map(|thousandths| part(times.to_vec(), thousandths));
    let [p50, p90, p99, max] = parts.map(|time| MILLISECONDS.show(time));
    let target = MILLISECONDS.show(TARGET);
    [what.to_owned(), p50, p90, p99, max, target, met(parts[2], Some(TARGET))]
}

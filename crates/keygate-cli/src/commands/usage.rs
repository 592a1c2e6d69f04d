//! Usage by client, by key of one client, or by time.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use keygate::KeyId;
use keygate::manage::{KeyInfo, LastUsed, ManageError};
use keygate::observe::{
    ClientTotals, KeyTotals, UsageBucket, UsageHistory, UsagePoint, UsageQuery, UsageTotals,
};
use serde_json::{Value, json};

use crate::args::{Globals, UsageArgs};
use crate::failure::Failure;
use crate::history::Watched;
use crate::identify::client_failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::table::{Cell, Table};
use crate::{history, show, store};

mod csv;

/// A list of counts.
struct Listing {
    name: &'static str,
    /// The column names of the values in [`Row::of`].
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    of: Vec<String>,
    totals: UsageTotals,
}

pub(super) fn run(args: &UsageArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let history = history::open(globals)?;
    let mut query = UsageQuery::new();
    if let Some(time) = args.since {
        query = query.since(SystemTime::now().checked_sub(time).unwrap_or(UNIX_EPOCH));
    }
    if let Some(client) = &args.client {
        query = query.for_client(client);
    }
    let listing = listing(args, &query, &history, globals, out)?;
    if let Some(client) = args.client.as_deref().filter(|_| listing.rows.is_empty()) {
        check_client(client, &history, globals, out)?;
    }
    let watched = Watched::from(block_on(history.watch())?);
    if args.csv {
        return out.print(&csv::text(&listing), &Value::Null);
    }
    if listing.rows.is_empty() && !out.is_json() {
        out.note("no requests in this period");
    } else {
        let (since, until) = match &watched {
            Watched::Never => (None, None),
            Watched::Current { since, .. } => (Some(*since), None),
            Watched::Ended { since, until } => (Some(*since), Some(*until)),
        };
        let [since, until] = [since, until].map(|time| time.map(show::time));
        let rows: Value = listing.rows.iter().map(|row| json(&listing.columns, row)).collect();
        let json = json!({ "watched_since": since, "watched_until": until, listing.name: rows });
        out.print(&table(&listing), &json)?;
    }
    if !out.is_json() {
        out.note(&show::since_when("usage", &watched));
    }
    Ok(())
}

fn listing(
    args: &UsageArgs,
    query: &UsageQuery,
    history: &UsageHistory,
    globals: &Globals,
    out: &Output,
) -> Result<Listing, Failure> {
    if let Some(by) = args.by {
        let points = block_on(history.series(query, by.into()))?.into_iter();
        let row = |point: UsagePoint| {
            let of = vec![show::time(point.start), length(point.bucket).to_owned()];
            Row { of, totals: point.totals }
        };
        let rows = points.map(row).collect();
        return Ok(Listing { name: "times", columns: vec!["start", "length"], rows });
    }
    if let Some(client) = &args.client {
        let totals = block_on(history.keys(query))?;
        let uses = last_uses(client, &totals, history, globals, out)?;
        let row = |key: KeyTotals| {
            let last_used = uses.get(&key.key_id).copied().unwrap_or_default();
            let of = vec![key.client, key.key_id.to_string(), last_used.to_string()];
            Row { of, totals: key.totals }
        };
        let rows = totals.into_iter().map(row).collect();
        return Ok(Listing { name: "keys", columns: vec!["client", "key_id", "last_used"], rows });
    }
    let clients = block_on(history.top(query, args.top as usize))?.into_iter();
    let row = |client: ClientTotals| Row { of: vec![client.client], totals: client.totals };
    Ok(Listing { name: "clients", columns: vec!["client"], rows: clients.map(row).collect() })
}

/// Refuses a client that has neither usage nor a row in the store.
fn check_client(
    name: &str,
    history: &UsageHistory,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    if !block_on(history.keys(&UsageQuery::new().for_client(name)))?.is_empty() {
        return Ok(());
    }
    let unknown = |failure: Failure| {
        let why = failure.message();
        out.warn(&format!("whether there is a client of this name is not known: {why}"));
    };
    match store::open(globals, out) {
        Ok(store) => match block_on(store.find_client(name)) {
            Ok(_) => {}
            Err(error @ ManageError::UnknownClient { .. }) => {
                return Err(client_failure(error, name, &*store));
            }
            Err(error) => unknown(error.into()),
        },
        // Usage does not need the store.
        Err(failure) => unknown(failure),
    }
    Ok(())
}

/// Returns the last uses of these keys of a client. Whether a key was never used depends on the time of its issue, which
/// the store knows.
fn last_uses(
    client: &str,
    totals: &[KeyTotals],
    history: &UsageHistory,
    globals: &Globals,
    out: &Output,
) -> Result<HashMap<KeyId, LastUsed>, Failure> {
    let last_uses = block_on(history.last_uses(Some(client)))?;
    let mut keys: Vec<_> =
        totals.iter().map(|key| KeyInfo::new(key.key_id, key.client.as_str())).collect();
    last_uses.add_to(&mut keys);
    if keys.iter().any(|key| key.last_used == LastUsed::Unknown) {
        let listed = store::open(globals, out)
            .and_then(|store| Ok(block_on(store.list_readable_keys(Some(client)))?));
        match listed {
            Ok(listed) => {
                let ids: HashSet<_> = keys.iter().map(|key| key.key_id).collect();
                let of_store = listed.found.into_iter().filter(|key| ids.contains(&key.key_id));
                // Of two with the same id, the one of the store is kept.
                keys.extend(of_store);
                last_uses.add_to(&mut keys);
            }
            // The counts do not need the store, and the client may have been removed.
            Err(failure) => out.warn(&format!(
                "when keys were issued is not known, so `unknown` keys may never have been used: {}",
                failure.message()
            )),
        }
    }
    Ok(keys.into_iter().map(|key| (key.key_id, key.last_used)).collect())
}

/// Names the time that was counted together. Older counts are kept by hour and day only.
fn length(bucket: UsageBucket) -> &'static str {
    match bucket {
        UsageBucket::Minute => "minute",
        UsageBucket::Hour => "hour",
        UsageBucket::Day => "day",
    }
}

fn refused(totals: &UsageTotals) -> u64 {
    totals.refused.values().sum()
}

/// Lists the reasons for refusals with their counts: `expired 2, revoked 1`.
fn reasons(totals: &UsageTotals) -> String {
    let reasons = totals.refused.iter().map(|(reason, count)| format!("{reason} {count}"));
    reasons.collect::<Vec<_>>().join(", ")
}

fn headings(listing: &Listing) -> impl Iterator<Item = &'static str> {
    listing.columns.iter().copied().chain(["requests", "replaced", "refused", "reasons"])
}

/// Returns the values of the last [`headings`].
fn counts(totals: &UsageTotals) -> [String; 4] {
    let counts = [totals.requests, totals.replaced, refused(totals)];
    let [requests, replaced, refused] = counts.map(|count| count.to_string());
    [requests, replaced, refused, reasons(totals)]
}

fn table(listing: &Listing) -> String {
    let mut table = Table::new(headings(listing).map(|name| name.replace('_', " ").to_uppercase()));
    for Row { of, totals } in &listing.rows {
        table.push(of.iter().cloned().chain(counts(totals)).map(Cell::from));
    }
    table.render()
}

fn json(columns: &[&str], row: &Row) -> Value {
    let Row { of, totals } = row;
    let UsageTotals { requests, replaced, refused, .. } = totals;
    let mut json = json!({ "requests": requests, "replaced": replaced, "refused": refused });
    for (name, value) in columns.iter().zip(of) {
        json[*name] = value.as_str().into();
    }
    json
}

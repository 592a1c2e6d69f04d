use serde_json::{Value as Json, json};

use super::{ADD, DialectOf, MINUTE, UsageDialect, roll_up, table};
use crate::error::StoreError;
use crate::store::sql::transaction::{Database, Transaction};
use crate::store::usage::{LastUse, MAX_GAP, UsageBatch, UsageRow};

/// The number of rows per statement.
const ROWS: usize = 5_000;

/// Adds a batch in one transaction, unless it was added before.
pub(in crate::store) async fn write_usage<B>(
    database: &B,
    batch: &UsageBatch,
) -> Result<(), StoreError>
where
    B: Database,
    DialectOf<B>: UsageDialect,
{
    let mut transaction = database.write().await?;
    if !add_batch(&mut transaction, batch).await? {
        return Ok(());
    }
    let UsageBatch { instance: _, sequence: _, since, has_lost, now, rows, last_uses, rolls_up } =
        batch;
    let row = |row: &UsageRow| {
        let UsageRow { client, key_id, minute, outcome, count } = row;
        json!([text(client), key_id, minute, outcome, count])
    };
    for rows in rows.chunks(ROWS) {
        insert(&mut transaction, &add_counts::<DialectOf<B>>(), rows.iter().map(row)).await?;
    }
    let last_use = |LastUse { client, key_id, time }: &_| json!([text(client), key_id, time]);
    for uses in last_uses.chunks(ROWS) {
        insert(&mut transaction, &add_last_uses::<DialectOf<B>>(), uses.iter().map(last_use))
            .await?;
    }
    if *rolls_up {
        roll_up::roll_up(&mut transaction, *now).await?;
    }
    // Written last, since all instances write this row.
    transaction.execute(&watch::<DialectOf<B>>(*since, *has_lost, *now), &[]).await?;
    transaction.commit().await.map(drop)
}

/// Returns `false` if the batch was added before. If another attempt is about to commit it, this one waits, because of
/// the unique key.
async fn add_batch<T: Transaction>(
    transaction: &mut T,
    UsageBatch { instance, sequence, now, .. }: &UsageBatch,
) -> Result<bool, StoreError> {
    let add = format!(
        "insert into {} (instance, sequence, at) values ($1, {sequence}, {now}) \
         on conflict do nothing returning 1",
        table::<T::Dialect>("batches")
    );
    Ok(!transaction.rows(&add, &[instance.as_str().into()]).await?.is_empty())
}

async fn insert<T: Transaction>(
    transaction: &mut T,
    sql: &str,
    rows: impl Iterator<Item = Json>,
) -> Result<(), StoreError> {
    let rows = Json::Array(rows.collect()).to_string();
    transaction.execute(sql, &[rows.as_str().into()]).await
}

/// Moves the end of the watched time to `now`. It begins at `since` if nothing was watched before. If this instance has
/// lost requests, others that have written meanwhile do not fill the gap.
fn watch<D: UsageDialect>(since: u64, has_lost: bool, now: u64) -> String {
    let is_later = if has_lost { "w.since < excluded.since" } else { "false" };
    format!(
        "insert into {} as w (only_one, since, until) values (1, {since}, {now}) \
         on conflict (only_one) do update set \
         until = case when w.until < excluded.until then excluded.until else w.until end, \
         since = case when {is_later} or w.until + {MAX_GAP} < excluded.since \
         then excluded.since else w.since end \
         where {is_later} or w.until < excluded.until",
        table::<D>("watch")
    )
}

/// PostgreSQL refuses zero bytes in texts, and clients of your own store may have any name.
fn text(client: &str) -> String {
    client.replace('\0', "\u{fffd}")
}

/// Sorted, so that two instances lock the rows that they share in the same order.
fn add_counts<D: UsageDialect>() -> String {
    let (elements, e) = (D::ELEMENTS, D::ELEMENT);
    format!(
        "insert into {} as u (seconds, start, client, key_id, outcome, count) \
         select {MINUTE}, cast({e}->>2 as bigint), {e}->>0, {e}->>1, {e}->>3, cast({e}->>4 as bigint) \
         from {elements} where true order by 2, 3, 4, 5 {ADD}",
        table::<D>("counts")
    )
}

fn add_last_uses<D: UsageDialect>() -> String {
    let (elements, e) = (D::ELEMENTS, D::ELEMENT);
    format!(
        "insert into {} as u (client, key_id, last_used) \
         select {e}->>0, {e}->>1, cast({e}->>2 as bigint) from {elements} where true order by 1, 2 \
         on conflict (client, key_id) do update set last_used = excluded.last_used \
         where excluded.last_used > u.last_used",
        table::<D>("last")
    )
}

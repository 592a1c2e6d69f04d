use super::{DAY, DialectOf, HOUR, MINUTE, names, table, text};
use crate::error::StoreError;
use crate::store::sql::cursor::{Cursor, Dialect, ValueError, Values};
use crate::store::sql::transaction::{Database, Transaction};
use crate::store::usage::{CountsQuery, CountsRow, Group, Written};

pub(in crate::store) async fn read_counts<B: Database>(
    database: &B,
    query: &CountsQuery<'_>,
) -> Result<Vec<CountsRow>, StoreError> {
    let (columns, group) = match query.group {
        Group::Client => ("client, '', min(start)".to_owned(), "client".to_owned()),
        Group::Key => ("client, key_id, min(start)".to_owned(), "client, key_id".to_owned()),
        Group::Time(seconds) => {
            let start = format!("start - start % {seconds}");
            (format!("'', '', {start}"), start)
        }
        Group::ClientTime(seconds) => {
            let start = format!("start - start % {seconds}");
            (format!("client, '', {start}"), format!("client, {start}"))
        }
    };
    let sql = format!(
        "select {columns}, cast(max(seconds) as bigint), outcome, cast(sum(count) as bigint) \
         from {} group by {group}, outcome order by {group}, outcome",
        source::<DialectOf<B>>(query)
    );
    let clients: Vec<_> = query.clients.map(names).into_iter().collect();
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &clients).await?;
    transaction.commit().await?;
    rows.iter().map(counts_row).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// Selects the counts that overlap the given time, in parts that each use an index.
fn source<D: Dialect>(query: &CountsQuery<'_>) -> String {
    let CountsQuery { clients, since, until, group } = query;
    let since = since.map_or(0, |since| since).cast_signed();
    let behind = |length: u64| since - length.cast_signed();
    let counts = table::<D>("counts");
    if clients.is_none() {
        let until = until.map_or(String::new(), |until| format!(" and start < {until}"));
        let of_length = |length| format!("seconds = {length} and start > {}", behind(length));
        return format!("{counts} where ({}){until}", LENGTHS.map(of_length).join(" or "));
    }
    // Planners use the index of clients only if each bucket length has its own query. SQLite would read the minutes of
    // all clients in the order of time if it could use an index for the start.
    let start = D::NO_INDEX.to_owned() + "start";
    let until = until.map_or(String::new(), |until| format!(" and {start} < {until}"));
    let select = |length| {
        let (of_clients, behind) = (D::in_list("$1"), behind(length));
        let condition = format!(
            "client {of_clients} and seconds = {length} and {start} > {behind}{until} \
             and start - start % 3600 > {}",
            behind - HOUR.cast_signed()
        );
        match group {
            // Grouped in the order of SQLite's index: sorting the minutes would take four times as long.
            Group::Time(seconds) | Group::ClientTime(seconds) if seconds % 3_600 == 0 => format!(
                "select client, start - start % 3600 as start, {length} as seconds, outcome, sum(count) as count \
                 from {counts} c where {condition} \
                 group by c.client, c.start - c.start % 3600, c.outcome"
            ),
            Group::Client | Group::Key | Group::Time(_) | Group::ClientTime(_) => {
                format!("select * from {counts} where {condition}")
            }
        }
    };
    format!("({}) u", LENGTHS.map(select).join(" union all "))
}

const LENGTHS: [u64; 3] = [MINUTE, HOUR, DAY];

fn counts_row<R: Values>(row: &R) -> Result<CountsRow, ValueError> {
    let mut cursor = Cursor::new(row);
    Ok(CountsRow {
        client: text(&mut cursor)?,
        key_id: text(&mut cursor)?,
        start: cursor.count()? as u64,
        seconds: cursor.count()? as u64,
        outcome: text(&mut cursor)?,
        count: cursor.count()? as u64,
    })
}

/// Returns since when, and until when, usage was written.
pub(in crate::store) async fn read_watch<B: Database>(
    database: &B,
) -> Result<Option<Written>, StoreError> {
    let sql = format!("select since, until from {}", table::<DialectOf<B>>("watch"));
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &[]).await?;
    transaction.commit().await?;
    rows.first().map(written).transpose().map_err(StoreError::new)
}

fn written<R: Values>(row: &R) -> Result<Written, ValueError> {
    let mut cursor = Cursor::new(row);
    Ok(Written { since: cursor.count()? as u64, until: cursor.count()? as u64 })
}

use super::{DAY, DialectOf, HOUR, MINUTE, UsageDialect, table};
use crate::error::StoreError;
use crate::store::sql::cursor::{Cursor, ValueError, Values};
use crate::store::sql::transaction::{Database, Transaction};
use crate::store::usage::{CountsQuery, CountsRow, Group, LastUse};

pub(in crate::store) async fn read_counts<B>(
    database: &B,
    query: &CountsQuery<'_>,
) -> Result<Vec<CountsRow>, StoreError>
where
    B: Database,
    DialectOf<B>: UsageDialect,
{
    let (columns, group) = match query.group {
        Group::Client => ("client, '', min(start)".to_owned(), "client".to_owned()),
        Group::Key => ("client, key_id, min(start)".to_owned(), "client, key_id".to_owned()),
        Group::Time(seconds) => {
            let start = format!("start - start % {seconds}");
            (format!("'', '', {start}"), start)
        }
    };
    let sql = format!(
        "select {columns}, cast(max(seconds) as bigint), outcome, cast(sum(count) as bigint) \
         from {} where {} group by {group}, outcome order by {group}, outcome",
        table::<DialectOf<B>>("counts"),
        condition(query)
    );
    let client: Vec<_> = query.client.map(Into::into).into_iter().collect();
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &client).await?;
    transaction.commit().await?;
    rows.iter().map(counts_row).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// The times that were counted and overlap the wanted one, so that an index finds them.
fn condition(CountsQuery { client, since, until, group: _ }: &CountsQuery<'_>) -> String {
    let since = since.map_or(0, |since| since);
    let of_length = |length: u64| {
        format!("seconds = {length} and start > {}", since.cast_signed() - length.cast_signed())
    };
    let lengths = [MINUTE, HOUR, DAY].map(of_length).join(" or ");
    let until = until.map_or(String::new(), |until| format!(" and start < {until}"));
    let client = client.map_or("", |_| " and client = $1");
    format!("({lengths}){until}{client}")
}

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

pub(in crate::store) async fn read_last_uses<B>(
    database: &B,
    client: Option<&str>,
) -> Result<Vec<LastUse>, StoreError>
where
    B: Database,
    DialectOf<B>: UsageDialect,
{
    let table = table::<DialectOf<B>>("last");
    let condition = client.map_or("", |_| " where client = $1");
    let sql = format!("select client, key_id, last_used from {table}{condition}");
    let client: Vec<_> = client.map(Into::into).into_iter().collect();
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &client).await?;
    transaction.commit().await?;
    let last_use = |row| {
        let mut cursor = Cursor::new(row);
        let (client, key_id) = (text(&mut cursor)?, text(&mut cursor)?);
        Ok::<_, ValueError>(LastUse { client, key_id, time: cursor.count()? as u64 })
    };
    rows.iter().map(last_use).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// Returns since when usage is written.
pub(in crate::store) async fn read_watch<B>(database: &B) -> Result<Option<u64>, StoreError>
where
    B: Database,
    DialectOf<B>: UsageDialect,
{
    let sql = format!("select since from {}", table::<DialectOf<B>>("watch"));
    let mut transaction = database.read().await?;
    let rows = transaction.rows(&sql, &[]).await?;
    transaction.commit().await?;
    let since = rows.first().map(|row| Cursor::new(row).count()).transpose();
    since.map(|since| since.map(|since| since as u64)).map_err(StoreError::new)
}

fn text<R: Values>(cursor: &mut Cursor<'_, R>) -> Result<String, ValueError> {
    Ok(cursor.text()?.unwrap_or_default().to_owned())
}

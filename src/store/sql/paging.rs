//! Pages of clients and keys. Each is read by one statement.

use std::time::SystemTime;

use super::column::{KeyTime, Value};
use super::cursor::{self, Cursor, Dialect, ValueError, Values};
use super::managing::existing_client;
use super::row::{BadRow, KeyRow, PartialRow};
use super::select::Select;
use super::transaction::{Database, Transaction};
use crate::error::StoreError;
use crate::manage::{
    ClientInfo, ClientQuery, KeyInfo, KeyQuery, KeySort, ManageError, Page, Position,
};

pub(super) type DialectOf<D> = <<D as Database>::Transaction as Transaction>::Dialect;

/// A row of a page, and its position in the list.
pub(super) type Placed<T> = (Position, Result<T, String>);

pub(in crate::store) async fn client_page<D: Database>(
    database: &D,
    query: &ClientQuery,
) -> Result<Page<ClientInfo>, ManageError> {
    let after = query.position()?.map(|after| vec![Value::Text(Some(after.name.into()))]);
    let mut transaction = database.read().await?;
    let mut select = planned(&mut transaction, |hint| Select::clients(query, hint)).await?;
    select.page(&query.paging, after, &["c.name".to_owned()]);
    let sql = cursor::counted_clients::<DialectOf<D>>("c.name, ") + &select.clauses();
    let rows = transaction.rows(&sql, &select.values).await?;
    let rows = rows.iter().map(placed_client).collect::<Result<_, _>>();
    Ok(Page::of_rows(&query.paging, rows.map_err(StoreError::new)?))
}

fn placed_client(row: &impl Values) -> Result<Placed<ClientInfo>, ValueError> {
    let mut cursor = Cursor::new(row);
    let position = Position::of_client(cursor.text()?.ok_or(ValueError)?);
    let client = cursor.client().and_then(PartialRow::complete);
    let keys = cursor.count()?;
    let client = client.map(|client| client.info(keys)).map_err(|bad: BadRow| bad.to_string());
    Ok((position, client))
}

pub(in crate::store) async fn key_page<D: Database>(
    database: &D,
    query: &KeyQuery,
) -> Result<Page<KeyInfo>, ManageError> {
    let after = query.position()?;
    let mut transaction = database.read().await?;
    if let Some(name) = &query.client {
        existing_client(&mut transaction, name).await?;
    }
    let (sql, values) = key_statement(&mut transaction, query, after, database.now()).await?;
    let rows = transaction.rows(&sql, &values).await?;
    let rows = rows.iter().map(|row| placed_key(row, query.sort)).collect::<Result<_, _>>();
    Ok(Page::of_rows(&query.paging, rows.map_err(StoreError::new)?))
}

/// Returns the statement that reads the keys of a page, and its arguments.
pub(in crate::store) async fn key_statement<'q, T: Transaction>(
    transaction: &mut T,
    query: &'q KeyQuery,
    after: Option<Position>,
    now: SystemTime,
) -> Result<(String, Vec<Value<'q>>), StoreError> {
    let mut select = planned(transaction, |hint| Select::keys(query, now, hint)).await?;
    let key_time = match query.sort {
        KeySort::Client | KeySort::Created => KeyTime::Created,
        KeySort::Expires => KeyTime::Expires,
    };
    let (time, id) = (T::Dialect::order_time(key_time), T::Dialect::ORDER_ID);
    let (tables, client) = select.tables();
    let by = match query.sort {
        KeySort::Client => vec![client, &time, id],
        KeySort::Created | KeySort::Expires => vec![&time, id],
    };
    let after = after.map(|after| values::<T::Dialect>(after, query));
    select.page(&query.paging, after, &by);
    let first = format!("k.client, k.key_id, {}, ", T::Dialect::select_order_time(key_time));
    let sql = if T::Dialect::READS_ROWS_LATE {
        let (keys, client) =
            (cursor::keys_table::<T::Dialect>(), cursor::with_client::<T::Dialect>());
        let page = format!("select k.digest from {tables}{}", select.clauses());
        let rows = format!("({page}) p cross join {keys} k on k.digest = p.digest {client}");
        cursor::keys_with::<T::Dialect>(&first, &rows) + select.order()
    } else {
        let keys = cursor::keys_with::<T::Dialect>(&first, &tables);
        format!("{}{keys}{}", T::Dialect::BEFORE_PAGE, select.clauses())
    };
    Ok((sql, select.values))
}

/// Returns the conditions of a query. A planner without statistics does not know how few rows an index finds, so they
/// are counted first.
async fn planned<'q, T: Transaction>(
    transaction: &mut T,
    select: impl Fn(Option<usize>) -> Select<'q, T::Dialect>,
) -> Result<Select<'q, T::Dialect>, StoreError> {
    let listed = select(None);
    if T::Dialect::HAS_STATISTICS {
        return Ok(listed);
    }
    let (mut fewest, mut hint) = (usize::MAX, None);
    for (number, counted) in listed.hints.iter().enumerate() {
        let count = transaction.count(&counted.sql, &listed.values).await?;
        if count < fewest.min(counted.many) {
            (fewest, hint) = (count, Some(number));
        }
    }
    Ok(if hint.is_some() { select(hint) } else { listed })
}

/// The values of the columns by which keys are sorted.
fn values<D: Dialect>(after: Position, query: &KeyQuery) -> Vec<Value<'static>> {
    let time = D::order_value(after.time());
    // The cursor of a key has an id.
    let id = after.key_id.map(|id| D::order_id_value(id, query.paging.descending));
    let id = id.unwrap_or(Value::Text(None));
    match query.sort {
        KeySort::Client => vec![Value::Text(Some(after.name.into())), time, id],
        KeySort::Created | KeySort::Expires => vec![time, id],
    }
}

fn placed_key(row: &impl Values, sort: KeySort) -> Result<Placed<KeyInfo>, ValueError> {
    let mut cursor = Cursor::new(row);
    let client = cursor.text()?.unwrap_or_default();
    let key_id = cursor.text()?.and_then(|text| text.parse().ok()).ok_or(ValueError)?;
    let position = Position::of_key(sort, client, cursor.order_time()?, key_id);
    let key = cursor.key().and_then(PartialRow::complete);
    Ok((position, key.map(KeyRow::info).map_err(|bad| bad.to_string())))
}

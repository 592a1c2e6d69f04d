//! Pages of recorded changes.

use super::column::Value;
use super::cursor::{Dialect, ValueError, Values};
use super::paging::{DialectOf, Placed};
use super::select::Select;
use super::transaction::{Database, Transaction};
use crate::error::StoreError;
use crate::key::Rounding;
use crate::manage::{ChangeAction, ChangeEvent, EventQuery, ManageError, Page, Position};

pub(in crate::store) async fn event_page<D: Database>(
    database: &D,
    query: &EventQuery,
) -> Result<Page<ChangeEvent>, ManageError> {
    let after = query.position()?.map(|after| values::<DialectOf<D>>(&after));
    let after = after.map(|after| after.ok_or(ManageError::InvalidCursor)).transpose()?;
    let mut transaction = database.read().await?;
    let events = format!("{}events", DialectOf::<D>::PREFIX);
    let mut select = Select::<DialectOf<D>>::events(query);
    // Transactions may not commit in the order of their numbers.
    select.page(&query.paging, after, &["e.at", "e.seq"]);
    let sql = format!(
        "select e.seq, {}, e.actor, e.tool, e.action, e.client, e.key_id, {}, {} from {events} e{}",
        DialectOf::<D>::EVENT_TIME,
        DialectOf::<D>::select_event_facts("e.before"),
        DialectOf::<D>::select_event_facts("e.after"),
        select.clauses()
    );
    let rows = transaction.rows(&sql, &select.values).await?;
    let rows = rows.iter().map(placed_event).collect::<Result<_, _>>();
    Ok(Page::of_rows(&query.paging, rows.map_err(StoreError::new)?))
}

/// The values of the columns by which events are sorted.
fn values<D: Dialect>(after: &Position) -> Option<Vec<Value<'static>>> {
    let number = i64::try_from(after.number).ok()?;
    Some(vec![D::event_position(&after.name)?, Value::Number(number)])
}

fn placed_event(row: &impl Values) -> Result<Placed<ChangeEvent>, ValueError> {
    let number = row.number(0)?.ok_or(ValueError)?;
    let position =
        Position::of_event(number.try_into().map_err(|_| ValueError)?, row.event_position(1)?);
    Ok((
        position,
        event(row).map_err(|column| format!("the event {number}: its `{column}` is not valid")),
    ))
}

/// Reads the columns after the number. The error is the name of an invalid column.
fn event(row: &impl Values) -> Result<ChangeEvent, &'static str> {
    let text =
        |index, column| row.text(index).map(|text| text.map(str::to_owned)).map_err(|_| column);
    let at = row.time(1, Rounding::Down).ok().flatten().ok_or("at")?;
    let action = text(4, "action")?.and_then(|name| name.parse::<ChangeAction>().ok());
    let mut event = ChangeEvent::new(at.system_time(), action.ok_or("action")?);
    event.actor = text(2, "actor")?;
    event.tool = text(3, "tool")?;
    event.client = text(5, "client")?;
    event.key_id = text(6, "key_id")?.map(|id| id.parse().map_err(|_| "key_id")).transpose()?;
    event.before = text(7, "before")?;
    event.after = text(8, "after")?;
    Ok(event)
}

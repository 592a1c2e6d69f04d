use super::{ADD, DAY, HOUR, MINUTE, UsageDialect, table};
use crate::error::StoreError;
use crate::store::sql::cursor::Cursor;
use crate::store::sql::transaction::Transaction;
use crate::store::usage::DAYS_KEPT;

/// Minutes are kept for a day, hours for a month.
const MINUTES_KEPT: u64 = DAY;
const HOURS_KEPT: u64 = 31 * DAY;

/// A batch is never sent again after this time.
const BATCHES_KEPT: u64 = DAY;

/// Sums older minutes by hour and older hours by day, and removes the oldest days. Every count is always in exactly one
/// row, so that sums over all rows are right at any time.
pub(super) async fn roll_up<T>(transaction: &mut T, now: u64) -> Result<(), StoreError>
where
    T: Transaction<Dialect: UsageDialect>,
{
    let may = transaction.rows(T::Dialect::MAY_ROLL_UP, &[]).await?;
    let may =
        may.first().map(|row| Cursor::new(row).flag()).transpose().map_err(StoreError::new)?;
    if may.flatten() != Some(true) {
        return Ok(());
    }
    let statements = statements::<T::Dialect>(now);
    for sql in statements {
        transaction.execute(&sql, &[]).await?;
    }
    Ok(())
}

fn statements<D: UsageDialect>(now: u64) -> Vec<String> {
    let counts = table::<D>("counts");
    let before = |kept: u64, unit: u64| now.saturating_sub(kept) / unit * unit;
    let [hours, days] = [(MINUTE, MINUTES_KEPT, HOUR), (HOUR, HOURS_KEPT, DAY)].map(|(of, kept, to)| {
        let condition = format!("seconds = {of} and start < {}", before(kept, to));
        D::move_rows(&counts, &condition, |rows| {
            format!(
                "insert into {counts} as u (seconds, start, client, key_id, outcome, count) \
                 select {to}, start - start % {to}, client, key_id, outcome, cast(sum(count) as bigint) \
                 from {rows} group by 2, 3, 4, 5 {ADD}"
            )
        })
    });
    let removed = [
        format!(
            "delete from {counts} where seconds = {DAY} and start < {}",
            before(DAYS_KEPT, DAY)
        ),
        format!("delete from {} where last_used < {}", table::<D>("last"), before(DAYS_KEPT, DAY)),
        format!("delete from {} where at < {}", table::<D>("batches"), before(BATCHES_KEPT, 1)),
    ];
    [hours, days].into_iter().flatten().chain(removed).collect()
}

//! The tables of usage in the schema `keygate`.

use sqlx::Postgres;

use super::PostgresStore;
use super::pool::{CHANGE_DEADLINE, Pool};
use crate::store::sql::UsageDialect;

impl PostgresStore {
    /// Returns a store with a connection of its own, opened on first use. No change of keys waits for usage, and if one
    /// of the runtimes shuts down, the other keeps its connection.
    pub(in crate::store) fn for_usage(&self) -> Self {
        let changing = Pool::new(self.changing.options(), 1, CHANGE_DEADLINE);
        Self { changing, ..self.clone() }
    }
}

impl UsageDialect for Postgres {
    const ELEMENTS: &'static str = "pg_catalog.jsonb_array_elements($1::jsonb) e";
    const ELEMENT: &'static str = "e";
    /// The number is arbitrary.
    const MAY_ROLL_UP: &'static str =
        "select pg_catalog.pg_try_advisory_xact_lock(7738725019629675778)";

    /// Done in one statement, so that no other transaction adds to the rows meanwhile.
    fn move_rows(table: &str, condition: &str, insert: impl Fn(&str) -> String) -> Vec<String> {
        let delete = format!("delete from {table} where {condition} returning *");
        vec![format!("with moved as ({delete}) {}", insert("moved"))]
    }
}

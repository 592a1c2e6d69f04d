//! The rows whose changes must have events, since replicas only learn of changes from events.

use super::literals::{array, literal};
use crate::key::KeyId;

/// The clients and keys that a transaction wrote.
#[derive(Default)]
pub(super) struct Written {
    pub(super) clients: Vec<String>,
    pub(super) keys: Vec<KeyId>,
    /// The number of the transaction, once it is about to commit.
    pub(super) txid: Option<String>,
}

impl Written {
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.keys.is_empty()
    }

    /// Returns the query that counts the clients and keys without an event in the transaction. Set
    /// operations are fast whatever the planner's statistics.
    pub(super) fn without_event(&self) -> String {
        let keys = array(self.keys.iter().map(ToString::to_string));
        let clients = array(self.clients.iter());
        let txid = self.txid.as_ref().map_or_else(
            || "pg_catalog.pg_current_xact_id()".to_owned(),
            |txid| format!("{}::xid8", literal(txid)),
        );
        let events = format!("from keygate.events where txid = {txid}");
        format!(
            "select pg_catalog.count(*) from (\
             (select pg_catalog.unnest({keys}) except select key_id {events}) union all \
             (select pg_catalog.unnest({clients}) except select client {events} and key_id is null)\
             ) as missing"
        )
    }
}

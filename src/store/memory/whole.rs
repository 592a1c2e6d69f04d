use super::MemoryStore;
use super::ledger::Ledger;
use crate::mark::Mark;
use crate::store::table::Row;

/// For stores that keep what they hold elsewhere, and load it anew.
impl MemoryStore {
    /// Whether both stores hold the same clients and keys, and know the same of them.
    pub(in crate::store) fn holds_the_same(&self, other: &Self) -> bool {
        let rows = |store: &Self| {
            let mut rows = Vec::new();
            store.shared.table.for_each(|row, mark| rows.push((row.clone(), mark)));
            rows
        };
        let same = |((row, mark), (other, other_mark)): (&(Row, Mark), &(Row, Mark))| {
            row.digest == other.digest && mark == other_mark && row.profile == other.profile
        };
        let (rows, others) = (rows(self), rows(other));
        rows.len() == others.len()
            && rows.iter().zip(&others).all(same)
            && tell_the_same(&self.lock(), &other.lock())
    }

    /// Takes over what another store holds, in one step. Nobody else may have that one.
    pub(in crate::store) fn replace(&self, other: &Self) {
        let mut ledger = self.lock();
        let clock = ledger.clock.take();
        *ledger = std::mem::take(&mut *other.lock());
        ledger.clock = clock;
        self.shared.table.replace(&other.shared.table);
    }
}

/// Whether both tell the same, their clocks aside.
fn tell_the_same(ledger: &Ledger, other: &Ledger) -> bool {
    ledger.client_count() == other.client_count()
        && ledger.profiles().eq(other.profiles())
        && ledger.disabled == other.disabled
        && ledger.notes == other.notes
}

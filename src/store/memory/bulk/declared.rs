use super::Bulk;
use crate::client::ClientProfile;
use crate::manage::KeyMetadata;
use crate::store::KeyRecord;
use crate::store::table::Row;

/// For sources that say more of a client than its name, in any order.
impl<P> Bulk<P> {
    /// Says all of a client, of which keys may have been pushed already, by its name alone.
    pub(in crate::store) fn declare(&mut self, profile: ClientProfile, enabled: bool) {
        self.ledger.set_enabled(profile.name(), enabled);
        self.ledger.put(profile);
        self.declared = true;
    }

    /// As [`Bulk::push`], of a client that is declared before the end.
    pub(in crate::store) fn push_noted(&mut self, record: KeyRecord, notes: KeyMetadata, place: P) {
        let (digest, mark) = (record.digest(), record.mark());
        self.ledger.note(digest.key_id(), notes);
        self.entries.push((Row { digest, profile: record.into_profile() }, mark, place));
    }
}

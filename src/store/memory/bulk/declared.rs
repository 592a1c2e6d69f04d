use super::Bulk;
use crate::client::ClientProfile;
use crate::manage::KeyMetadata;
use crate::store::KeyRecord;
use crate::store::table::Row;

/// For sources that describe clients apart from their keys, in any order.
impl<P> Bulk<P> {
    /// Declares the profile of a client. Its keys may be pushed before or after, with only its name.
    pub(in crate::store) fn declare(&mut self, profile: ClientProfile, enabled: bool) {
        self.index.set_enabled(profile.name(), enabled);
        self.index.put(profile);
        self.declared = true;
    }

    /// Adds a key with metadata, of a client that is declared before or after.
    pub(in crate::store) fn push_with_metadata(
        &mut self,
        record: KeyRecord,
        metadata: KeyMetadata,
        position: P,
    ) {
        let (digest, status) = (record.digest(), record.status());
        self.index.set_metadata(digest.key_id(), metadata);
        self.entries.push((Row { digest, profile: record.into_profile() }, status, position));
    }
}

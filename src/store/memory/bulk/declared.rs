use super::Bulk;
use crate::client::ClientProfile;
use crate::manage::{ClientFacts, KeyFacts, Policy};
use crate::store::memory::packed::PackedKey;

/// For sources that describe clients apart from their keys, in any order.
impl<P> Bulk<P> {
    /// Declares a client. Its keys may be pushed before or after, with only its name.
    pub(in crate::store) fn declare(&mut self, client: ClientFacts) {
        self.index.put_client(client);
        self.declared = true;
    }

    pub(in crate::store) fn set_policy(&mut self, policy: Policy) {
        self.index.policy = policy;
    }

    /// Adds a key of a client that is declared before or after.
    pub(in crate::store) fn push_facts(
        &mut self,
        facts: KeyFacts,
        profile: &ClientProfile,
        position: P,
    ) {
        let PackedKey { row, status, metadata } = PackedKey::new(facts, profile, true);
        self.index.set_metadata(row.digest.key_id(), metadata);
        self.entries.push((row, status, position));
    }
}

use std::collections::{HashMap, HashSet};

use super::{ConflictReason, Export, ExportedClient, ExportedKey, ImportConflict, Imported};
use crate::client::ClientProfile;

/// The clients and keys that an import adds, and its result.
pub(crate) struct ImportPlan<'a> {
    pub(crate) clients: Vec<&'a ExportedClient>,
    pub(crate) keys: Vec<&'a ExportedKey>,
    pub(crate) imported: Imported,
}

/// Decides for every store which clients and keys of `new` are added to the `existing` ones.
pub(crate) fn plan<'a>(existing: &Export, new: &'a Export) -> ImportPlan<'a> {
    let mut plan =
        ImportPlan { clients: Vec::new(), keys: Vec::new(), imported: Imported::default() };
    let refused = plan.decide_clients(existing, new);
    plan.decide_keys(existing, new, &refused);
    plan.imported.clients_added = plan.clients.len();
    plan.imported.keys_added = plan.keys.len();
    plan
}

impl<'a> ImportPlan<'a> {
    /// Returns the names of the refused clients.
    fn decide_clients(&mut self, existing: &Export, new: &'a Export) -> HashSet<&'a str> {
        let known = existing.clients.iter().map(|client| (client.profile.name(), client));
        let known = known.collect::<HashMap<_, _>>();
        let mut refused = HashSet::new();
        for client in &new.clients {
            let name = client.profile.name();
            match known.get(name) {
                None => self.clients.push(client),
                Some(known) if *known == client => self.imported.clients_kept += 1,
                Some(known) => {
                    refused.insert(name);
                    let why =
                        ConflictReason::Differs { fields: differing_of_client(known, client) };
                    self.imported
                        .refused
                        .push(ImportConflict::Client { name: name.to_owned(), why });
                }
            }
        }
        refused
    }

    fn decide_keys(&mut self, existing: &Export, new: &'a Export, refused: &HashSet<&str>) {
        let known = existing.keys.iter().map(|key| (key.key_id(), key)).collect::<HashMap<_, _>>();
        for key in &new.keys {
            let why = match known.get(&key.key_id()) {
                Some(known) if *known == key => {
                    self.imported.keys_kept += 1;
                    continue;
                }
                Some(known) if known.digest != key.digest => ConflictReason::IdConflict,
                Some(known)
                    if known.metadata.revoked.is_some() && key.metadata.revoked.is_none() =>
                {
                    ConflictReason::Revoked
                }
                Some(known) => ConflictReason::Differs { fields: differing_of_key(known, key) },
                None if refused.contains(&*key.client) => ConflictReason::Client,
                None if key.disabled => ConflictReason::Disabled,
                None => {
                    self.keys.push(key);
                    continue;
                }
            };
            let (key_id, client) = (key.key_id(), key.client.clone());
            self.imported.refused.push(ImportConflict::Key { key_id, client, why });
        }
    }
}

fn differing_of_client(existing: &ExportedClient, new: &ExportedClient) -> Vec<&'static str> {
    let (one, other): (&ClientProfile, _) = (&existing.profile, &new.profile);
    names_of([
        ("enabled", existing.enabled != new.enabled),
        ("scopes", one.scopes() != other.scopes()),
        ("quota", one.quota() != other.quota()),
        ("metadata", one.metadata() != other.metadata()),
    ])
}

fn differing_of_key(existing: &ExportedKey, new: &ExportedKey) -> Vec<&'static str> {
    let (metadata, other) = (&existing.metadata, &new.metadata);
    names_of([
        ("client", existing.client != new.client),
        ("label", metadata.label != other.label),
        ("created", metadata.created != other.created),
        ("expires", existing.expires != new.expires),
        ("replaced_by", metadata.replaced_by != other.replaced_by),
        ("revoked", metadata.revoked != other.revoked),
        ("enabled", existing.disabled != new.disabled),
    ])
}

fn names_of<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::key::KeyDigest;
    use crate::manage::KeyMetadata;

    fn client(name: &str, enabled: bool) -> ExportedClient {
        ExportedClient { profile: ClientProfile::new(name), enabled }
    }

    fn key(number: u8, client: &str) -> ExportedKey {
        let (client, metadata) = (client.to_owned(), KeyMetadata::default());
        let digest = KeyDigest::of(&[number]);
        ExportedKey { digest, client, expires: None, metadata, disabled: false }
    }

    fn refused(existing: ExportedKey, new: ExportedKey) -> ConflictReason {
        let held = |key| Export::new(vec![client("App 1", true)], vec![key]);
        let (existing, new) = (held(existing), held(new));
        let plan = plan(&existing, &new);
        assert!(plan.clients.is_empty() && plan.keys.is_empty());
        match plan.imported.refused.as_slice() {
            [ImportConflict::Key { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn existing_entries_are_kept_and_new_ones_are_added() {
        let existing = Export::new(vec![client("App 1", false)], vec![key(1, "App 1")]);
        let clients = vec![client("App 1", false), client("App 2", true)];
        let new = Export::new(clients, vec![key(1, "App 1"), key(2, "App 1"), key(3, "App 2")]);
        let plan = plan(&existing, &new);
        assert_eq!((plan.clients.len(), plan.keys.len()), (1, 2));
        let imported = plan.imported;
        assert_eq!((imported.clients_added, imported.clients_kept), (1, 1));
        assert_eq!((imported.keys_added, imported.keys_kept), (2, 1));
        assert!(imported.is_complete());
    }

    #[test]
    fn new_keys_of_a_refused_client_are_refused_and_old_ones_kept() {
        let existing = Export::new(vec![client("App 1", false)], vec![key(1, "App 1")]);
        let new = Export::new(vec![client("App 1", true)], vec![key(1, "App 1"), key(2, "App 1")]);
        let imported = plan(&existing, &new).imported;
        assert_eq!((imported.keys_added, imported.keys_kept), (0, 1));
        let why = ConflictReason::Differs { fields: vec!["enabled"] };
        let key_id = key(2, "").key_id();
        let expected = [
            ImportConflict::Client { name: "App 1".to_owned(), why },
            ImportConflict::Key { key_id, client: "App 1".to_owned(), why: ConflictReason::Client },
        ];
        assert_eq!(imported.refused, expected);
    }

    #[test]
    fn revoked_keys_stay_revoked() {
        let mut revoked = key(1, "App 1");
        revoked.metadata.revoked = Some(UNIX_EPOCH);
        assert_eq!(refused(revoked.clone(), key(1, "App 1")), ConflictReason::Revoked);
        let differs = ConflictReason::Differs { fields: vec!["revoked"] };
        assert_eq!(refused(key(1, "App 1"), revoked), differs);
    }

    #[test]
    fn every_field_that_differs_is_named() {
        let mut other = key(1, "App 2");
        other.expires = Some(UNIX_EPOCH + Duration::from_secs(1));
        other.metadata.label = Some("x".into());
        other.metadata.created = Some(UNIX_EPOCH);
        other.metadata.replaced_by = Some(key(2, "").key_id());
        let fields = vec!["client", "label", "created", "expires", "replaced_by"];
        assert_eq!(refused(key(1, "App 1"), other), ConflictReason::Differs { fields });
    }

    #[test]
    fn different_key_with_the_same_id_is_refused() {
        let [mut bytes, mut others] = [[7; 32]; 2];
        (bytes[31], others[31]) = (0, 1);
        let with = |bytes| ExportedKey { digest: KeyDigest::from_bytes(bytes), ..key(1, "App 1") };
        assert_eq!(refused(with(bytes), with(others)), ConflictReason::IdConflict);
    }

    #[test]
    fn disabled_keys_of_enabled_clients_are_refused() {
        let disabled = ExportedKey { disabled: true, ..key(1, "App 1") };
        let new = Export::new(vec![client("App 1", true)], vec![disabled]);
        let imported = plan(&Export::default(), &new).imported;
        assert!(matches!(
            &imported.refused[..],
            [ImportConflict::Key { why: ConflictReason::Disabled, .. }]
        ));
    }
}

use std::collections::{HashMap, HashSet};

use super::{ConflictReason, Export, HeldClient, HeldKey, ImportConflict, Imported};
use crate::client::ClientProfile;

/// What an import adds, and what became of the rest.
pub(crate) struct Plan<'a> {
    pub(crate) clients: Vec<&'a HeldClient>,
    pub(crate) keys: Vec<&'a HeldKey>,
    pub(crate) imported: Imported,
}

/// Decides, for every store, what of `new` is added to what is `here`.
pub(crate) fn plan<'a>(here: &Export, new: &'a Export) -> Plan<'a> {
    let mut plan = Plan { clients: Vec::new(), keys: Vec::new(), imported: Imported::default() };
    let refused = plan.decide_clients(here, new);
    plan.decide_keys(here, new, &refused);
    plan.imported.clients_added = plan.clients.len();
    plan.imported.keys_added = plan.keys.len();
    plan
}

impl<'a> Plan<'a> {
    /// Returns the names of the refused clients.
    fn decide_clients(&mut self, here: &Export, new: &'a Export) -> HashSet<&'a str> {
        let known = here.clients.iter().map(|client| (client.profile.name(), client));
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

    fn decide_keys(&mut self, here: &Export, new: &'a Export, refused: &HashSet<&str>) {
        let known = here.keys.iter().map(|key| (key.key_id(), key)).collect::<HashMap<_, _>>();
        for key in &new.keys {
            let why = match known.get(&key.key_id()) {
                Some(known) if *known == key => {
                    self.imported.keys_kept += 1;
                    continue;
                }
                Some(known) if known.digest != key.digest => ConflictReason::IdConflict,
                Some(known) if known.notes.revoked.is_some() && key.notes.revoked.is_none() => {
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

fn differing_of_client(here: &HeldClient, new: &HeldClient) -> Vec<&'static str> {
    let (one, other): (&ClientProfile, _) = (&here.profile, &new.profile);
    names_of([
        ("enabled", here.enabled != new.enabled),
        ("scopes", one.scopes() != other.scopes()),
        ("quota", one.quota() != other.quota()),
        ("metadata", one.metadata() != other.metadata()),
    ])
}

fn differing_of_key(here: &HeldKey, new: &HeldKey) -> Vec<&'static str> {
    let (notes, other) = (&here.notes, &new.notes);
    names_of([
        ("client", here.client != new.client),
        ("label", notes.label != other.label),
        ("created", notes.created != other.created),
        ("expires", here.expires != new.expires),
        ("replaced_by", notes.replaced_by != other.replaced_by),
        ("revoked", notes.revoked != other.revoked),
        ("enabled", here.disabled != new.disabled),
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

    fn client(name: &str, enabled: bool) -> HeldClient {
        HeldClient { profile: ClientProfile::new(name), enabled }
    }

    fn key(number: u8, client: &str) -> HeldKey {
        let (client, notes) = (client.to_owned(), KeyMetadata::default());
        let digest = KeyDigest::of(&[number]);
        HeldKey { digest, client, expires: None, notes, disabled: false }
    }

    fn refused(here: HeldKey, new: HeldKey) -> ConflictReason {
        let held = |key| Export::new(vec![client("App 1", true)], vec![key]);
        let (here, new) = (held(here), held(new));
        let plan = plan(&here, &new);
        assert!(plan.clients.is_empty() && plan.keys.is_empty());
        match plan.imported.refused.as_slice() {
            [ImportConflict::Key { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_there_is_kept_and_what_is_not_is_added() {
        let here = Export::new(vec![client("App 1", false)], vec![key(1, "App 1")]);
        let clients = vec![client("App 1", false), client("App 2", true)];
        let new = Export::new(clients, vec![key(1, "App 1"), key(2, "App 1"), key(3, "App 2")]);
        let plan = plan(&here, &new);
        assert_eq!((plan.clients.len(), plan.keys.len()), (1, 2));
        let imported = plan.imported;
        assert_eq!((imported.clients_added, imported.clients_kept), (1, 1));
        assert_eq!((imported.keys_added, imported.keys_kept), (2, 1));
        assert!(imported.is_complete());
    }

    #[test]
    fn new_keys_of_a_refused_client_are_refused_and_old_ones_kept() {
        let here = Export::new(vec![client("App 1", false)], vec![key(1, "App 1")]);
        let new = Export::new(vec![client("App 1", true)], vec![key(1, "App 1"), key(2, "App 1")]);
        let imported = plan(&here, &new).imported;
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
    fn revoked_keys_do_not_come_back() {
        let mut revoked = key(1, "App 1");
        revoked.notes.revoked = Some(UNIX_EPOCH);
        assert_eq!(refused(revoked.clone(), key(1, "App 1")), ConflictReason::Revoked);
        let differs = ConflictReason::Differs { fields: vec!["revoked"] };
        assert_eq!(refused(key(1, "App 1"), revoked), differs);
    }

    #[test]
    fn every_field_that_differs_is_named() {
        let mut other = key(1, "App 2");
        other.expires = Some(UNIX_EPOCH + Duration::from_secs(1));
        other.notes.label = Some("x".into());
        other.notes.created = Some(UNIX_EPOCH);
        other.notes.replaced_by = Some(key(2, "").key_id());
        let fields = vec!["client", "label", "created", "expires", "replaced_by"];
        assert_eq!(refused(key(1, "App 1"), other), ConflictReason::Differs { fields });
    }

    #[test]
    fn other_key_of_the_same_id_is_refused() {
        let [mut bytes, mut others] = [[7; 32]; 2];
        (bytes[31], others[31]) = (0, 1);
        let with = |bytes| HeldKey { digest: KeyDigest::from_bytes(bytes), ..key(1, "App 1") };
        assert_eq!(refused(with(bytes), with(others)), ConflictReason::IdConflict);
    }

    #[test]
    fn keys_that_are_disabled_by_themselves_never_become_active() {
        let disabled = HeldKey { disabled: true, ..key(1, "App 1") };
        let new = Export::new(vec![client("App 1", true)], vec![disabled]);
        let imported = plan(&Export::default(), &new).imported;
        assert!(matches!(
            &imported.refused[..],
            [ImportConflict::Key { why: ConflictReason::Disabled, .. }]
        ));
    }
}

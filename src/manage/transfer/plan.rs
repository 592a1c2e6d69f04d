use std::collections::{HashMap, HashSet};

use super::{ConflictReason, Export, ImportConflict, Imported};
use crate::client::{ClientProfile, Scope};
use crate::key::KeyDigest;
use crate::manage::{ClientFacts, KeyFacts, Policy, rules};

/// The clients, keys and policy that an import adds, and its result.
pub(crate) struct ImportPlan<'a> {
    pub(crate) clients: Vec<&'a ClientFacts>,
    pub(crate) keys: Vec<&'a KeyFacts>,
    pub(crate) policy: Option<Policy>,
    pub(crate) imported: Imported,
}

/// Decides, for every store, which clients and keys of `new` are added to the `existing` ones. Keys that were purged or
/// removed with their client are refused.
pub(crate) fn plan<'a>(
    existing: &Export,
    purged: &HashSet<KeyDigest>,
    new: &'a Export,
) -> ImportPlan<'a> {
    let (clients, keys, imported) = Default::default();
    let mut plan = ImportPlan { clients, keys, policy: None, imported };
    plan.decide_policy(existing.policy, new.policy);
    let refused = plan.decide_clients(existing, new);
    plan.decide_keys(existing, purged, new, &refused);
    plan.imported.clients_added = plan.clients.len();
    plan.imported.keys_added = plan.keys.len();
    plan
}

impl<'a> ImportPlan<'a> {
    fn decide_policy(&mut self, existing: Policy, new: Policy) {
        if new == Policy::new() || new == existing {
            return;
        }
        if existing == Policy::new() {
            self.policy = Some(new);
            self.imported.policy_added = true;
            return;
        }
        let why = ConflictReason::Differs { fields: existing.differing(&new) };
        self.imported.refused.push(ImportConflict::Policy { why });
    }

    /// Returns the names of the refused clients.
    fn decide_clients(&mut self, existing: &Export, new: &'a Export) -> HashSet<&'a str> {
        let known = existing.clients.iter().map(|client| (client.profile.name(), client));
        let known = known.collect::<HashMap<_, _>>();
        let mut refused = HashSet::new();
        for client in &new.clients {
            let name = client.profile.name();
            let why = match known.get(name) {
                Some(known) if *known == client => {
                    self.imported.clients_kept += 1;
                    continue;
                }
                Some(known) => ConflictReason::Differs { fields: known.differing(client) },
                None => {
                    let Some(why) = reserved(client.profile.scopes()) else {
                        self.clients.push(client);
                        continue;
                    };
                    why
                }
            };
            refused.insert(name);
            self.imported.refused.push(ImportConflict::Client { name: name.to_owned(), why });
        }
        refused
    }

    fn decide_keys(
        &mut self,
        existing: &Export,
        purged: &HashSet<KeyDigest>,
        new: &'a Export,
        refused: &HashSet<&str>,
    ) {
        let known = existing.keys.iter().map(|key| (key.key_id(), key)).collect::<HashMap<_, _>>();
        for key in &new.keys {
            let key_id = key.key_id();
            let is_disabled = new.disabled.contains(&key_id);
            let why = match known.get(&key_id) {
                Some(known) if known.digest != key.digest => ConflictReason::IdConflict,
                Some(known) if known.revoked.is_some() && key.revoked.is_none() => {
                    ConflictReason::Revoked
                }
                Some(known) => {
                    let mut fields = known.differing(key);
                    if existing.disabled.contains(&key_id) != is_disabled {
                        fields.push("enabled");
                    }
                    if fields.is_empty() {
                        self.imported.keys_kept += 1;
                        continue;
                    }
                    ConflictReason::Differs { fields }
                }
                None if purged.contains(&key.digest) => ConflictReason::Purged,
                None if refused.contains(&*key.client) => ConflictReason::Client,
                None if is_disabled => ConflictReason::Disabled,
                None => {
                    // A client that is not refused is equal in both.
                    let client = new.client(&key.client);
                    let Some(why) = client.and_then(|client| lacked(&client.profile, key)) else {
                        self.keys.push(key);
                        continue;
                    };
                    why
                }
            };
            let client = key.client.clone();
            self.imported.refused.push(ImportConflict::Key { key_id, client, why });
        }
    }
}

fn reserved(scopes: &[Scope]) -> Option<ConflictReason> {
    let scope = scopes.iter().find(|scope| scope.is_reserved())?.clone();
    Some(ConflictReason::Reserved { scope })
}

fn lacked(client: &ClientProfile, key: &KeyFacts) -> Option<ConflictReason> {
    let scope = || {
        let scope = rules::lacked_scope(client, &key.scopes)?.clone();
        Some(ConflictReason::LacksScope { scope })
    };
    let network = || {
        let network = rules::lacked_network(client, &key.networks)?;
        Some(ConflictReason::LacksNetwork { network })
    };
    reserved(&key.scopes).or_else(scope).or_else(network)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::key::{Lifetime, Timestamp};

    fn plan<'a>(existing: &Export, new: &'a Export) -> ImportPlan<'a> {
        super::plan(existing, &HashSet::new(), new)
    }

    fn client(name: &str, enabled: bool) -> ClientFacts {
        ClientFacts { enabled, ..ClientFacts::new(name) }
    }

    fn key(number: u8, client: &str) -> KeyFacts {
        KeyFacts::new(KeyDigest::of(&[number]), client)
    }

    fn epoch() -> Timestamp {
        Timestamp::nearest(UNIX_EPOCH)
    }

    fn refused(existing: KeyFacts, new: KeyFacts) -> ConflictReason {
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
    fn policy_is_added_if_absent_and_refused_if_different() {
        let lifetime =
            |days: u64| Policy::new().with_max_lifetime(Duration::from_secs(days * 86_400));
        let held = |policy| Export::new(vec![], vec![]).with_policy(policy);
        for (existing, new, added, refused) in [
            (Policy::new(), Policy::new(), None, false),
            (Policy::new(), lifetime(9), Some(lifetime(9)), false),
            (lifetime(9), lifetime(9), None, false),
            (lifetime(9), Policy::new(), None, false),
            (lifetime(9), lifetime(8).require_expiry(), None, true),
        ] {
            let (existing, new) = (held(existing), held(new));
            let plan = plan(&existing, &new);
            assert_eq!((plan.policy, plan.imported.policy_added), (added, added.is_some()));
            let fields = vec!["max_lifetime", "require_expiry"];
            let why = ConflictReason::Differs { fields };
            let expected = if refused { vec![ImportConflict::Policy { why }] } else { vec![] };
            assert_eq!(plan.imported.refused, expected);
        }
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
        revoked.revoked = Some(epoch());
        assert_eq!(refused(revoked.clone(), key(1, "App 1")), ConflictReason::Revoked);
        let differs = ConflictReason::Differs { fields: vec!["revoked"] };
        assert_eq!(refused(key(1, "App 1"), revoked), differs);
    }

    #[test]
    fn purged_keys_are_refused() {
        let new = Export::new(vec![client("App 1", true)], vec![key(1, "App 1"), key(2, "App 1")]);
        let plan = super::plan(&Export::default(), &[key(1, "").digest].into(), &new);
        assert_eq!((plan.clients.len(), plan.keys.len()), (1, 1));
        assert!(matches!(
            &plan.imported.refused[..],
            [ImportConflict::Key { why: ConflictReason::Purged, key_id, .. }] if *key_id == key(1, "").key_id()
        ));
    }

    #[test]
    fn every_field_that_differs_is_named() {
        let mut other = key(1, "App 2");
        other.lifetime = Lifetime::default().with_expiry(UNIX_EPOCH);
        other.label = Some("x".into());
        other.scopes = vec!["orders:read".parse().unwrap()];
        other.networks = vec!["10.0.0.0/8".parse().unwrap()];
        other.created = Some(epoch());
        other.replaced_by = Some(key(2, "").key_id());
        let fields =
            vec!["client", "label", "scopes", "networks", "created", "replaced_by", "expires"];
        assert_eq!(refused(key(1, "App 1"), other), ConflictReason::Differs { fields });
    }

    #[test]
    fn scopes_that_the_client_lacks_are_refused() {
        let scopes = |text: &str| vec![text.parse::<Scope>().unwrap()];
        let of_client = |scope| {
            let profile = ClientProfile::new("App 1").with_scopes(scopes(scope));
            vec![ClientFacts::new(profile)]
        };
        let of_key = |scope| vec![KeyFacts { scopes: scopes(scope), ..key(1, "App 1") }];
        let why = |client, key| {
            let new = Export::new(of_client(client), of_key(key));
            let imported = plan(&Export::default(), &new).imported;
            let mut reasons = imported.refused.into_iter().map(|refused| match refused {
                ImportConflict::Policy { why }
                | ImportConflict::Client { why, .. }
                | ImportConflict::Key { why, .. } => why,
            });
            reasons.next()
        };
        assert_eq!(why("orders:*", "orders:read"), None);
        let scope = "stock:read".parse().unwrap();
        assert_eq!(why("orders:*", "stock:read"), Some(ConflictReason::LacksScope { scope }));
        let scope: Scope = "keygate:admin".parse().unwrap();
        let reserved = Some(ConflictReason::Reserved { scope });
        assert_eq!(why("keygate:admin", "keygate:admin"), reserved);
        assert_eq!(why("*", "keygate:admin"), reserved);
        // The import does not add a client that is in both stores.
        let both = || Export::new(of_client("keygate:admin"), Vec::new());
        assert!(plan(&both(), &both()).imported.is_complete());
    }

    #[test]
    fn networks_outside_those_of_the_client_are_refused() {
        let network = |text: &str| text.parse::<crate::client::Network>().unwrap();
        let profile = ClientProfile::new("App 1").with_networks([network("10.0.0.0/8")]);
        let refused = |text: &str| {
            let key = KeyFacts { networks: vec![network(text)], ..key(1, "App 1") };
            let new = Export::new(vec![ClientFacts::new(profile.clone())], vec![key]);
            plan(&Export::default(), &new).imported.refused
        };
        assert_eq!(refused("10.1.0.0/16"), []);
        let outside = ConflictReason::LacksNetwork { network: network("11.0.0.0/16") };
        assert!(matches!(
            &refused("11.0.0.0/16")[..],
            [ImportConflict::Key { why, .. }] if *why == outside
        ));
    }

    #[test]
    fn different_key_with_the_same_id_is_refused() {
        let [mut bytes, mut others] = [[7; 32]; 2];
        (bytes[31], others[31]) = (0, 1);
        let with = |bytes| KeyFacts { digest: KeyDigest::from_bytes(bytes), ..key(1, "App 1") };
        assert_eq!(refused(with(bytes), with(others)), ConflictReason::IdConflict);
    }

    #[test]
    fn disabled_keys_of_enabled_clients_are_refused() {
        let key = key(1, "App 1");
        let disabled = [key.key_id()].into();
        let new = Export::new(vec![client("App 1", true)], vec![key]).with_disabled(disabled);
        let imported = plan(&Export::default(), &new).imported;
        assert!(matches!(
            &imported.refused[..],
            [ImportConflict::Key { why: ConflictReason::Disabled, .. }]
        ));
    }
}

use std::sync::Arc;

use super::network::Networks;
use super::profile::Fields;
use super::{ClientProfile, Network, Scope};
use crate::key::{Lifetime, Timestamp};

/// The restrictions of one key, in addition to those of its client.
///
/// A key with restrictions has its own profile, which holds them. Most keys have none, and share the profile of their
/// client.
#[derive(Clone, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct KeyRestrictions {
    pub(crate) not_before: Option<Timestamp>,
    /// Sorted. If empty, the key has the scopes of its client.
    pub(crate) scopes: Vec<Scope>,
    /// Sorted. If empty, the key may be used from the networks of its client.
    pub(crate) networks: Vec<Network>,
}

/// The profile of a key with restrictions. It contains everything that a request reads, since another allocation might
/// not be in a cache. These fields come first and lie together.
// In the order that the compiler chose, the networks and the beginning of a key were in two cache lines.
#[derive(Clone, PartialEq, Eq)]
#[repr(C)]
pub(super) struct KeyProfile {
    /// The networks from which the key may be used, if it may not be used from everywhere.
    networks: Option<Networks>,
    /// The effective scopes of the key.
    pub(super) scopes: Arc<[Scope]>,
    restrictions: KeyRestrictions,
    pub(super) client: ClientProfile,
}

impl KeyProfile {
    fn new(client: ClientProfile, restrictions: KeyRestrictions) -> Self {
        let KeyRestrictions { not_before: _, scopes, networks } = &restrictions;
        let details = client.details();
        let scopes = if scopes.is_empty() {
            details.map(|details| Arc::clone(&details.scopes)).unwrap_or_default()
        } else {
            narrowed(client.scopes(), scopes, Scope::covers).into()
        };
        let networks = match (client.networks(), &**networks) {
            ([], []) => None,
            ([], networks) | (networks, []) => Some(networks.to_vec()),
            (client, key) => Some(narrowed(client, key, |one, other| one.covers(*other))),
        };
        Self { networks: networks.map(Networks::from), scopes, restrictions, client }
    }
}

impl ClientProfile {
    /// Returns whether a key with this profile may be refused although its packed status is zero.
    #[inline]
    pub(crate) fn is_restricted(&self) -> bool {
        match self.fields() {
            Fields::Name(_) | Fields::Detailed(_) => false,
            Fields::WithNetworks(_) | Fields::OfKey(_) => true,
        }
    }

    /// Returns the profile of the client, without the restrictions of a key.
    pub(crate) fn client(&self) -> &Self {
        match self.fields() {
            Fields::Name(_) | Fields::Detailed(_) | Fields::WithNetworks(_) => self,
            Fields::OfKey(key) => &key.client,
        }
    }

    /// Removes the restrictions of a key: the profile of a verified client may have some.
    pub(crate) fn into_client(self) -> Self {
        if self.restrictions().is_some() { self.client().clone() } else { self }
    }

    /// Returns the restrictions of the key that has this profile, if it has any.
    pub(crate) fn restrictions(&self) -> Option<&KeyRestrictions> {
        match self.fields() {
            Fields::Name(_) | Fields::Detailed(_) | Fields::WithNetworks(_) => None,
            Fields::OfKey(key) => Some(&key.restrictions),
        }
    }

    /// Returns the lifetime of a key with this profile and expiry.
    pub(crate) fn lifetime(&self, expires: Option<Timestamp>) -> Lifetime {
        Lifetime { not_before: self.restrictions().and_then(|key| key.not_before), expires }
    }

    /// Returns the networks of the key that has this profile.
    pub(crate) fn key_networks(&self) -> &[Network] {
        self.restrictions().map_or(&[], |key| &key.networks)
    }

    /// Returns the networks from which a key with this profile may be used: those of the key within those of its client.
    /// `None` if it may be used from everywhere.
    pub(crate) fn allowed_networks(&self) -> Option<&[Network]> {
        match self.fields() {
            Fields::Name(_) | Fields::Detailed(_) => None,
            Fields::WithNetworks(details) => Some(details.networks.as_slice()),
            Fields::OfKey(key) => key.networks.as_ref().map(Networks::as_slice),
        }
    }

    /// Returns the profile for a key with these restrictions, in place of any others.
    pub(crate) fn for_key(&self, restrictions: KeyRestrictions) -> Self {
        let client = self.client().clone();
        if restrictions == KeyRestrictions::default() {
            return client;
        }
        Self::from_fields(Fields::OfKey(Box::new(KeyProfile::new(client, restrictions))))
    }

    /// Returns the profile with the restrictions of the key that has the other profile.
    pub(crate) fn restricted_as(&self, other: &Self) -> Self {
        match other.restrictions() {
            None => self.clone(),
            Some(restrictions) => self.for_key(restrictions.clone()),
        }
    }

    /// Changes the restrictions of the key that has this profile.
    pub(crate) fn restricted(self, change: impl FnOnce(&mut KeyRestrictions)) -> Self {
        let mut restrictions = self.restrictions().cloned().unwrap_or_default();
        change(&mut restrictions);
        if self.restrictions().is_none() && restrictions == KeyRestrictions::default() {
            return self;
        }
        self.for_key(restrictions)
    }
}

/// Returns the scopes or networks that cover what both the client and the key cover.
fn narrowed<T: Clone + Ord>(client: &[T], key: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let both = |of_client: &T, of_key: &T| {
        if covers(of_client, of_key) {
            Some(of_key.clone())
        } else {
            covers(of_key, of_client).then(|| of_client.clone())
        }
    };
    let both = &both;
    sorted(key.iter().flat_map(|key| client.iter().filter_map(move |client| both(client, key))))
}

/// Sorts a list and removes duplicates.
pub(crate) fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items = items.into_iter().collect::<Vec<_>>();
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Vec<Scope> {
        sorted(text.split_whitespace().map(|scope| scope.parse().unwrap()))
    }

    #[test]
    fn key_has_scopes_that_it_and_its_client_cover() {
        for (client, key, has) in [
            ("orders:read orders:write", "orders:read", "orders:read"),
            ("orders:*", "orders:read stock:read", "orders:read"),
            ("orders:read", "orders:*", "orders:read"),
            ("orders:read", "*", "orders:read"),
            ("*", "orders:*", "orders:*"),
            ("orders:*", "orders:*", "orders:*"),
            ("a:* b", "a:x:* *", "a:* a:x:* b"),
            ("stock:read", "orders:read", ""),
            ("", "orders:read", ""),
            ("*", "keygate:admin", ""),
            ("keygate:admin", "*", ""),
            ("keygate:*", "keygate:admin", "keygate:admin"),
            ("orders:read", "", "orders:read"),
        ] {
            let profile = ClientProfile::new("App 1").with_scopes(scopes(client));
            let narrowed = profile.clone().restricted(|it| it.scopes = scopes(key));
            assert_eq!(narrowed.scopes(), scopes(has), "{client} and {key}");
            assert_eq!(*narrowed.client(), profile);
            // The restrictions stay, so that a client that gets its scopes back restores its keys.
            let restrictions = narrowed.restrictions().cloned().unwrap_or_default();
            assert_eq!(restrictions.scopes, scopes(key));
            assert_eq!(profile.for_key(restrictions), narrowed);
            let later = profile.restricted(|it| it.not_before = Some(Timestamp::FIRST));
            assert_eq!(later.scopes(), scopes(client));
        }
    }

    #[test]
    fn key_is_used_from_its_networks_within_those_of_its_client() {
        let networks = |text: &str| sorted(text.split_whitespace().map(|it| it.parse().unwrap()));
        for (client, key, allowed) in [
            ("", "", None),
            ("10.0.0.0/8 ::1", "", Some("10.0.0.0/8 ::1")),
            ("", "10.1.0.0/16", Some("10.1.0.0/16")),
            ("10.0.0.0/8", "10.1.0.0/16", Some("10.1.0.0/16")),
            ("10.0.0.0/8", "10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.0.0/16 10.2.0.0/16", "10.0.0.0/8 ::1", Some("10.1.0.0/16 10.2.0.0/16")),
            ("10.0.0.0/8 ::/0", "10.1.0.0/16 ::1", Some("10.1.0.0/16 ::1")),
            // The client has lost the key's only network, so the key may be used from nowhere.
            ("10.0.0.0/16", "10.1.0.0/16", Some("")),
        ] {
            let profile = ClientProfile::new("App 1").with_networks(networks(client));
            let profile = profile.restricted(|it| it.networks = networks(key));
            assert_eq!(profile.allowed_networks(), allowed.map(networks).as_deref());
            assert_eq!(profile.networks(), networks(client));
            assert_eq!(profile.key_networks(), networks(key));
            assert_eq!(profile.is_restricted(), allowed.is_some());
        }
    }

    #[test]
    fn changed_profile_has_no_restrictions() {
        let profile = ClientProfile::new("App 1").with_scopes(scopes("orders:*"));
        let key = profile.clone().restricted(|it| it.scopes = scopes("orders:read"));
        assert!(key.is_restricted() && !profile.is_restricted());
        assert!(key.is_same(&profile));
        assert_eq!(key.clone().into_client(), profile);
        let changed = key.with_scopes(scopes("stock:read"));
        assert!(!changed.is_restricted());
        assert_eq!(changed.scopes(), scopes("stock:read"));
    }
}

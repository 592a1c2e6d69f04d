use std::fmt;
use std::str::FromStr;

use super::{ClientFacts, ClientInfo, KeyInfo};
use crate::client::ProfileParts;
use crate::key::{KeyDigest, KeyState, Timestamp};

/// The state of a client or key, as an opaque text that differs after every change.
///
/// It is computed from the facts of a client or key, so all stores agree on it and none needs to store it. Pass it to
/// [`ManageKeys::if_version`](crate::ManageKeys::if_version) to refuse a change if the client or key has changed
/// meanwhile.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::manage::{ClientChange, ManageError, Version};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let shown = store.add_client("App 1")?.version();
/// assert_eq!(shown.to_string().parse::<Version>()?, shown);
///
/// // Somebody else changes the client before the form is sent.
/// store.update_client("App 1", ClientChange::new().set_metadata("team", "billing"))?;
/// let refused = store.if_version(shown).disable_client("App 1").unwrap_err();
/// let ManageError::ClientChanged { current } = refused else { panic!("{refused}") };
/// assert_eq!(current.profile.metadata()["team"], "billing");
/// store.if_version(current.version()).disable_client("App 1")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    /// Parses the text of a version.
    ///
    /// # Errors
    ///
    /// The text is not 16 lowercase hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 16 || !is_digits {
            return Err(ParseVersionError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ParseVersionError)
    }
}

/// Error of parsing a [`Version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version has 16 lowercase hexadecimal digits: copy it as it was shown")]
#[non_exhaustive]
pub struct ParseVersionError;

impl ClientFacts {
    pub(crate) fn version(&self) -> Version {
        let Self { profile, enabled } = self;
        let ProfileParts { name, title, scopes, networks, quota, metadata } = profile.parts();
        let mut facts = Encoding::default();
        facts.text("client");
        facts.text(name);
        facts.text(enabled);
        facts.list(title);
        facts.list(scopes);
        facts.list(networks);
        facts.list(quota);
        facts.list(metadata.iter().flat_map(|(name, value)| [name, value]));
        facts.version()
    }
}

impl ClientInfo {
    /// Returns the version of the client, which differs after every change of the client. Its keys do not affect it.
    pub fn version(&self) -> Version {
        let Self { profile, enabled, keys: _ } = self;
        ClientFacts { profile: profile.clone(), enabled: *enabled }.version()
    }
}

impl KeyInfo {
    /// Returns the version of the key, which differs after every change of the key. Its client and its use do not
    /// affect it.
    pub fn version(&self) -> Version {
        let Self {
            key_id,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
            state,
            last_used: _,
        } = self;
        let micros = |time: Timestamp| time.micros();
        let [created, revoked] =
            [created, revoked].map(|time| time.map(Timestamp::nearest).map(micros));
        let mut facts = Encoding::default();
        facts.text("key");
        facts.text(key_id);
        facts.text(client);
        facts.list(label);
        facts.list(scopes);
        facts.list(networks);
        facts.list(created);
        lifetime.times().into_iter().for_each(|(_, time)| facts.list(time.map(micros)));
        facts.list(revoked);
        facts.list(replaced_by);
        facts.text(*state == KeyState::Revoked);
        facts.version()
    }
}

/// A canonical encoding: each text with its length, and each list with its number of texts.
#[derive(Default)]
struct Encoding(String);

impl Encoding {
    fn text(&mut self, text: impl fmt::Display) {
        let text = text.to_string();
        self.0.extend([&*text.len().to_string(), ":", &text]);
    }

    /// Adds a list, or an optional value.
    fn list(&mut self, texts: impl IntoIterator<Item = impl fmt::Display>) {
        let (mut all, mut count) = (Self::default(), 0);
        for text in texts {
            all.text(text);
            count += 1;
        }
        self.text(count);
        self.0.push_str(&all.0);
    }

    fn version(self) -> Version {
        Version(KeyDigest::of(self.0.as_bytes()).prefix())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::client::ClientProfile;
    use crate::manage::KeyFacts;

    #[test]
    fn version_differs_when_any_fact_of_a_client_differs() {
        let named = || ClientProfile::new("App 1");
        let scopes = |scopes: &[&str]| {
            named().with_scopes(scopes.iter().map(|scope| scope.parse().unwrap()))
        };
        let quota = |quota: &str| named().with_quota(quota.parse().unwrap());
        let clients = [
            named(),
            ClientProfile::new("App 2"),
            scopes(&["a"]),
            scopes(&["a", "b"]),
            scopes(&["a.b"]),
            named().with_title("a"),
            named().with_networks(["10.0.0.0/8".parse().unwrap()]),
            quota("unlimited"),
            quota("1/day"),
            quota("1/hour"),
            named().with_metadata([("a", "b")]),
            named().with_metadata([("a", "")]),
            named().with_metadata([("a", "1:b")]),
            named().with_metadata([("a", "b"), ("c", "d")]),
        ];
        let clients = clients.map(ClientFacts::new);
        let disabled = ClientFacts { enabled: false, ..clients[0].clone() };
        let versions = clients.iter().chain([&disabled]).map(ClientFacts::version);
        assert_eq!(versions.collect::<HashSet<_>>().len(), clients.len() + 1);
        let info = clients[3].clone().info(7);
        assert_eq!(info.version(), clients[3].version());
    }

    #[test]
    fn version_differs_when_any_fact_of_a_key_differs() {
        let time = |seconds| Timestamp::nearest(UNIX_EPOCH + Duration::from_secs(seconds));
        let plain = KeyFacts::new(KeyDigest::of(b"one"), "App 1");
        let changes: [fn(&mut KeyFacts, Timestamp); 9] = [
            |_, _| {},
            |key, _| key.digest = KeyDigest::of(b"two"),
            |key, _| key.client = "App 2".to_owned(),
            |key, _| key.label = Some("x".to_owned()),
            |key, _| key.scopes = vec!["a".parse().unwrap()],
            |key, _| key.networks = vec!["10.0.0.0/8".parse().unwrap()],
            |key, time| key.created = Some(time),
            |key, time| key.revoked = Some(time),
            |key, _| key.replaced_by = Some(KeyDigest::of(b"two").key_id()),
        ];
        let mut versions = HashSet::new();
        for (change, seconds) in changes.iter().flat_map(|change| [(change, 1), (change, 2)]) {
            let mut key = plain.clone();
            change(&mut key, time(seconds));
            versions.insert(key.info(true).version());
        }
        for seconds in [1, 2] {
            let at = time(seconds).system_time();
            for lifetime in [plain.lifetime.with_expiry(at), plain.lifetime.with_not_before(at)] {
                versions.insert(KeyFacts { lifetime, ..plain.clone() }.info(true).version());
            }
        }
        assert_eq!(versions.len(), 15);
        let [enabled, disabled] = [true, false].map(|enabled| plain.clone().info(enabled));
        assert_eq!(enabled.version(), disabled.version());
    }

    #[test]
    fn version_is_the_same_on_every_machine() {
        let client = ClientFacts::new(ClientProfile::new("App 1").with_metadata([("a", "b")]));
        assert_eq!(client.version().to_string(), "955a456a28462696");
        let key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        assert_eq!(key.version().to_string(), "d35f9cd3d08f7c64");
    }

    #[test]
    fn only_the_text_of_a_version_parses() {
        for text in
            ["", "1f0c2b7a9d3e4c5", "1F0C2B7A9D3E4C58", "+f0c2b7a9d3e4c58", "é0c2b7a9d3e4c58"]
        {
            assert_eq!(text.parse::<Version>(), Err(ParseVersionError), "{text}");
        }
    }
}

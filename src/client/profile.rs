use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
#[cfg(feature = "postgres")]
use std::hint::black_box;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::client::label::{self, LabelError, MAX_NAME_CHARS};
use crate::client::{Quota, Scope};
use crate::key::invisible::{self, InvisibleChar};

/// The most that the names and values of a client's metadata may hold together, in bytes.
pub const MAX_METADATA_BYTES: usize = 4096;

/// What is known of a client: its name, its scopes, its quota, its metadata.
///
/// A profile is a handle: cloning it costs a reference count, and all keys of a client share one.
/// A name alone converts into a profile, so a store takes `"User 1"` where it takes a profile.
///
/// ```
/// use keygate::ClientProfile;
///
/// let profile = ClientProfile::new("App 1")
///     .with_scopes(["orders:read".parse()?, "stock:*".parse()?])
///     .with_quota("100/minute".parse()?)
///     .with_metadata([("team", "billing")]);
/// assert_eq!(profile.name(), "App 1");
/// assert_eq!(profile.metadata()["team"], "billing");
/// profile.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientProfile(Arc<Facts>);

/// Most clients are a name and nothing else: they cost no more than that (24 bytes up to a name of
/// 23, checked below), because a store may hold millions.
#[derive(Clone, PartialEq, Eq)]
enum Facts {
    Name(SmolStr),
    Detailed(Box<Details>),
}

const _: () = assert!(size_of::<Facts>() == 24);

#[derive(Clone, Default, PartialEq, Eq)]
struct Details {
    name: SmolStr,
    scopes: Vec<Scope>,
    quota: Option<Quota>,
    metadata: BTreeMap<String, String>,
}

impl ClientProfile {
    /// A client of this name, without scopes, quota or metadata.
    ///
    /// Every store refuses a name that [`ClientProfile::validate`] refuses.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::new(Facts::Name(SmolStr::new(name))))
    }

    /// Replaces the scopes: what the client may do. None means nothing that needs a scope.
    ///
    /// They are kept in their order, each once.
    #[must_use]
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes: BTreeSet<_> = scopes.into_iter().collect();
        self.with(|details| details.scopes = scopes.into_iter().collect())
    }

    /// Replaces the quota: how much the client may ask for.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        self.with(|details| details.quota = Some(quota))
    }

    /// Replaces the metadata: texts of your own that travel with the client.
    #[must_use]
    pub fn with_metadata<K, V>(self, metadata: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let metadata = metadata.into_iter().map(|(name, value)| (name.into(), value.into()));
        let metadata = metadata.collect();
        self.with(|details| details.metadata = metadata)
    }

    fn with(self, change: impl FnOnce(&mut Details)) -> Self {
        let mut details = match Arc::unwrap_or_clone(self.0) {
            Facts::Name(name) => Box::new(Details { name, ..Details::default() }),
            Facts::Detailed(details) => details,
        };
        change(&mut details);
        // So that profiles that say the same are the same.
        let plain =
            details.scopes.is_empty() && details.quota.is_none() && details.metadata.is_empty();
        Self(Arc::new(if plain { Facts::Name(details.name) } else { Facts::Detailed(details) }))
    }

    fn details(&self) -> Option<&Details> {
        match &*self.0 {
            Facts::Name(_) => None,
            Facts::Detailed(details) => Some(details),
        }
    }

    /// The name of the client, which tells it from all others.
    pub fn name(&self) -> &str {
        match &*self.0 {
            Facts::Name(name) => name,
            Facts::Detailed(details) => &details.name,
        }
    }

    /// What the client may do.
    pub fn scopes(&self) -> &[Scope] {
        self.details().map_or(&[], |details| &details.scopes)
    }

    /// How much the client may ask for, where that is said.
    pub fn quota(&self) -> Option<&Quota> {
        self.details()?.quota.as_ref()
    }

    /// The texts that travel with the client.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.details().map_or(&NONE, |details| &details.metadata)
    }

    /// Whether both are handles of one profile.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Reads the count of its handles, which may lie in another line of the machine's memory than its
    /// name. A clone writes it, and whatever comes after that waits for the line: so who clones many
    /// reads all of their counts first, and waits for those lines together.
    #[cfg(feature = "postgres")]
    pub(crate) fn touch(&self) {
        black_box(Arc::strong_count(&self.0));
    }

    /// What is different for profiles that are not the same.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Checks the rules that every store keeps.
    ///
    /// # Errors
    ///
    /// A name that is empty, longer than [`MAX_NAME_CHARS`], or has control characters, characters that
    /// people cannot see, or outer blanks; metadata of more than [`MAX_METADATA_BYTES`], with a zero
    /// character, or with a name that has a character that people cannot see.
    pub fn validate(&self) -> Result<(), ProfileError> {
        label::check(self.name())?;
        let bytes = self.metadata().iter().map(|(name, value)| name.len() + value.len());
        if bytes.sum::<usize>() > MAX_METADATA_BYTES {
            return Err(ProfileError::MetadataTooLong);
        }
        let mut texts = self.metadata().iter().flat_map(|(name, value)| [name, value]);
        if texts.any(|text| text.contains('\0')) {
            return Err(ProfileError::MetadataZero);
        }
        if let Some(found) = self.metadata().keys().find_map(|name| invisible::in_name(name)) {
            return Err(ProfileError::MetadataInvisible(found));
        }
        Ok(())
    }
}

impl From<&str> for ClientProfile {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for ClientProfile {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&ClientProfile> for ClientProfile {
    fn from(profile: &ClientProfile) -> Self {
        profile.clone()
    }
}

impl fmt::Debug for ClientProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClientProfile");
        shown.field("name", &self.name());
        if let Some(details) = self.details() {
            // Metadata is the service's own and may be private: only its names are shown.
            shown
                .field("scopes", &details.scopes)
                .field("quota", &details.quota)
                .field("metadata", &details.metadata.keys());
        }
        shown.finish()
    }
}

/// Why a profile is not one that a store takes. It holds no text of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The name is empty or blank.
    #[error("the client has no name: write the name of who is to have this key")]
    NoName,
    /// The name is longer than [`MAX_NAME_CHARS`].
    #[error("the name of the client is longer than {MAX_NAME_CHARS} characters")]
    NameTooLong,
    /// There is a control character or a line end in the name.
    #[error("the name of the client holds a control character or a line end")]
    NameControl,
    /// The name has a character that people cannot see.
    #[error("the name of the client holds {0}, which people cannot see")]
    NameInvisible(InvisibleChar),
    /// The name is a key, and names are shown.
    #[error("what stands in the place of the client's name is a key")]
    NameIsKey,
    /// The name begins or ends with a blank.
    #[error("the name of the client begins or ends with a blank")]
    NameOuterBlank,
    /// The metadata is longer than [`MAX_METADATA_BYTES`].
    #[error("the metadata of the client is longer than {MAX_METADATA_BYTES} bytes in all")]
    MetadataTooLong,
    /// There is a zero character in the metadata.
    #[error("the metadata of the client holds a zero character, which no PostgreSQL can keep")]
    MetadataZero,
    /// A name in the metadata has a character that people cannot see.
    #[error("a name in the metadata of the client holds {0}, which people cannot see")]
    MetadataInvisible(InvisibleChar),
}

impl From<LabelError> for ProfileError {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::Empty => Self::NoName,
            LabelError::TooLong => Self::NameTooLong,
            LabelError::Control => Self::NameControl,
            LabelError::Invisible(found) => Self::NameInvisible(found),
            LabelError::OuterBlank => Self::NameOuterBlank,
            LabelError::Key => Self::NameIsKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_names_and_metadata_are_kept() {
        let long = "n".repeat(MAX_NAME_CHARS + 1);
        let key = crate::ApiKey::generate("kg").unwrap();
        let cases = [
            ("", Err(ProfileError::NoName)),
            (" \u{a0}", Err(ProfileError::NoName)),
            (&long, Err(ProfileError::NameTooLong)),
            (&long[1..], Ok(())),
            ("User\n1", Err(ProfileError::NameControl)),
            ("User\u{85}1", Err(ProfileError::NameControl)),
            (" User 1", Err(ProfileError::NameOuterBlank)),
            ("User 1 ", Err(ProfileError::NameOuterBlank)),
            ("Größe 1", Ok(())),
            (
                "User \u{202e}1",
                Err(ProfileError::NameInvisible(InvisibleChar {
                    character: '\u{202e}',
                    position: 6,
                })),
            ),
            (key.expose(), Err(ProfileError::NameIsKey)),
        ];
        for (name, answer) in cases {
            assert_eq!(ClientProfile::from(name).validate(), answer, "{name:?}");
        }
        let full =
            ClientProfile::new("n").with_metadata([("k", "v".repeat(MAX_METADATA_BYTES - 1))]);
        assert_eq!(full.validate(), Ok(()));
        let over = ClientProfile::new("n").with_metadata([("k", "v".repeat(MAX_METADATA_BYTES))]);
        assert_eq!(over.validate(), Err(ProfileError::MetadataTooLong));
        for pair in [("k", "v\0"), ("\0", "v")] {
            let zero = ClientProfile::new("n").with_metadata([pair]);
            assert_eq!(zero.validate(), Err(ProfileError::MetadataZero));
        }
        let unseen = ClientProfile::new("n").with_metadata([("te\u{2060}am", "x")]);
        let found = InvisibleChar { character: '\u{2060}', position: 3 };
        assert_eq!(unseen.validate(), Err(ProfileError::MetadataInvisible(found)));
        let family = ClientProfile::new("n").with_metadata([("team", "👨\u{200d}👩")]);
        assert_eq!(family.validate(), Ok(()));
    }

    #[test]
    fn profiles_that_say_the_same_are_equal() {
        let scope = |text: &str| text.parse().unwrap();
        let named = ClientProfile::new("n");
        assert_eq!(named.clone().with_scopes([]).with_metadata([("", ""); 0]), named);
        let [one, other] = [["a", "b", "a"], ["b", "a", "b"]]
            .map(|scopes| named.clone().with_scopes(scopes.map(scope)));
        assert_eq!(one, other);
        assert_eq!(one.scopes().len(), 2);
    }

    #[test]
    fn changing_a_profile_leaves_its_other_handles_as_they_were() {
        let before = ClientProfile::new("User 1").with_metadata([("team", "a")]);
        let after = before.clone().with_metadata([("team", "b")]);
        assert_eq!((&*before.metadata()["team"], &*after.metadata()["team"]), ("a", "b"));
        assert_ne!(before, after);
    }
}

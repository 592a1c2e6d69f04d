use super::FileParser;
use super::fields::Fields;
use super::values::{networks, parsed, scopes, time_of};
use crate::client::{ClientProfile, label, sorted};
use crate::key::{Lifetime, Rounding};
use crate::manage::KeyFacts;
use crate::store::yaml::error::WarningKind;
use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::Node;

#[derive(Clone, Copy)]
pub(super) enum KeyField {
    Digest,
    Label,
    Scopes,
    Networks,
    Created,
    NotBefore,
    Expires,
    ReplacedBy,
    Revoked,
}

pub(super) const KEY: Fields<KeyField> = Fields {
    known: &[
        ("digest", KeyField::Digest),
        ("label", KeyField::Label),
        ("scopes", KeyField::Scopes),
        ("networks", KeyField::Networks),
        ("created", KeyField::Created),
        ("not_before", KeyField::NotBefore),
        ("expires", KeyField::Expires),
        ("replaced_by", KeyField::ReplacedBy),
        ("revoked", KeyField::Revoked),
    ],
    fallback: "digest",
    hint: "a key has `digest`, `label`, `scopes`, `networks`, `created`, `not_before`, `expires`, `replaced_by` and \
           `revoked`",
};

impl FileParser<'_> {
    pub(super) fn read_client_keys(
        &mut self,
        profile: &ClientProfile,
        value: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        value.sequence("a list of keys", "write each as `- digest: sha256:...`")?;
        while let Some(item) = events.entry()? {
            let depth = events.depth_before(&item);
            let result = self.read_client_key(profile, &item, events);
            self.errors.collect(result)?;
            events.skip_to(depth)?;
        }
        Ok(())
    }

    fn read_client_key(
        &mut self,
        profile: &ClientProfile,
        item: &Node<'_>,
        events: &mut Events<'_>,
    ) -> Result<(), LoadError> {
        item.mapping("a key", "write it as `- digest: sha256:...`")?;
        let (mut digest, mut label, mut replaced) = (None, None, None);
        let (mut key_scopes, mut key_networks) = (Vec::new(), Vec::new());
        let (mut created, mut lifetime, mut revoked) = (None, Lifetime::default(), None);
        let mut end = item.position;
        let mut seen = KEY.seen();
        self.read_pairs(events, "the name of a field", KEY.hint, |file, field, value, events| {
            let position = value.position;
            match seen.field(field)? {
                KeyField::Digest => {
                    // An invalid digest is not also reported as missing.
                    digest = Some((None, position));
                    let hint = "write `sha256:` and 64 hexadecimal digits";
                    let parsed = parsed(value, "a digest", hint, LoadErrorKind::Digest)?;
                    digest = Some((Some(parsed), position));
                }
                KeyField::Label => {
                    let text = value.text("a label", "write a short text, or remove the line")?;
                    label::check(&text)
                        .map_err(|error| LoadErrorKind::Label(error).at(position))?;
                    file.warn_if_key("this label", &text, position);
                    label = Some(text.to_owned());
                }
                KeyField::Scopes => {
                    key_scopes = scopes(&value, events)?;
                    if key_scopes.is_empty() {
                        return Err(LoadErrorKind::NoKeyScopes.at(position));
                    }
                }
                KeyField::Networks => key_networks = networks(&value, events)?,
                KeyField::Created => created = Some(time_of(value, Rounding::Down)?),
                KeyField::NotBefore => {
                    lifetime.not_before = Some(time_of(value, Rounding::Up)?);
                }
                KeyField::Expires => {
                    lifetime.expires = Some(time_of(value, Rounding::Down)?);
                    end = position;
                }
                KeyField::Revoked => revoked = Some(time_of(value, Rounding::Down)?),
                KeyField::ReplacedBy => {
                    let hint = "write its 16 hexadecimal digits";
                    let id = parsed(value, "the id of a key", hint, LoadErrorKind::KeyId)?;
                    replaced = Some((id, position));
                }
            }
            Ok(())
        })?;
        let (digest, position) = digest.ok_or_else(|| LoadErrorKind::NoDigest.at(item.position))?;
        let Some(digest) = digest else { return Ok(()) };
        if let (Some((id, position)), None) = (replaced, revoked) {
            self.successors.push((id, position));
            if lifetime.expires.is_none() {
                self.warn(WarningKind::ReplacedWithoutExpiry, position);
            }
        }
        // Revocations and rotations may end a key before its beginning.
        if lifetime.never_works() && revoked.is_none() && replaced.is_none() {
            self.warn(WarningKind::NeverValid, end);
        }
        let client = profile.name().to_owned();
        let replaced_by = replaced.map(|(id, _)| id);
        let scopes = sorted(key_scopes.iter().map(|(scope, _)| scope.clone()));
        self.key_scopes.extend(key_scopes);
        let networks = sorted(key_networks.iter().map(|(network, _)| *network));
        self.key_networks.extend(key_networks);
        let key = KeyFacts {
            digest,
            client,
            label,
            scopes,
            networks,
            created,
            lifetime,
            revoked,
            replaced_by,
        };
        self.keys.push_facts(key, profile, position);
        Ok(())
    }
}

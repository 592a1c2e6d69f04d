use super::fields::Fields;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::Node;

/// The newest supported version of the file format.
const VERSION: u32 = 1;

#[derive(Clone, Copy)]
pub(super) enum RootField {
    ApiKey,
    ApiKeys,
    AllowWeakKeys,
    Version,
    Policy,
    Clients,
}

pub(super) const ROOT: Fields<RootField> = Fields {
    known: &[
        ("api_key", RootField::ApiKey),
        ("api_keys", RootField::ApiKeys),
        ("allow_weak_keys", RootField::AllowWeakKeys),
        ("version", RootField::Version),
        ("policy", RootField::Policy),
        ("clients", RootField::Clients),
    ],
    fallback: "api_keys",
    hint: "write keys indented below `api_keys:`, as `KEY: client name`",
};

/// For a file that has only keys.
pub(super) const OWN_ROOT: Fields<RootField> = Fields {
    hint: "write keys indented below `api_keys:`, as `KEY: client name`; for keys in an application's own file, use \
           `YamlStore::options().embedded()`",
    ..ROOT
};

pub(super) fn check_version(value: Node<'_>) -> Result<(), LoadError> {
    let position = value.position;
    let (expected, hint) = ("a whole number", "write `version: 1`, or remove the line");
    let wrong = value.wrong_type(expected, hint);
    match value.number(expected, hint)?.parse::<u32>() {
        Ok(1..=VERSION) => Ok(()),
        Ok(VERSION..) => Err(LoadErrorKind::Version { known: VERSION }.at(position)),
        _ => Err(wrong),
    }
}

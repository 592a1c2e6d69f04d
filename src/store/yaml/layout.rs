use std::sync::Arc;

use super::load_error::LoadErrorKind;

/// The section of an application's own file, unless another one is named.
pub(super) const SECTION: &str = "keygate";

/// The place of the keys in a file.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// The file contains only keys.
    Own,
    /// The file is an application's own, with `api_key` and `api_keys` at the top level, and all other fields below
    /// these names.
    Embedded(Arc<[Box<str>]>),
    /// A folder with a file for each client.
    Folder,
}

impl Layout {
    /// Parses the name of a section, such as `auth.keys`.
    pub(super) fn embedded(section: &str) -> Result<Self, LoadErrorKind> {
        let names = section.split('.').map(Box::from).collect::<Arc<[Box<str>]>>();
        let is_name = |name: &str| {
            !name.is_empty() && name.trim() == name && !name.contains(char::is_control)
        };
        if names.iter().all(|name| is_name(name)) && !is_top_name(&names[0]) {
            Ok(Self::Embedded(names))
        } else {
            Err(LoadErrorKind::SectionName)
        }
    }

    pub(super) fn section(&self) -> Option<&[Box<str>]> {
        match self {
            Self::Own | Self::Folder => None,
            Self::Embedded(names) => Some(names),
        }
    }
}

/// Returns whether keygate reads this name at the top of an application's own file.
pub(super) fn is_top_name(name: &str) -> bool {
    matches!(name, "api_key" | "api_keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_is_a_path_of_names() {
        for section in ["keygate", "auth.keys", "a b.ü.c"] {
            let layout = Layout::embedded(section).unwrap();
            assert_eq!(layout.section().unwrap().join("."), section);
        }
        for section in ["", ".", "auth.", ".keys", "a..b", "a. b", "a\n", "api_keys", "api_key.x"] {
            assert!(Layout::embedded(section).is_err(), "{section:?}");
        }
    }
}

use super::tree::Entry;

/// A part that may be written in flow style, and is then not edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Document,
    ApiKeys,
    Clients,
    /// In `NAMES`, as the next one.
    Client(usize),
    Keys(usize),
    Key(char),
    /// The scopes or metadata of a client, with comments between them.
    Commented(usize),
}

impl Part {
    /// None for scopes and metadata, which are also edited in flow style, unless there are comments between them.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        match (entry.owner.client, entry.owner.key, &*entry.name) {
            (_, Some(key), _) => Some(Self::Key(key)),
            (None, None, "api_keys") => Some(Self::ApiKeys),
            (None, None, _) => Some(Self::Clients),
            (Some(client), None, "keys") => Some(Self::Keys(client)),
            (Some(_), None, "scopes" | "metadata") => None,
            (Some(client), None, _) => Some(Self::Client(client)),
        }
    }
}

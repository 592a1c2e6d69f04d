use crate::key::KeyId;

/// A request that was sent in clear. Anybody along the network path may have read its key.
///
/// The response is the same for right, wrong and missing keys. If the key is right, its id is for the service's own
/// logs, and for revoking the key.
#[derive(Clone, Copy, Debug)]
pub struct SentInClear {
    key_id: Option<KeyId>,
}

impl SentInClear {
    pub(crate) fn new(key_id: Option<KeyId>) -> Self {
        Self { key_id }
    }

    /// Returns the id of the key, if the request would have been admitted over TLS.
    pub fn key_id(&self) -> Option<KeyId> {
        self.key_id
    }
}

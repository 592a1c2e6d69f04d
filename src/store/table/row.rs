use crate::client::ClientProfile;
use crate::key::KeyDigest;

/// A key and its client. Takes 40 bytes, as does an `Option` of it.
#[derive(Clone)]
pub(in crate::store) struct Row {
    pub(in crate::store) digest: KeyDigest,
    pub(in crate::store) profile: ClientProfile,
}

const _: () = assert!(size_of::<Option<Row>>() == 40);

impl Row {
    #[inline]
    pub(in crate::store) fn prefix(&self) -> u64 {
        self.digest.prefix()
    }
}

use crate::key::KeyDigest;
use crate::store::yaml::ReloadError;
use crate::store::yaml::error::YamlError;
use crate::store::yaml::key_file::{KeyFile, load};
use crate::store::yaml::read;

/// Outcome of a check of the file.
pub(super) enum FollowOutcome {
    Same,
    Changed,
    Refused,
    /// The file changed between two reads.
    Unstable,
}

impl KeyFile {
    /// Loads the file if it has not changed since the first read and passes [`KeyFile::check`].
    pub(super) fn follow(&self, first: Option<KeyDigest>) -> FollowOutcome {
        let (Some(path), Some(file)) = (self.path(), self.absolute_path()) else {
            return FollowOutcome::Same;
        };
        let _lock = self.update_lock();
        let read = read::read_regular(file);
        let digest = read.as_ref().map(|text| KeyDigest::of(text)).ok();
        if digest != first {
            return FollowOutcome::Unstable;
        }
        if digest == Some(self.digest()) {
            let _ = self.lock().record(Ok(()));
            return FollowOutcome::Same;
        }
        let parsed = read.and_then(|text| Ok((KeyDigest::of(&text), load(&text)?)));
        let parsed = parsed.map_err(|error| ReloadError::from(YamlError::new(Some(path), error)));
        let mut state = self.lock();
        let checked = parsed.and_then(|(digest, parsed)| {
            if let Err(error) = self.check(&state, digest, &parsed.keys) {
                // Revocations apply even from a refused file: a partly written file cannot revoke a key by mistake.
                state.revoked.extend(parsed.keys.revoked());
                self.keys().revoke_all(&state.revoked);
                return Err(error);
            }
            self.adopt(&mut state, digest, &parsed);
            Ok(())
        });
        match state.record(checked) {
            Ok(()) => FollowOutcome::Changed,
            Err(_) => FollowOutcome::Refused,
        }
    }
}

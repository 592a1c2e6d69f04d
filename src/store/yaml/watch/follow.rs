use crate::key::KeyDigest;
use crate::store::yaml::ReloadError;
use crate::store::yaml::error::YamlError;
use crate::store::yaml::input;
use crate::store::yaml::key_file::{KeyFile, load};

/// What came of a look at the file.
pub(super) enum Followed {
    Same,
    Changed,
    Refused,
    /// It changed between two readings.
    Restless,
}

impl KeyFile {
    /// Takes what the file says, if it reads as it did before, and unless it is something that should
    /// be asked about first.
    pub(super) fn follow(&self, first: Option<KeyDigest>) -> Followed {
        let (Some(path), Some(file)) = (self.path(), self.file()) else { return Followed::Same };
        let _turn = self.turn();
        let read = input::read_regular(file);
        let digest = read.as_ref().map(|text| KeyDigest::of(text)).ok();
        if digest != first {
            return Followed::Restless;
        }
        if digest == Some(self.digest()) {
            let _ = self.lock().note(Ok(()));
            return Followed::Same;
        }
        let parsed = read.and_then(|text| Ok((KeyDigest::of(&text), load(&text)?)));
        let parsed = parsed.map_err(|fault| ReloadError::from(YamlError::new(Some(path), fault)));
        let mut state = self.lock();
        let checked = parsed.and_then(|(digest, parsed)| {
            if let Err(error) = self.check(&state, digest, &parsed.keys) {
                // Whatever else is in doubt: that a key is revoked is not said by mistake.
                state.revoked.extend(parsed.keys.revoked());
                self.keys().revoke_all(&state.revoked);
                return Err(error);
            }
            self.adopt(&mut state, digest, &parsed);
            Ok(())
        });
        match state.note(checked) {
            Ok(()) => Followed::Changed,
            Err(_) => Followed::Refused,
        }
    }
}

use keygate::key::looks_like_key;

use crate::output::Output;

/// Warns of a key that is about to be stored as a text that is shown.
pub(crate) fn warn_of_key(what: &str, text: &str, out: &Output) {
    if looks_like_key(text) {
        out.warn(&format!(
            "{what} looks like a key, and is shown to people: choose another text, and replace the key"
        ));
    }
}

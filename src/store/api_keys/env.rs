//! Keys in the environment.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{ApiKeys, Entry, EntryFault, KeysError, KeysFault, digest};

/// The maximum size of a file.
const MAX_FILE_BYTES: u64 = 1 << 24;

const FORM: &str = "write `name=key,name2=key2`";

impl ApiKeys {
    /// Reads keys from an environment variable, such as `APP_API_KEYS`, in the form `name=key,name2=key2`; or from a
    /// file with the same entries, whose path is in the variable `APP_API_KEYS_FILE`.
    ///
    /// Entries are separated by commas or line ends, and split at their first `=`. A client may have several entries.
    /// Blanks around names and keys are removed. In a file, a line that begins with `#` is skipped. A blank variable
    /// counts as not set. Keys with a comma belong in a file of their own: see `FolderStore` (feature `yaml`).
    ///
    /// ```no_run
    /// use keygate::{ApiKeys, MemoryStore};
    ///
    /// // APP_API_KEYS='User 1=08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU'
    /// let store = MemoryStore::try_from(ApiKeys::from_env("APP_API_KEYS")?)?;
    /// # Ok::<(), keygate::store::KeysError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Neither variable is set, or both are; the file cannot be read, is not a regular file or is larger than 16 MiB;
    /// the text is not UTF-8; or an entry has no name. Other faults are reported by `MemoryStore::try_from`.
    pub fn from_env(name: &str) -> Result<Self, KeysError> {
        Self::from_variables(name, |name| std::env::var_os(name))
    }

    fn from_variables(
        name: &str,
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, KeysError> {
        let of_file = format!("{name}_FILE");
        let set = |name: &str| {
            let bytes = Zeroizing::new(get(name)?.into_encoded_bytes());
            (!bytes.trim_ascii().is_empty()).then_some(bytes)
        };
        let fault = |place: &str, reason: String| {
            KeysError::new([KeysFault { place: format!("`{place}`"), reason }])
        };
        match (set(name), get(&of_file).filter(|_| set(&of_file).is_some())) {
            (Some(_), Some(_)) => {
                Err(fault(name, format!("`{of_file}` is set, too: set one of the two")))
            }
            (Some(text), None) => Self::parse(&text, name),
            (None, Some(path)) => {
                let text = read(path.as_ref());
                let text = text.map_err(|error| {
                    fault(&of_file, format!("the file cannot be read ({error}): check the path"))
                })?;
                Self::parse(&text, &of_file)
            }
            (None, None) => Err(fault(
                name,
                format!(
                    "it is not set: {FORM} into it, or set `{of_file}` to the path of a file with \
                     such lines"
                ),
            )),
        }
    }

    fn parse(text: &[u8], place: &str) -> Result<Self, KeysError> {
        let text = str::from_utf8(text).map_err(|_| {
            let reason = format!("the text is not UTF-8: {FORM}");
            KeysError::new([KeysFault { place: format!("`{place}`"), reason }])
        })?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let entries = lines.filter(|line| !line.starts_with('#')).flat_map(|line| line.split(','));
        let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
        let (mut keys, mut nameless) = (Self::default(), Vec::new());
        for (entry, number) in entries.zip(1..) {
            match entry.split_once('=').map(|(name, key)| (name.trim(), key.trim())) {
                Some((client, key)) if !client.is_empty() => {
                    let is_quoted = key.len() > 1
                        && ['"', '\'']
                            .iter()
                            .any(|quote| key.starts_with(*quote) && key.ends_with(*quote));
                    let digest = if is_quoted { Err(EntryFault::Quoted) } else { digest(key) };
                    keys.0.push(digest.map(|digest| Entry { digest, client: client.into() }));
                }
                _ => nameless.push(KeysFault {
                    place: format!("`{place}`, entry {number}"),
                    reason: format!("the key has no name: {FORM}"),
                }),
            }
        }
        if nameless.is_empty() { Ok(keys) } else { Err(KeysError::new(nameless)) }
    }
}

/// Reads a file into a buffer that does not grow, since growing would leave a copy of the keys in memory.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Checked before the file is opened, since opening a pipe would block.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 MiB")]
    let mut text = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    File::open(path)?.take(metadata.len()).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::key::KeyDigest;
    use crate::store::LocalKeyStore as _;

    const A: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
    const B: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM==";

    fn load(variables: &[(&str, &str)]) -> Result<ApiKeys, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        ApiKeys::from_variables("KEYS", get).map_err(|error| error.to_string())
    }

    fn holds(keys: ApiKeys, expected: &[(&str, &str)]) {
        let store = MemoryStore::try_from(keys).unwrap();
        assert_eq!(store.len(), expected.len());
        for (client, key) in expected {
            let record = store.find(&KeyDigest::of(key.as_bytes())).unwrap().unwrap();
            assert_eq!(record.profile().name(), *client);
        }
    }

    fn file(text: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn entries_end_at_commas_and_lines_names_at_the_first_equals() {
        let both = [("User 1", A), ("App 1", B)];
        for text in [
            format!("User 1={A},App 1={B}"),
            format!(" User 1 = {A} ,\n, App 1= {B},"),
            format!("User 1={A}\r\nApp 1={B}\r\n"),
        ] {
            holds(load(&[("KEYS", &text), ("KEYS_FILE", " ")]).unwrap(), &both);
            let (_folder, path) = file(format!("\u{feff}# ours, and=no keys\n{text}\n").as_bytes());
            holds(load(&[("KEYS_FILE", &path)]).unwrap(), &both);
        }
        holds(load(&[("KEYS", &format!("x={A},x={B}"))]).unwrap(), &[("x", A), ("x", B)]);
        let digest = KeyDigest::of(A.as_bytes()).to_text();
        holds(load(&[("KEYS", &format!("x={digest}"))]).unwrap(), &[("x", A)]);
    }

    #[test]
    fn texts_without_names_are_refused_with_the_right_form() {
        for text in [A.to_owned(), format!("={A}"), format!("x={A},{A},y={A}"), format!("{A} {A}")]
        {
            let error = load(&[("KEYS", &text)]).unwrap_err();
            assert!(error.contains("the key has no name: write `name=key,name2=key2`"), "{error}");
            assert!(!error.contains(A), "{error}");
        }
        // A key without a name that ends in `=` looks like a name with an empty key.
        let padded = load(&[("KEYS", B)]).unwrap();
        let error = MemoryStore::try_from(padded).unwrap_err().to_string();
        assert!(error.contains("shorter than 16") && !error.contains("ZtRE"), "{error}");
    }

    #[test]
    fn variables_that_cannot_be_used_are_errors() {
        let (folder, path) = file(&[b'x', b'=', 0xff]);
        let missing = folder.path().join("none").to_str().unwrap().to_owned();
        let own = folder.path().to_str().unwrap().to_owned();
        let cases: [(&[(&str, &str)], &str); 6] = [
            (
                &[],
                "`KEYS`: it is not set: write `name=key,name2=key2` into it, or set `KEYS_FILE` to",
            ),
            (&[("KEYS", " "), ("KEYS_FILE", "")], "it is not set"),
            (&[("KEYS", A), ("KEYS_FILE", &path)], "`KEYS_FILE` is set, too: set one of the two"),
            (&[("KEYS_FILE", &missing)], "`KEYS_FILE`: the file cannot be read"),
            (&[("KEYS_FILE", &own)], "it is not a regular file"),
            (&[("KEYS_FILE", &path)], "`KEYS_FILE`: the text is not UTF-8"),
        ];
        for (variables, reason) in cases {
            let error = load(variables).unwrap_err();
            assert!(error.contains(reason) && !error.contains(A), "{error}");
        }
    }

    #[test]
    fn faults_of_keys_are_reported_without_the_keys() {
        let text = format!("a=hunter2,b=\"{A}\",c={A},d={A}");
        let error = MemoryStore::try_from(load(&[("KEYS", &text)]).unwrap()).unwrap_err();
        let reasons: Vec<_> = error.faults.iter().map(|fault| &*fault.reason).collect();
        assert!(reasons[0].starts_with("the key is shorter"), "{error}");
        assert!(reasons[1].starts_with("the key is in quotes"), "{error}");
        assert!(reasons[2].starts_with("this key is the same as in entry 3"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2") && !format!("{error:?}").contains(A));
    }
}

use std::path::Path;

use super::key_file::warnings_at;
use super::parse::Unloaded;
use super::text::YamlText;
use super::{YamlError, YamlStore, YamlWarning, input, parse};

/// Everything that is wrong or weak in a key file, in the order of the file.
///
/// ```
/// use keygate::YamlStore;
///
/// # let path = std::env::temp_dir().join(format!("keygate-lint-{}.yml", std::process::id()));
/// std::fs::write(&path, "api_keys:\n  hunter2: User 1\nquota: 1\nclients: {App 1: {scopes: [A]}}\n")?;
/// let found = YamlStore::lint(&path);
/// let lines: Vec<_> = found.errors.iter().filter_map(|error| error.line()).collect();
/// assert_eq!(lines, [2, 3, 4]);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct YamlLint {
    /// What keeps the file from being loaded.
    pub errors: Vec<YamlError>,
    /// What is legal and should be mended all the same.
    pub warnings: Vec<YamlWarning>,
    /// The number of keys in plaintext, which [`YamlStore::hash_keys`] turns into digests.
    pub plaintext_keys: usize,
}

impl YamlStore {
    /// Looks for everything that is wrong or weak in a file. Behind a place where the file is no YAML any
    /// more, nothing can be found.
    pub fn lint(path: impl AsRef<Path>) -> YamlLint {
        Self::lint_with(path, |_| {})
    }

    /// Looks for everything that [`YamlStore::lint`] finds, and passes the keys and names of the file to
    /// rules of your own, in the order of the file and as often as they stand there.
    ///
    /// A copy of a key that the closure makes is overwritten by nobody.
    ///
    /// ```
    /// use keygate::YamlStore;
    /// use keygate::store::YamlTextKind;
    ///
    /// # let path = std::env::temp_dir().join(format!("keygate-lint-with-{}.yml", std::process::id()));
    /// std::fs::write(&path, "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: user 1\n")?;
    /// let mut lower = Vec::new();
    /// YamlStore::lint_with(&path, |text| {
    ///     if text.kind == YamlTextKind::ClientName && text.text.starts_with(char::is_lowercase) {
    ///         lower.push((text.line, text.column));
    ///     }
    /// });
    /// assert_eq!(lower, [(2, 48)]);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn lint_with(path: impl AsRef<Path>, mut rule: impl FnMut(YamlText<'_>)) -> YamlLint {
        let path = path.as_ref();
        let alone = |fault| Unloaded { faults: vec![fault], warnings: Vec::new(), plain: 0 };
        let text = input::read_regular(path).map_err(alone);
        let linted =
            text.and_then(|text| parse::lint(input::utf8(&text).map_err(alone)?, &mut rule));
        match linted {
            Ok(parsed) => YamlLint {
                errors: Vec::new(),
                warnings: parsed.warnings_at(path),
                plaintext_keys: parsed.plain,
            },
            Err(unloaded) => YamlLint::of(path, unloaded),
        }
    }
}

impl YamlLint {
    fn of(path: &Path, unloaded: Unloaded) -> Self {
        let warnings = warnings_at(path, unloaded.plain, &unloaded.warnings);
        let errors = unloaded.faults.into_iter().map(|fault| YamlError::new(Some(path), fault));
        Self { errors: errors.collect(), warnings, plaintext_keys: unloaded.plain }
    }
}

use std::path::Path;

use super::layout::Layout;
use super::parse::Findings;
use super::text::YamlText;
use super::{KeyFileError, KeyFileWarning, YamlStore, parse, read};

/// All errors and warnings of a key file, in the order of the file.
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
    /// Errors that keep the file from being loaded.
    pub errors: Vec<KeyFileError>,
    /// Problems that do not keep the file from being loaded.
    pub warnings: Vec<KeyFileWarning>,
    /// Number of keys in plaintext, which [`YamlStore::hash_keys`] replaces with their digests.
    pub plaintext_keys: usize,
}

impl YamlStore {
    /// Finds all errors and warnings of a file, up to its first YAML syntax error.
    pub fn lint(path: impl AsRef<Path>) -> YamlLint {
        Self::options().lint(path)
    }

    /// Finds all errors and warnings of a file, as [`YamlStore::lint`] does, and passes each key and client name to
    /// `rule`, in the order of the file.
    ///
    /// Keys that the closure copies are not overwritten in memory.
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
    pub fn lint_with(path: impl AsRef<Path>, rule: impl FnMut(YamlText<'_>)) -> YamlLint {
        Self::options().lint_with(path, rule)
    }
}

impl YamlLint {
    pub(super) fn of(path: &Path, layout: &Layout, mut rule: impl FnMut(YamlText<'_>)) -> Self {
        let text = read::read_regular(path);
        let found = text.and_then(|text| Ok(parse::lint(read::utf8(&text)?, layout, &mut rule)));
        let (errors, findings) = found.unwrap_or_else(|error| (vec![error], Findings::default()));
        let errors = errors.into_iter().map(|error| KeyFileError::new(Some(path), error));
        Self {
            errors: errors.collect(),
            warnings: findings.warnings_at(Some(path), layout),
            plaintext_keys: findings.plaintext_keys,
        }
    }
}

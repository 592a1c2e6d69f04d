use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::parse::Findings;
use super::text::YamlText;
use super::{KeyFileError, KeyFileWarning, YamlStore, parse, read};
use crate::manage::{AuditFinding, AuditKind};

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
    path: PathBuf,
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
    /// Returns the weak keys, and the keys in plaintext, for [`Audit::with_file`](crate::manage::Audit::with_file). No
    /// finding shows a key.
    ///
    /// ```
    /// use keygate::YamlStore;
    /// use keygate::manage::AuditKind;
    ///
    /// # let path = std::env::temp_dir().join(format!("keygate-findings-{}.yml", std::process::id()));
    /// std::fs::write(&path, "allow_weak_keys: true\napi_key: hunter2\n")?;
    /// let findings = YamlStore::lint(&path).findings();
    /// assert_eq!(findings[0].kind, AuditKind::WeakKey);
    /// assert!(findings[0].place.as_ref().is_some_and(|place| place.ends_with(".yml:2")));
    /// assert_eq!(findings[1].kind, AuditKind::Plaintext);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn findings(&self) -> Vec<AuditFinding> {
        let weak = self.warnings.iter().filter(|warning| warning.is_about_weak_key());
        let weak = weak.map(|warning| {
            let (path, line) = (warning.path().unwrap_or(&self.path).display(), warning.line());
            let place = line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"));
            AuditFinding::in_file(AuditKind::WeakKey, place, warning.problem())
        });
        let plaintext = (self.plaintext_keys > 0).then(|| {
            let (count, s) = (self.plaintext_keys, if self.plaintext_keys == 1 { "" } else { "s" });
            let detail = format!(
                "holds {count} key{s} in plaintext: `keygate hash` turns them into digests"
            );
            AuditFinding::in_file(AuditKind::Plaintext, self.path.display().to_string(), detail)
        });
        weak.chain(plaintext).collect()
    }

    pub(super) fn failed(path: &Path, error: KeyFileError) -> Self {
        let (warnings, path) = (Vec::new(), path.to_owned());
        Self { errors: vec![error], warnings, plaintext_keys: 0, path }
    }

    pub(super) fn of(path: &Path, layout: &Layout, mut rule: impl FnMut(YamlText<'_>)) -> Self {
        let text = read::read_regular(path);
        let found = text.and_then(|text| Ok(parse::lint(read::utf8(&text)?, layout, &mut rule)));
        let (errors, findings) = found.unwrap_or_else(|error| (vec![error], Findings::default()));
        let errors = errors.into_iter().map(|error| KeyFileError::new(Some(path), error));
        Self {
            errors: errors.collect(),
            warnings: findings.warnings_at(Some(path), layout),
            plaintext_keys: findings.plaintext_keys,
            path: path.to_owned(),
        }
    }
}

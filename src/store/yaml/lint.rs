use std::path::Path;

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
    /// What is legal and should be mended all the same. Empty where there are errors.
    pub warnings: Vec<YamlWarning>,
}

impl YamlStore {
    /// Looks for everything that is wrong or weak in a file. Behind a place where the file is no YAML any
    /// more, nothing can be found.
    pub fn lint(path: impl AsRef<Path>) -> YamlLint {
        let path = path.as_ref();
        let text = match input::read_file(path) {
            Ok(text) => text,
            Err(fault) => return YamlLint::of_errors(path, vec![fault]),
        };
        match input::utf8(&text).map_err(|fault| vec![fault]).and_then(parse::lint) {
            Ok(parsed) => YamlLint { errors: Vec::new(), warnings: parsed.warnings_at(path) },
            Err(faults) => YamlLint::of_errors(path, faults),
        }
    }
}

impl YamlLint {
    fn of_errors(path: &Path, faults: Vec<super::fault::Fault>) -> Self {
        let errors = faults.into_iter().map(|fault| YamlError::new(Some(path), fault));
        Self { errors: errors.collect(), warnings: Vec::new() }
    }
}

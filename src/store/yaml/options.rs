use std::path::Path;

use super::key_file::KeyFile;
use super::layout::{Layout, SECTION};
use super::load_error::LoadError;
use super::text::YamlText;
use super::{KeyFileError, KeyFileEvent, YamlLint, YamlStore, parse, read};

/// How a [`YamlStore`] reads a file: as a file of keys, or as an application's own file with keys in it.
///
/// ```
/// use keygate::YamlStore;
///
/// let config = "
/// database_url: postgres://localhost/app
/// api_keys:
///   08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
/// keygate:
///   clients:
///     User 1: {quota: 100/minute}
/// ";
/// let store = YamlStore::options().embedded().parse(config)?;
/// assert_eq!(store.len(), 1);
/// # Ok::<(), keygate::store::KeyFileError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct YamlOptions {
    section: Option<String>,
}

impl YamlStore {
    /// Returns the options to open a file with.
    pub fn options() -> YamlOptions {
        YamlOptions::default()
    }
}

impl YamlOptions {
    /// Reads an application's own file.
    ///
    /// At the top of the file, only `api_key` and `api_keys` belong to keygate. All its other fields (`clients`, `policy`,
    /// `allow_weak_keys`, `version`) are in the section `keygate`, which may have `api_keys`, too. Everything else is the
    /// application's: it may use anchors, tags and any other YAML, and changes of keys leave every byte of it as it is.
    ///
    /// A file without any of these three names is an error, and a store that follows it keeps its keys. A name at the
    /// top that resembles one of them causes a warning.
    pub fn embedded(self) -> Self {
        Self { section: Some(self.section.unwrap_or_else(|| SECTION.to_owned())) }
    }

    /// Reads an application's own file whose section is not `keygate` but, for example, `auth.keys`: `keys` below
    /// `auth`.
    pub fn section(self, section: impl Into<String>) -> Self {
        Self { section: Some(section.into()) }
    }

    /// Detects whether a file is an application's own: if it has the name `keygate` at the top level, or a name that
    /// neither is nor resembles a field of key files. For tools that open any file; a service should say which kind its
    /// file is.
    pub fn detect(self, path: impl AsRef<Path>) -> Self {
        let text = read::read_regular(path.as_ref());
        let is_embedded = text.is_ok_and(|text| read::utf8(&text).is_ok_and(parse::is_of_app));
        if is_embedded { self.embedded() } else { self }
    }

    /// Returns the section of an application's own file; `None` for a file of keys.
    #[must_use]
    pub fn section_name(&self) -> Option<&str> {
        self.section.as_deref()
    }

    /// Loads a file, as [`YamlStore::open`] does.
    ///
    /// # Errors
    ///
    /// As for [`YamlStore::open`]; or the section is not one name, or several joined by dots; or the file of an
    /// application has neither `api_key` nor `api_keys` nor the section.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<YamlStore, KeyFileError> {
        let path = path.as_ref();
        Ok(YamlStore::from_file(KeyFile::open(path, self.layout(Some(path))?)?))
    }

    /// Loads a file and follows it, as [`YamlStore::watch`] does.
    ///
    /// # Errors
    ///
    /// As for [`YamlOptions::open`], or no thread could be started.
    pub fn watch(
        &self,
        path: impl AsRef<Path>,
        events: impl Fn(KeyFileEvent) + Send + Sync + 'static,
    ) -> Result<YamlStore, KeyFileError> {
        let path = path.as_ref();
        self.open(path)?.with_events(events).followed(path)
    }

    /// Loads a text.
    ///
    /// # Errors
    ///
    /// As for [`YamlOptions::open`].
    pub fn parse(&self, text: &str) -> Result<YamlStore, KeyFileError> {
        Ok(YamlStore::from_file(KeyFile::text(text.as_bytes(), self.layout(None)?)?))
    }

    /// Finds all errors and warnings of a file, as [`YamlStore::lint`] does.
    pub fn lint(&self, path: impl AsRef<Path>) -> YamlLint {
        self.lint_with(path, |_| {})
    }

    /// Finds all errors and warnings of a file, as [`YamlStore::lint_with`] does.
    pub fn lint_with(&self, path: impl AsRef<Path>, rule: impl FnMut(YamlText<'_>)) -> YamlLint {
        let path = path.as_ref();
        match self.layout(Some(path)) {
            Ok(layout) => YamlLint::of(path, &layout, rule),
            Err(error) => YamlLint::failed(path, error),
        }
    }

    fn layout(&self, path: Option<&Path>) -> Result<Layout, KeyFileError> {
        let layout = self.section.as_deref().map_or(Ok(Layout::Own), Layout::embedded);
        layout.map_err(|kind| KeyFileError::new(path, LoadError::from(kind)))
    }
}

//! The crates with which applications load their settings.

use config::FileFormat;
use figment::Figment;
use figment::providers::{Format, Json, Toml, Yaml};
use keygate::store::KeysError;
use keygate::{ApiKeys, MemoryStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loader {
    SerdeYaml,
    SerdeJson,
    Toml,
    FigmentYaml,
    FigmentJson,
    FigmentToml,
    ConfigYaml,
    ConfigJson,
    ConfigToml,
}

impl Loader {
    pub(super) const YAML: [Self; 3] = [Self::SerdeYaml, Self::FigmentYaml, Self::ConfigYaml];
    pub(super) const JSON: [Self; 3] = [Self::SerdeJson, Self::FigmentJson, Self::ConfigJson];
    pub(super) const TOML: [Self; 3] = [Self::Toml, Self::FigmentToml, Self::ConfigToml];

    /// Returns the loader's own error as text.
    pub(super) fn load<T: DeserializeOwned>(self, text: &str) -> Result<T, String> {
        let config = |format| {
            let file = config::File::from_str(text, format);
            config::Config::builder().add_source(file).build()?.try_deserialize()
        };
        match self {
            Self::SerdeYaml => serde_yaml::from_str(text).map_err(|error| error.to_string()),
            Self::SerdeJson => serde_json::from_str(text).map_err(|error| error.to_string()),
            Self::Toml => toml::from_str(text).map_err(|error| error.to_string()),
            Self::FigmentYaml => {
                Figment::from(Yaml::string(text)).extract().map_err(|error| error.to_string())
            }
            Self::FigmentJson => {
                Figment::from(Json::string(text)).extract().map_err(|error| error.to_string())
            }
            Self::FigmentToml => {
                Figment::from(Toml::string(text)).extract().map_err(|error| error.to_string())
            }
            Self::ConfigYaml => config(FileFormat::Yaml).map_err(|error| error.to_string()),
            Self::ConfigJson => config(FileFormat::Json).map_err(|error| error.to_string()),
            Self::ConfigToml => config(FileFormat::Toml).map_err(|error| error.to_string()),
        }
    }

    /// Loads the settings of an application, and makes a store from its keys.
    pub(super) fn keys(self, text: &str) -> Result<MemoryStore, KeysError> {
        let app: App = self.load(text).unwrap_or_else(|error| panic!("{self:?}: {error}\n{text}"));
        assert_eq!(app.database_url, "postgres://localhost/app");
        MemoryStore::try_from(app.api_keys)
    }
}

/// The settings of an application, apart from those that these tests do not need.
#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub(super) database_url: String,
    pub(super) api_keys: ApiKeys,
}

/// Settings that contain these keys.
pub(super) fn yaml(keys: &str) -> String {
    format!("database_url: postgres://localhost/app\nworkers: 4\napi_keys:{keys}\n")
}

pub(super) fn json(keys: &str) -> String {
    format!(r#"{{"database_url": "postgres://localhost/app", "workers": 4, "api_keys": {keys}}}"#)
}

pub(super) fn toml(keys: &str) -> String {
    format!("database_url = \"postgres://localhost/app\"\nworkers = 4\n[api_keys]\n{keys}\n")
}

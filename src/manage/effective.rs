use super::KeyInfo;
use crate::client::{ClientProfile, KeyRestrictions, Network, Scope};

impl KeyInfo {
    /// Returns the networks from which the key may be used: its own within those of its client, sorted. `None` if it may be
    /// used from everywhere.
    ///
    /// The list is empty if the client has lost the networks of the key. The key may then be used from nowhere.
    ///
    /// ```
    /// use keygate::ClientProfile;
    /// use keygate::manage::KeyInfo;
    ///
    /// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
    /// let client = ClientProfile::new("App 1");
    /// assert_eq!(key.allowed_networks(&client), None);
    /// key.networks = vec!["10.1.0.0/16".parse()?];
    /// assert_eq!(key.allowed_networks(&client), Some(key.networks.clone()));
    /// let client = client.with_networks(["192.168.0.0/16".parse()?]);
    /// assert_eq!(key.allowed_networks(&client), Some(Vec::new()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allowed_networks(&self, client: &ClientProfile) -> Option<Vec<Network>> {
        self.profile(client).allowed_networks().map(<[Network]>::to_vec)
    }

    /// Returns the scopes that a request with the key has: those of its client, narrowed by its own.
    ///
    /// ```
    /// use keygate::ClientProfile;
    /// use keygate::manage::KeyInfo;
    ///
    /// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
    /// let client = ClientProfile::new("App 1").with_scopes(["orders:*".parse()?]);
    /// assert_eq!(key.allowed_scopes(&client), ["orders:*".parse()?]);
    /// key.scopes = vec!["orders:read".parse()?, "stock:read".parse()?];
    /// assert_eq!(key.allowed_scopes(&client), ["orders:read".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allowed_scopes(&self, client: &ClientProfile) -> Vec<Scope> {
        self.profile(client).scopes().to_vec()
    }

    /// Returns the profile that stores keep for the key.
    fn profile(&self, client: &ClientProfile) -> ClientProfile {
        let (scopes, networks) = (self.scopes.clone(), self.networks.clone());
        client.for_key(KeyRestrictions { not_before: None, scopes, networks })
    }
}

use crate::client::{Client, ClientProfile};
use crate::key::{KeyDigest, PackedStatus};

#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
impl Client {
    /// Creates a client without verification, for testing a handler.
    ///
    /// All clients created by this function have the same [`KeyId`](crate::KeyId), that of a key that stores refuse.
    ///
    /// ```
    /// use keygate::{Client, ClientProfile};
    ///
    /// fn greet(client: &Client) -> String {
    ///     let team = client.profile().metadata().get("team");
    ///     format!("Hello, {} of {}", client.name(), team.map_or("no team", |team| team))
    /// }
    ///
    /// let profile = ClientProfile::new("User 1").with_metadata([("team", "billing")]);
    /// assert_eq!(greet(&Client::for_test(profile)), "Hello, User 1 of billing");
    /// assert_eq!(greet(&Client::for_test("User 2")), "Hello, User 2 of no team");
    /// ```
    ///
    /// To test a router, add the client to the extensions, as the layer does:
    ///
    /// ```
    /// use axum::{Extension, Router, routing::get};
    /// use keygate::Client;
    ///
    /// let routes: Router = Router::new()
    ///     .route("/", get(|client: Client| async move { client.name().to_owned() }));
    /// let under_test = routes.layer(Extension(Client::for_test("User 1")));
    /// ```
    pub fn for_test(profile: impl Into<ClientProfile>) -> Self {
        Self {
            profile: profile.into(),
            // Stores refuse a key this short.
            digest: KeyDigest::of(b"for_test"),
            status: PackedStatus::CLEAR,
            by_bearer: false,
            address: None,
        }
    }
}

use axum::http::header::WWW_AUTHENTICATE;
use keygate::client::MAX_NAME_CHARS;
use keygate::{Client, KeyId};

use crate::json::{Kind, Problem};

/// The caller of a request to [`self_service`](crate::self_service): a client, and how it was authenticated.
///
/// A caller that was authenticated by an API key cannot issue or rotate keys. Otherwise, a stolen key could be used to
/// issue another one, which would still work after the stolen key is revoked.
///
/// ```
/// use keygate::Client;
/// use keygate_admin::Caller;
///
/// let client = Client::for_test("App 1");
/// assert!(!Caller::by_key(&client).may_make_keys());
/// assert!(Caller::signed_in("App 1").may_make_keys());
/// assert_eq!(Caller::signed_in("App 1"), Caller::signed_in(client.name()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    client: String,
    key_id: Option<KeyId>,
}

impl Caller {
    /// Creates a caller that the service has signed in as a user of this client.
    pub fn signed_in(client: impl Into<String>) -> Self {
        Self { client: client.into(), key_id: None }
    }

    /// Creates a caller that was authenticated by an API key.
    pub fn by_key(client: &Client) -> Self {
        Self { client: client.name().to_owned(), key_id: Some(client.key_id()) }
    }

    /// Returns the name of the client.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Returns the ID of the caller's API key; `None` if the caller is signed in.
    pub fn key_id(&self) -> Option<KeyId> {
        self.key_id
    }

    /// Returns whether the caller may issue and rotate keys.
    pub fn may_make_keys(&self) -> bool {
        self.key_id.is_none()
    }

    /// Refuses a caller that was authenticated by an API key.
    pub(super) fn require_sign_in(&self) -> Result<(), Problem> {
        if self.may_make_keys() {
            return Ok(());
        }
        let detail = "An API key cannot issue or rotate keys: sign in instead.";
        Err(Problem::new(Kind::KeyMakesKeys, detail))
    }

    /// Returns the name under which changes are recorded. It is shortened to the maximum length of a label.
    pub(super) fn actor(&self) -> String {
        let by = match self.key_id {
            Some(key_id) => format!("key {key_id} of "),
            None => "customer ".to_owned(),
        };
        let room = MAX_NAME_CHARS - by.chars().count();
        if self.client.chars().count() <= room {
            return by + &self.client;
        }
        let begin: String = self.client.chars().take(room - 1).collect();
        by + begin.trim_end() + "…"
    }
}

/// RFC 9110 section 15.5.2 requires a challenge. No registered scheme describes the
/// service's own sign-in, so the scheme is `Session`.
pub(super) fn signed_out() -> Problem {
    Problem::new(Kind::Credentials, "You are not signed in.")
        .with_header(WWW_AUTHENTICATE, r#"Session realm="self-service""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_names_the_client_and_is_a_valid_label() {
        assert_eq!(Caller::signed_in("App 1").actor(), "customer App 1");
        let client = Client::for_test("App 1");
        let expected = format!("key {} of App 1", client.key_id());
        assert_eq!(Caller::by_key(&client).actor(), expected);
        let long = "é".repeat(MAX_NAME_CHARS);
        for caller in [Caller::signed_in(&long), Caller::by_key(&Client::for_test(&*long))] {
            assert_eq!(caller.actor().chars().count(), MAX_NAME_CHARS);
            assert!(caller.actor().ends_with("é…"));
        }
    }
}

use std::sync::Arc;
use std::time::SystemTime;

use keygate::ManageKeys;
use keygate::observe::UsageHistory;

use crate::health::StoreHealth;
use crate::operator::{OperatorKeys, UserOf};
use crate::pages::nonce::Nonces;
use crate::pages::safety::counts::KeptCounts;
use crate::serving::MetricsUrl;
use crate::session::Sessions;
use crate::sign_in::SignIn;
use crate::site::Site;

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The state shared by all requests.
pub(crate) struct App {
    /// The managed store. Changes go through [`Operator::store`](crate::operator::Operator::store), which records the
    /// operator's name.
    pub(crate) store: Arc<dyn ManageKeys>,
    pub(crate) usage: Option<UsageHistory>,
    pub(crate) health: Option<Arc<dyn StoreHealth>>,
    /// The metrics addresses of serving processes.
    pub(crate) metrics: Vec<MetricsUrl>,
    pub(crate) key_prefix: Option<String>,
    /// The operators' store, for sessions and the API.
    pub(crate) operators: Option<Arc<dyn OperatorKeys>>,
    pub(crate) has_api: bool,
    pub(crate) site: Site,
    /// The prefix of all paths; empty if the page is at the root.
    pub(crate) base: String,
    pub(crate) user: Option<UserOf>,
    /// The secret from which the form tokens of users without a session are computed.
    pub(crate) user_tokens: [u8; 32],
    pub(crate) sessions: Sessions,
    pub(crate) sign_in: SignIn,
    /// The forms that issue and rotate keys.
    pub(crate) nonces: Nonces,
    /// The numbers of the cards on key safety.
    pub(crate) safety: KeptCounts,
    pub(crate) clock: Clock,
}

impl App {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Returns the URL of a page. `path` begins with a slash, and its segments are percent-encoded.
    pub(crate) fn url(&self, path: &str) -> String {
        [&*self.base, path].concat()
    }
}

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

/// What all requests share.
pub(crate) struct App {
    /// The managed store. Changes go through [`Operator::store`](crate::operator::Operator::store), which names the
    /// operator.
    pub(crate) store: Arc<dyn ManageKeys>,
    pub(crate) usage: Option<UsageHistory>,
    pub(crate) health: Option<Arc<dyn StoreHealth>>,
    /// Addresses of the metrics of serving processes.
    pub(crate) metrics: Vec<MetricsUrl>,
    pub(crate) key_prefix: Option<String>,
    /// The store of operators, for sessions and the API.
    pub(crate) operators: Option<Arc<dyn OperatorKeys>>,
    pub(crate) has_api: bool,
    pub(crate) site: Site,
    /// The path before all others; empty at the root.
    pub(crate) base: String,
    pub(crate) user: Option<UserOf>,
    /// The secret of the form tokens of users without a session.
    pub(crate) user_tokens: [u8; 32],
    pub(crate) sessions: Sessions,
    pub(crate) sign_in: SignIn,
    /// The forms that make keys.
    pub(crate) nonces: Nonces,
    /// The numbers of the cards on key safety.
    pub(crate) safety: KeptCounts,
    pub(crate) clock: Clock,
}

impl App {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Returns the address of a page. `path` begins with a slash, and its parts are percent-encoded.
    pub(crate) fn url(&self, path: &str) -> String {
        [&*self.base, path].concat()
    }
}

use std::sync::Arc;

use super::{Observe, Outcome};
use crate::callback::guarded;
use crate::error::AuthError;

/// The observers of an authenticator, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<Vec<Arc<dyn Observe>>>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observe) {
        let mut all = self.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        all.push(Arc::new(observer));
        self.0 = Some(Arc::new(all));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Reports the refusal of an unknown caller and returns it.
    #[inline]
    pub(crate) fn notify_refused(&self, error: AuthError) -> AuthError {
        if !self.is_empty() {
            self.notify(Outcome::refused(&error, None));
        }
        error
    }

    #[inline(never)]
    pub(crate) fn notify(&self, outcome: Outcome<'_>) {
        for observer in self.0.iter().flat_map(|all| all.iter()) {
            guarded(|| observer.observe(&outcome));
        }
    }
}

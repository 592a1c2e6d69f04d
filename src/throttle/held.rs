use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::quota::Quota;

/// The quota of clients that have none of their own.
#[derive(Clone)]
pub(super) struct DefaultQuota {
    quota: Quota,
    place: u64,
}

/// That of what a client spends of its own quota, and of the default one in its absence: so what was spent goes
/// over when it gets or loses its own.
const SHARED_PLACE: u64 = 0;

impl DefaultQuota {
    pub(super) fn new(quota: Quota) -> Self {
        Self { quota, place: SHARED_PLACE }
    }

    /// One of a handle among others, which may have default quotas, too: all of them would seem to be one that
    /// changes with each request.
    pub(super) fn apart(quota: Quota) -> Self {
        // By the quota, so that a handle which is made anew for each request has what the last one had.
        let mut hasher = DefaultHasher::new();
        quota.hash(&mut hasher);
        Self { quota, place: hasher.finish().max(SHARED_PLACE + 1) }
    }

    pub(super) fn is_apart(&self) -> bool {
        self.place != SHARED_PLACE
    }

    pub(super) fn quota(&self) -> &Quota {
        &self.quota
    }
}

/// The quota that holds for a client, and where what is spent of it is kept.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) quota: &'a Quota,
    pub(super) place: u64,
}

impl<'a> Held<'a> {
    /// None where there is no limit.
    #[inline]
    pub(super) fn of(own: Option<&'a Quota>, default: Option<&'a DefaultQuota>) -> Option<Self> {
        let held = match (own, default) {
            (Some(quota), _) => Self { quota, place: SHARED_PLACE },
            (None, Some(default)) => Self { quota: &default.quota, place: default.place },
            (None, None) => return None,
        };
        (!held.quota.is_unlimited()).then_some(held)
    }

    pub(super) fn is_apart(&self) -> bool {
        self.place != SHARED_PLACE
    }
}

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::quota::Quota;

/// The quota of clients that have none of their own.
#[derive(Clone)]
pub(super) struct DefaultQuota {
    quota: Quota,
    place: u64,
}

impl DefaultQuota {
    pub(super) fn new(quota: Quota) -> Self {
        let mut hasher = DefaultHasher::new();
        quota.hash(&mut hasher);
        Self { quota, place: hasher.finish().max(1) }
    }

    pub(super) fn quota(&self) -> &Quota {
        &self.quota
    }
}

/// The quota that holds for a client, and where what is spent of it is kept.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) quota: &'a Quota,
    pub(super) is_default: bool,
    /// The place of the default quota, if there is one: each has its own, so that handles which have several
    /// do not undo each other.
    default_place: u64,
}

/// That of a client's own quota, whatever it says: so what was spent goes over when it changes.
const OWN_PLACE: u64 = 0;

impl<'a> Held<'a> {
    /// None where there is no limit.
    #[inline]
    pub(super) fn of(own: Option<&'a Quota>, default: Option<&'a DefaultQuota>) -> Option<Self> {
        let default_place = default.map_or(OWN_PLACE, |default| default.place);
        let quota = own.or(default.map(DefaultQuota::quota))?;
        let held = Self { quota, is_default: own.is_none(), default_place };
        (!quota.is_unlimited()).then_some(held)
    }

    #[inline]
    pub(super) fn place(&self) -> u64 {
        if self.is_default { self.default_place } else { OWN_PLACE }
    }

    /// The place of what the client had before it got a quota of its own, or while it had one.
    pub(super) fn other_place(&self) -> u64 {
        if self.is_default { OWN_PLACE } else { self.default_place }
    }
}

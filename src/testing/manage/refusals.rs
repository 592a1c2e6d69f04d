use std::fmt;

use super::fixture::{Change, HOUR, Key, Managed};
use crate::manage::{KeyChange, KeyError, ManageError, NewKey, RotationConflict};
use crate::testing::case::Case;
use crate::testing::sample::{network, scope};

pub(super) type Reason = fn(&ManageError) -> bool;

impl<S: Managed> Case<S> {
    /// Awaits a change that must fail with this reason and must not change the store.
    pub(super) async fn refused<'a, T: fmt::Debug>(
        &'a self,
        what: &str,
        change: impl FnOnce(&'a S) -> Change<'a, T>,
        is_reason: impl Fn(&ManageError) -> bool,
    ) {
        let before = self.contents().await;
        let result = self.result(what, change(&self.store)).await;
        let is_refused = result.as_ref().is_err_and(is_reason);
        assert!(is_refused, "{self}: {what} is not refused with its reason: {result:?}");
        self.lists_the_same(what, &before).await;
    }

    pub(super) async fn refused_issue(
        &self,
        what: &str,
        client: &str,
        new: NewKey,
        is_reason: impl Fn(&ManageError) -> bool,
    ) {
        self.refused(what, |store| store.issue(client, new), is_reason).await;
    }

    pub(super) async fn refused_rotation(
        &self,
        what: &str,
        key: &Key,
        successor: NewKey,
        is_reason: impl Fn(&ManageError) -> bool,
    ) {
        let id = key.id();
        self.refused(what, |store| store.rotate(&id, successor, HOUR), is_reason).await;
    }

    pub(super) async fn refused_key_change(
        &self,
        what: &str,
        key: &Key,
        change: KeyChange,
        is_reason: impl Fn(&ManageError) -> bool,
    ) {
        let id = key.id();
        self.refused(what, |store| store.update_key(&id, change), is_reason).await;
    }
}

/// Expects exactly this error. Compares the texts, since errors of databases cannot be compared.
pub(super) fn exactly(expected: ManageError) -> impl Fn(&ManageError) -> bool {
    move |error| format!("{error:?}") == format!("{expected:?}")
}

/// Expects a conflict about this key, for one of these reasons.
pub(super) fn conflict(key: &Key, reasons: &[RotationConflict]) -> impl Fn(&ManageError) -> bool {
    let id = key.id();
    move |error| {
        matches!(error, ManageError::Conflict { key_id, conflict }
            if *key_id == id && reasons.contains(conflict))
    }
}

pub(super) fn lacks_scope(lacked: &str) -> impl Fn(&ManageError) -> bool {
    exactly(ManageError::LacksScope { scope: scope(lacked) })
}

pub(super) fn lacks_network(lacked: &str) -> impl Fn(&ManageError) -> bool {
    exactly(ManageError::LacksNetwork { network: network(lacked) })
}

pub(super) fn is_invalid_label(error: &ManageError) -> bool {
    matches!(error, ManageError::Label(_))
}

pub(super) fn is_invalid_profile(error: &ManageError) -> bool {
    matches!(error, ManageError::Key(KeyError::Profile(_)))
}

pub(super) fn is_unknown_client(error: &ManageError) -> bool {
    matches!(error, ManageError::UnknownClient { .. })
}

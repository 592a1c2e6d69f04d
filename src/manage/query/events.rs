use std::time::SystemTime;

use super::page::Pager;
use super::{Page, Paging, Position};
use crate::key::KeyId;
use crate::manage::{ChangeAction, ChangeEvent, ManageError};

/// A query for a page of recorded changes: filters, order and limit, for [`ManageKeys::events`](crate::ManageKeys::events).
///
/// An event is listed if all filters apply to it. The newest ones come first.
///
/// See [`ChangeEvent`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct EventQuery {
    pub(crate) paging: Paging,
    pub(crate) client: Option<String>,
    pub(crate) key_id: Option<KeyId>,
    pub(crate) actor: Option<String>,
    pub(crate) action: Option<ChangeAction>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) until: Option<SystemTime>,
}

impl Default for EventQuery {
    fn default() -> Self {
        let paging = Paging { descending: true, ..Paging::default() };
        let (client, key_id, actor, action, since, until) = Default::default();
        Self { paging, client, key_id, actor, action, since, until }
    }
}

impl EventQuery {
    /// Lists the oldest events first.
    pub fn oldest_first(mut self) -> Self {
        self.paging.descending = false;
        self
    }

    /// Lists only events of this client and of its keys. The client may have been removed since.
    pub fn with_client(self, name: impl Into<String>) -> Self {
        Self { client: Some(name.into()), ..self }
    }

    /// Lists only events of this key.
    pub fn with_key(self, key_id: KeyId) -> Self {
        Self { key_id: Some(key_id), ..self }
    }

    /// Lists only changes by this actor.
    pub fn with_actor(self, name: impl Into<String>) -> Self {
        Self { actor: Some(name.into()), ..self }
    }

    /// Lists only changes of this kind.
    pub fn with_action(self, action: ChangeAction) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Lists only events from this time on.
    pub fn since(self, time: SystemTime) -> Self {
        Self { since: Some(time), ..self }
    }

    /// Lists only events before this time.
    pub fn until(self, time: SystemTime) -> Self {
        Self { until: Some(time), ..self }
    }

    /// Returns the page of this query, for stores that have all events in memory, in the order of the changes.
    ///
    /// # Errors
    ///
    /// The cursor is not from a page of events.
    pub fn page_of(
        &self,
        events: impl IntoIterator<Item = ChangeEvent>,
    ) -> Result<Page<ChangeEvent>, ManageError> {
        let mut pager = Pager::new(&self.paging, self.position()?);
        for (number, event) in (0..).zip(events) {
            if self.admits(&event) {
                pager.add(Position::of_event(number, String::new()), event);
            }
        }
        Ok(pager.finish_with(Vec::new()))
    }

    pub(crate) fn admits(&self, event: &ChangeEvent) -> bool {
        let Self { paging: _, client, key_id, actor, action, since, until } = self;
        (client.is_none() || *client == event.client)
            && (key_id.is_none() || *key_id == event.key_id)
            && (actor.is_none() || *actor == event.actor)
            && action.is_none_or(|action| action == event.action)
            && since.is_none_or(|since| since <= event.at)
            && until.is_none_or(|until| event.at < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn events_are_listed_from_since_until_before_until() {
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        let query = EventQuery::new().since(at(2)).until(at(4));
        let listed = (1..6).filter(|second| {
            query.admits(&ChangeEvent::new(at(*second), ChangeAction::ClientAdded))
        });
        assert_eq!(listed.collect::<Vec<_>>(), [2, 3]);
    }
}

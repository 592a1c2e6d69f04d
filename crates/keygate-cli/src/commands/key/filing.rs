//! The way of a new key: all that can be known is checked, the key is handed over, and only then is
//! the store told. A key that was never seen must not be live, and a key that was seen should be.

use std::time::SystemTime;

use keygate::manage::ManageError;
use keygate::{ApiKey, MemoryStore, NewKey};
use serde_json::{Map, Value};

use crate::args::{Globals, MadeKey};
use crate::deliver::Delivery;
use crate::expiry::whole_seconds;
use crate::failure::Failure;
use crate::lookalike::warn_of_key;
use crate::output::Output;
use crate::show;
use crate::store::{Store, may_hold, rehearsal};

const IN_DOUBT: &str =
    "; whether the new key is valid is not known: keep it, and ask `keygate check`";

/// A key that is made, checked, and not handed over.
pub(super) struct Draft {
    key: ApiKey,
    pub(super) new: NewKey,
    pub(super) facts: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(
        client: &str,
        label: Option<&str>,
        expires: Option<SystemTime>,
        now: SystemTime,
        made: &MadeKey,
        out: &Output,
    ) -> Result<Self, Failure> {
        let key = made.prefix.generate().map_err(Failure::unavailable)?;
        let mut new = NewKey::from(&key).with_expiry(expires);
        if let Some(label) = label {
            new = new.with_label(label);
        }
        rehearse(&new)?;
        warn_of_key("the label", label.unwrap_or_default(), out);
        let facts = [
            ("key_id", key.key_id().to_string().into()),
            ("client", client.into()),
            ("label", label.into()),
            ("created", show::time(whole_seconds(now)).into()),
            ("expires", expires.map(show::time).into()),
        ];
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { key, new, facts })
    }

    /// Hands the key over and then has the store told.
    pub(super) fn file<T>(
        self,
        made: &MadeKey,
        globals: &Globals,
        out: &Output,
        store: &dyn Store,
        tell: impl Fn(&dyn Store, NewKey) -> Result<T, ManageError>,
    ) -> Result<(Delivery, T), Failure> {
        if let Some(rehearsal) = rehearsal(globals)? {
            tell(&rehearsal, self.new.clone())?;
        }
        let delivery = Delivery::hand_over(&self.key, self.facts, made.out.as_deref(), out)?;
        match tell(store, self.new) {
            Ok(told) => Ok((delivery, told)),
            Err(error) => {
                let failure = Failure::from(error);
                let in_doubt = failure.is_unavailable() && may_hold(self.key.key_id(), globals);
                Err(if in_doubt { failure.and(IN_DOUBT) } else { delivery.withdraw(failure) })
            }
        }
    }
}

/// Files the key in a store of its own, which has the rules of every store.
fn rehearse(new: &NewKey) -> Result<(), ManageError> {
    let rehearsal = MemoryStore::new();
    rehearsal.add_client("rehearsal")?;
    rehearsal.issue("rehearsal", new.clone()).map(drop)
}

//! A new key before it is stored. It is checked, then written out, and only then stored, so that a key that nobody has
//! received never works.

use std::time::SystemTime;

use keygate::key::KeyState;
use keygate::manage::{Expiry, KeyInfo, ManageError, Policy, rules};
use keygate::{ApiKey, ClientProfile, NewKey};
use serde_json::{Map, Value, json};

use crate::args::{Globals, NewKeyArgs};
use crate::deliver::Delivery;
use crate::duration::written;
use crate::failure::Failure;
use crate::output::Output;
use crate::show;
use crate::store::{Store, dry_run, may_hold};

const IN_DOUBT: &str =
    "; it is unknown whether the new key is valid: keep it, and run `keygate check`";

/// A key that was generated and checked, but not yet written out.
pub(super) struct Draft {
    key: ApiKey,
    pub(super) new: NewKey,
    pub(super) facts: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(
        client: &ClientProfile,
        label: Option<&str>,
        expiry: Expiry,
        policy: &Policy,
        now: SystemTime,
        new_key: &NewKeyArgs,
        out: &Output,
    ) -> Result<Self, Failure> {
        let key = new_key.prefix.generate().map_err(Failure::unavailable)?;
        let mut new = NewKey::from(&key).with_expiry(expiry);
        if let Some(label) = label {
            new = new.with_label(label);
        }
        new = new.with_scopes(new_key.scopes.iter().cloned());
        new = new.with_networks(new_key.networks.iter().copied());
        if let Some(begins) = new_key.not_before {
            new = new.with_not_before(begins.instant(now)?);
        }
        let issued = rules::issue(client, new.clone(), policy, now)
            .map_err(|error| issue_failure(error, expiry, policy))?
            .info(true);
        // Fix the expiry now, so that the stored one is the one that is written out.
        let new = new.with_expiry(issued.expires());
        out.warn_if_key("the label", label.unwrap_or_default());
        let mut facts = match show::key_json(&issued, now) {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        facts
            .retain(|name, _| !["state", "revoked", "replaced_by", "last_used"].contains(&&**name));
        Ok(Self { key, new, facts })
    }

    /// Sets the values that the key inherits from the key that it replaces, to show them.
    pub(super) fn inherit(&mut self, old: &KeyInfo, now: SystemTime) {
        let begins = old.inherited_lifetime(now).not_before().map(show::time);
        for (name, value, is_given) in [
            ("not_before", json!(begins), self.new.not_before().is_some()),
            ("scopes", json!(old.scopes), !self.new.scopes().is_empty()),
            ("networks", json!(old.networks), !self.new.networks().is_empty()),
        ] {
            if !is_given {
                self.facts.insert(name.to_owned(), value);
            }
        }
    }

    /// Writes the key out, then changes the store.
    pub(super) fn store<T>(
        self,
        new_key: &NewKeyArgs,
        globals: &Globals,
        out: &Output,
        store: &dyn Store,
        change: impl Fn(&dyn Store, NewKey) -> Result<T, ManageError>,
    ) -> Result<(Delivery, T), Failure> {
        if out.is_dry_run() {
            // In a dry run, the store is a dry run, too.
            let changed = change(store, self.new)?;
            return Ok((Delivery::dry_run(self.facts, new_key.out.as_deref())?, changed));
        }
        if let Some(dry_run) = dry_run(globals)? {
            change(&dry_run, self.new.clone())?;
        }
        let delivery = Delivery::write(&self.key, self.facts, new_key.out.as_deref(), out)?;
        match change(store, self.new) {
            Ok(changed) => Ok((delivery, changed)),
            Err(error) => {
                let failure = Failure::from(error);
                let in_doubt = failure.is_unavailable() && may_hold(self.key.key_id(), globals);
                Err(if in_doubt { failure.and(IN_DOUBT) } else { delivery.withdraw(failure) })
            }
        }
    }
}

/// Returns the failure of the issue of a key. Names the policy if its default lifetime, and not the command line, ends the
/// key too early.
fn issue_failure(error: ManageError, expiry: Expiry, policy: &Policy) -> Failure {
    let is_by_default = expiry == Expiry::Inherit && matches!(error, ManageError::NeverValid);
    match policy.default_lifetime().filter(|_| is_by_default) {
        Some(lifetime) => Failure::refused(format!(
            "by the policy of the store, a key without --expires expires {} after its issue, and \
             this key would not have begun to work by then: choose an earlier beginning, or a \
             later expiry with --expires",
            written(lifetime)
        )),
        None => error.into(),
    }
}

pub(super) fn warn_of_disabled(key: &KeyInfo, out: &Output) {
    if key.state == KeyState::Disabled {
        out.warn(
            "the client is disabled, so its keys are refused: enable it with `keygate client enable`",
        );
    }
}

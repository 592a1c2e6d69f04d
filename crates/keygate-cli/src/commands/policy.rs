use std::time::Duration;

use keygate::manage::Policy;
use serde_json::{Value, json};

use crate::args::{Globals, PolicyCommand, SetPolicyArgs};
use crate::differences::Differences;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::store::{open, open_to_change};
use crate::table::Table;

pub(super) fn run(command: &PolicyCommand, globals: &Globals, out: &Output) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show => show(globals, out),
        PolicyCommand::Set(args) => set(args, globals, out),
    }
}

fn show(globals: &Globals, out: &Output) -> Result<(), Failure> {
    let policy = block_on(open(globals, out)?.policy())?;
    let [max, default, expiry] = facts_of(&policy);
    let mut facts = Table::default();
    facts.push_fact("MAX LIFETIME", or_none(max));
    facts.push_fact("DEFAULT LIFETIME", or_none(default));
    facts.push_fact("EXPIRY", expiry);
    out.print(&facts.render(), &json(&policy))
}

fn set(args: &SetPolicyArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    if names_nothing(args) {
        return Err(Failure::usage(
            "nothing to change: give an option such as --max-lifetime (see `keygate policy set --help`)",
        ));
    }
    let store = open_to_change(globals, out)?;
    let before = block_on(store.policy())?;
    let after = block_on(store.set_policy(changed(before, args)))?;
    let mut differences = Differences::default();
    let names = ["max lifetime", "default lifetime", "expiry"];
    for ((name, before), after) in names.iter().zip(facts_of(&before)).zip(facts_of(&after)) {
        differences.add(name, [before, after]);
    }
    differences.report("the policy", &json(&after), out)
}

fn names_nothing(args: &SetPolicyArgs) -> bool {
    let flags =
        [args.no_max_lifetime, args.no_default_lifetime, args.require_expiry, args.allow_no_expiry];
    args.max_lifetime.or(args.default_lifetime).is_none() && flags == [false; 4]
}

fn changed(mut policy: Policy, args: &SetPolicyArgs) -> Policy {
    if args.no_max_lifetime || args.max_lifetime.is_some() {
        policy = policy.with_max_lifetime(args.max_lifetime);
    }
    if args.no_default_lifetime || args.default_lifetime.is_some() {
        policy = policy.with_default_lifetime(args.default_lifetime);
    }
    if args.require_expiry {
        policy = policy.require_expiry();
    }
    if args.allow_no_expiry {
        policy = policy.allow_no_expiry();
    }
    policy
}

/// Returns the maximum lifetime, the default lifetime, and whether a key must expire.
fn facts_of(policy: &Policy) -> [String; 3] {
    let lifetime = |time: Option<Duration>| time.map(written).unwrap_or_default();
    let expiry = if policy.requires_expiry() { "required" } else { "not required" };
    [lifetime(policy.max_lifetime()), lifetime(policy.default_lifetime()), expiry.to_owned()]
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

fn json(policy: &Policy) -> Value {
    json!({
        "max_lifetime": policy.max_lifetime().map(written),
        "default_lifetime": policy.default_lifetime().map(written),
        "require_expiry": policy.requires_expiry(),
    })
}

/// Formats a lifetime as in key files, in its largest unit.
fn written(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    match units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

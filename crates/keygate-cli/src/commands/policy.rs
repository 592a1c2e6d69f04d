use keygate::manage::{Policy, PolicyChange};
use serde_json::{Value, json};

use crate::args::{Globals, PolicyCommand, SetPolicyArgs};
use crate::differences::{Differences, or_none};
use crate::duration::written;
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
    facts.push_fact("MAX LIFETIME", or_none(max.as_deref()));
    facts.push_fact("DEFAULT LIFETIME", or_none(default.as_deref()));
    facts.push_fact("EXPIRY", or_none(expiry.as_deref()));
    out.print(&facts.render(), &json(&policy))
}

fn set(args: &SetPolicyArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let change = change(args);
    if change.is_empty() {
        return Err(Failure::usage(
            "nothing to change: give an option such as --max-lifetime (see `keygate policy set --help`)",
        ));
    }
    let store = open_to_change(globals, out)?;
    let before = block_on(store.policy())?;
    let after = block_on(store.update_policy(change))?;
    let mut differences = Differences::default();
    let names = ["max lifetime", "default lifetime", "expiry"];
    let names_max = args.no_max_lifetime || args.max_lifetime.is_some();
    let is_named = [
        names_max,
        args.no_default_lifetime || args.default_lifetime.is_some(),
        names_max || args.require_expiry || args.allow_no_expiry,
    ];
    let facts = facts_of(&before).into_iter().zip(facts_of(&after));
    // Another operator may have changed the other values meanwhile.
    for ((name, (before, after)), _) in names.iter().zip(facts).zip(is_named).filter(|it| it.1) {
        differences.add(name, [before, after]);
    }
    differences.report("the policy", &json(&after), out)
}

fn change(args: &SetPolicyArgs) -> PolicyChange {
    let mut change = PolicyChange::new();
    if args.no_max_lifetime || args.max_lifetime.is_some() {
        change = change.with_max_lifetime(args.max_lifetime);
    }
    if args.no_default_lifetime || args.default_lifetime.is_some() {
        change = change.with_default_lifetime(args.default_lifetime);
    }
    if args.require_expiry {
        change = change.require_expiry();
    }
    if args.allow_no_expiry {
        change = change.allow_no_expiry();
    }
    change
}

/// Returns the maximum lifetime, the default lifetime, and whether a key must expire.
fn facts_of(policy: &Policy) -> [Option<String>; 3] {
    let expiry = if policy.with_max_lifetime(None).requires_expiry() {
        "required"
    } else if policy.requires_expiry() {
        "required by the max lifetime"
    } else {
        "not required"
    };
    [
        policy.max_lifetime().map(written),
        policy.default_lifetime().map(written),
        Some(expiry.into()),
    ]
}

fn json(policy: &Policy) -> Value {
    json!({
        "max_lifetime": policy.max_lifetime().map(written),
        "default_lifetime": policy.default_lifetime().map(written),
        "require_expiry": policy.requires_expiry(),
    })
}

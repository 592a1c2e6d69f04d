//! The policy, which is written, changed and removed.

use std::time::Duration;

use keygate::YamlStore;
use keygate::manage::Policy;

use super::edited;

#[test]
fn policy_is_written_at_the_end_and_changed_in_place() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let year = Policy::new().with_max_lifetime(days(365)).with_default_lifetime(days(90));
    let set = |policy: Policy| move |store: &YamlStore| store.update_policy(policy);
    let written = "policy: {max_lifetime: 365d, default_lifetime: 90d}\n";
    edited(
        "version: 1\nclients:\n  A:\n",
        set(year),
        &format!("version: 1\nclients:\n  A:\n{written}"),
    );
    edited("# none\n", set(year), &format!("# none\n{written}"));
    let file = |policy: &str| format!("version: 1\n{policy}clients:\n  A:\n");
    for (before, policy, after) in [
        (
            "policy: {max_lifetime: 2d, require_expiry: true}   # why\n",
            year,
            "policy: {max_lifetime: 365d, default_lifetime: 90d}   # why\n",
        ),
        (
            "policy:\n  max_lifetime: 2d   # one\n  default_lifetime: 1d   # two\n",
            year,
            "policy:\n  max_lifetime: 365d   # one\n  default_lifetime: 90d   # two\n",
        ),
        (
            "policy:\n  max_lifetime: 365d   # one\n",
            year.require_expiry(),
            "policy:\n  max_lifetime: 365d   # one\n  default_lifetime: 90d\n  require_expiry: true\n",
        ),
        ("policy: {max_lifetime: 2d}   # why\n", Policy::new(), ""),
    ] {
        edited(&file(before), set(policy), &file(after));
    }
}

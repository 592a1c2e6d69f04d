use std::time::{Duration, SystemTime};

use keygate::manage::{KeyInfo, PartialList};

use crate::args::ListArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::relative::from_now;
use crate::runtime::block_on;
use crate::show::{self, ShownStatus};
use crate::store::Store;
use crate::table::{Cell, Table};

/// A key that expires within this time is shown as expiring, unless --expiring gives another.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

pub(super) fn run(args: &ListArgs, store: &dyn Store, out: &Output) -> Result<(), Failure> {
    let now = SystemTime::now();
    let listed = block_on(store.list_readable_keys(args.client.as_deref()))?;
    let PartialList { found: mut keys, unreadable, .. } = listed;
    if let Some(within) = args.expiring {
        keys.retain(|key| key.is_live(now) && expires_within(key, within, now));
        keys.sort_by_key(KeyInfo::expires);
    }
    if keys.is_empty() && unreadable.is_empty() && !out.is_json() {
        out.note(if args.expiring.is_some() {
            "no keys expire within this time"
        } else {
            "there are no keys: issue one with `keygate key issue`"
        });
        return Ok(());
    }
    let table = table(&keys, args.expiring.unwrap_or(SOON), now);
    out.print(&table, &keys.iter().map(|key| show::key_json(key, now)).collect())?;
    show::unreadable(&unreadable, out)
}

fn expires_within(key: &KeyInfo, within: Duration, now: SystemTime) -> bool {
    let left = key.expires().and_then(|expires| expires.duration_since(now).ok());
    left.is_some_and(|left| left <= within)
}

fn table(keys: &[KeyInfo], soon: Duration, now: SystemTime) -> String {
    let mut table = Table::new(["ID", "CLIENT", "LABEL", "STATE", "CREATED", "EXPIRES"]);
    for key in keys {
        let status = ShownStatus::of(key, now, soon);
        let revoked = key.revoked.map(|revoked| format!(" {}", from_now(revoked, now)));
        table.push([
            key.key_id.to_string().into(),
            key.client.as_str().into(),
            key.label.as_deref().unwrap_or_default().into(),
            Cell::styled(status.to_string() + &revoked.unwrap_or_default(), status.style()),
            key.created.map(|created| from_now(created, now)).unwrap_or_default().into(),
            expiry(key, now).into(),
        ]);
    }
    table.render()
}

fn expiry(key: &KeyInfo, now: SystemTime) -> String {
    let Some(expires) = key.expires() else { return "never".to_owned() };
    let verb = if key.has_expired(now) { "expired" } else { "expires" };
    format!("{verb} {}", from_now(expires, now))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use keygate::key::{KeyState, Lifetime};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn table_shows_relative_times() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut expiring = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        expiring.label = Some("production".to_owned());
        expiring.created = Some(now - 87 * DAY);
        expiring.lifetime = Lifetime::default().with_expiry(now + 3 * DAY);
        let mut revoked = KeyInfo::new("08c1d5e2f3a4b596".parse().unwrap(), "User 1");
        revoked.state = KeyState::Revoked;
        revoked.revoked = Some(now - 2 * DAY);
        revoked.lifetime = Lifetime::default().with_expiry(now);

        let table = table(&[expiring, revoked], SOON, now);
        assert_eq!(
            anstream::adapter::strip_str(&table).to_string(),
            "ID                CLIENT  LABEL       STATE               CREATED      EXPIRES\n\
             1f0c2b7a9d3e4c58  App 1   production  expiring            87 days ago  expires in 3 days\n\
             08c1d5e2f3a4b596  User 1              revoked 2 days ago               expired now\n"
        );
    }
}

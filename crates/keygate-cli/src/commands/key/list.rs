use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use keygate::manage::{KeyInfo, KeyStatus, LastUsed, PartialList, Policy};

use super::filter;
use crate::args::{Globals, ListKeysArgs};
use crate::failure::Failure;
use crate::history::{add_last_uses, show_last_uses};
use crate::identify::client_failure;
use crate::output::Output;
use crate::relative::from_now;
use crate::runtime::block_on;
use crate::show::{self, SOON, ShownStatus};
use crate::store::Store;
use crate::table::{Cell, Table};

pub(super) fn run(
    args: &ListKeysArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<ExitCode, Failure> {
    let now = SystemTime::now();
    let client = args.client.as_deref();
    let is_by_use = args.unused_for.is_some() || args.used_within.is_some();
    let limit = args.limit.map(|limit| limit as usize);
    let (listed, next) = filter::listed(args, limit.filter(|_| !is_by_use), store, now)
        .map_err(|error| client_failure(error, client.unwrap_or_default(), store))?;
    let PartialList { found: mut keys, unreadable, .. } = listed;
    let watched = if keys.is_empty() && !is_by_use {
        None
    } else if is_by_use {
        add_last_uses(&mut keys, client, globals, out)?
    } else {
        show_last_uses(&mut keys, client, globals, out)?
    };
    filter::retain_by_use(&mut keys, args, watched.as_ref(), globals, now)?;
    let is_cut = limit.is_some_and(|limit| keys.len() > limit);
    keys.truncate(limit.unwrap_or(usize::MAX));

    if keys.is_empty() && unreadable.is_empty() && !out.is_json() {
        out.note(match args {
            ListKeysArgs { expiring: Some(_), .. } => "no keys expire within this time",
            _ if is_by_use || !filter::is_whole(args, now) => "no keys match",
            _ => "there are no keys: issue one with `keygate key issue`",
        });
        if is_by_use {
            show::watched(watched.as_ref(), out);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let policy = block_on(store.policy())?;
    let soon = args.expiring.unwrap_or(SOON);
    let table = table(&keys, &View { soon, is_watched: watched.is_some(), policy, now });
    let json = keys.iter().map(|key| show::listed_json(key, &policy, now));
    out.print(&table, &json.collect())?;
    show::watched(watched.as_ref(), out);
    if let Some(next) = next {
        out.note(&format!(
            "there are more keys: raise --limit, or list the next ones with --after {next}"
        ));
    } else if is_cut {
        out.note("there are more keys: raise --limit to list them");
    }
    show::unreadable(&unreadable, out)?;
    Ok(ExitCode::from(u8::from(args.exit_code && !keys.is_empty())))
}

/// The layout of the table of keys.
pub(in crate::commands) struct View {
    /// Keys that expire within this time are shown as expiring.
    pub(in crate::commands) soon: Duration,
    /// Whether the last use is known.
    pub(in crate::commands) is_watched: bool,
    pub(in crate::commands) policy: Policy,
    pub(in crate::commands) now: SystemTime,
}

pub(in crate::commands) fn table(keys: &[KeyInfo], view: &View) -> String {
    let View { soon, is_watched, policy, now } = *view;
    let headings =
        ["ID", "CLIENT", "LABEL", "STATE", "CREATED", "EXPIRES", "LAST USED", "SCOPES", "NETWORKS"];
    let mut table = Table::new(headings);
    for key in keys {
        let status = ShownStatus::of(key, now, soon);
        let since = match key.status(now) {
            KeyStatus::NotYetValid => key.not_before().map(|begins| (", begins", begins)),
            _ => key.revoked.map(|revoked| ("", revoked)),
        };
        let since = since.map(|(what, time)| format!("{what} {}", from_now(time, now)));
        table.push([
            key.key_id.to_string().into(),
            key.client.as_str().into(),
            key.label.as_deref().unwrap_or_default().into(),
            Cell::styled(status.to_string() + &since.unwrap_or_default(), status.style()),
            key.created.map(|created| from_now(created, now)).unwrap_or_default().into(),
            expiry(key, &policy, now).into(),
            if is_watched { last_used(key, now).into() } else { "".into() },
            show::joined(&key.scopes).into(),
            show::joined(&key.networks).into(),
        ]);
    }
    table.without_empty([6, 7, 8]).render()
}

fn last_used(key: &KeyInfo, now: SystemTime) -> String {
    match key.last_used {
        LastUsed::At(time) => show::last_minute(time, now),
        other => other.to_string(),
    }
}

fn expiry(key: &KeyInfo, policy: &Policy, now: SystemTime) -> String {
    let beyond = if show::is_beyond(key, policy, now) { ", beyond the policy" } else { "" };
    let Some(expires) = key.expires() else { return format!("never{beyond}") };
    let verb = if key.has_expired(now) { "expired" } else { "expires" };
    format!("{verb} {}{beyond}", from_now(expires, now))
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
        let mut later = KeyInfo::new("34e96aa08482cdc1".parse().unwrap(), "User 1");
        later.lifetime = Lifetime::default().with_not_before(now + 2 * DAY);

        let view = View { soon: SOON, is_watched: false, policy: Policy::new(), now };
        let table = table(&[expiring, revoked, later], &view);
        assert_eq!(
            anstream::adapter::strip_str(&table).to_string(),
            "ID                CLIENT  LABEL       STATE                            CREATED      EXPIRES\n\
             1f0c2b7a9d3e4c58  App 1   production  expiring                         87 days ago  expires in 3 days\n\
             08c1d5e2f3a4b596  User 1              revoked 2 days ago                            expired now\n\
             34e96aa08482cdc1  User 1              not yet valid, begins in 2 days               never\n"
        );
    }
}

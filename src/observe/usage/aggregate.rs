use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Key;
use super::counts::Counts;
use super::snapshot::{Activity, ClientUsage, KeyUsage, Rates, TopClient};
use crate::client::client_map::ClientMap;
use crate::observe::OutcomeKind;

const MINUTE: Duration = Duration::from_secs(60);

/// Sums the counts of keys by client, in the order of their names.
pub(super) fn clients(keys: &ClientMap<Key, Counts>, now: u64) -> Vec<ClientUsage> {
    let mut by_name: BTreeMap<String, Vec<KeyUsage>> = BTreeMap::new();
    keys.for_each(|key, counts| {
        let name = key.client.as_str();
        let usage = KeyUsage { key_id: key.of, activity: activity(counts, now) };
        match by_name.get_mut(name) {
            Some(keys) => keys.push(usage),
            None => drop(by_name.insert(name.to_owned(), vec![usage])),
        }
    });
    let together = |(client, mut keys): (String, Vec<KeyUsage>)| {
        keys.sort_by_key(|key| (key.activity.first_seen, key.key_id));
        let all = keys.iter().map(|key| key.activity.clone());
        let activity = all.reduce(sum)?;
        Some(ClientUsage { client, activity, keys })
    };
    by_name.into_iter().filter_map(together).collect()
}

/// The `n` clients with the most requests in the last minute. Counting started at `since`.
pub(super) fn top(keys: &ClientMap<Key, Counts>, since: u64, now: u64, n: usize) -> Vec<TopClient> {
    let before = Duration::from_nanos(now.saturating_sub(since)).saturating_sub(MINUTE);
    let minutes_before = before.min(59 * MINUTE).as_secs_f64() / 60.0;
    let mut by_name: HashMap<String, [f64; 2]> = HashMap::new();
    keys.for_each(|key, counts| {
        let name = key.client.as_str();
        let [minute, _, hour] = counts.recent(now);
        match by_name.get_mut(name) {
            Some(sums) => *sums = [sums[0] + minute, sums[1] + hour],
            None if hour > 0.0 => drop(by_name.insert(name.to_owned(), [minute, hour])),
            None => {}
        }
    });
    let busy = by_name.into_iter().filter(|(_, [minute, _])| *minute > 0.0);
    let mut busy: Vec<_> = busy
        .map(|(client, [minute, hour])| TopClient {
            client,
            per_minute: minute,
            per_minute_before: (minutes_before >= 1.0)
                .then(|| (hour - minute).max(0.0) / minutes_before),
        })
        .collect();
    busy.sort_unstable_by(|one, other| {
        let busier = other.per_minute.total_cmp(&one.per_minute);
        busier.then_with(|| one.client.cmp(&other.client))
    });
    busy.truncate(n);
    busy
}

fn activity(counts: &Counts, now: u64) -> Activity {
    let refused = OutcomeKind::ALL.iter().copied().filter(|kind| kind.is_refusal());
    let refused = refused.map(|kind| (kind.name(), counts.count(kind)));
    let [minute, five, hour] = counts.recent(now);
    Activity {
        requests: counts.count(OutcomeKind::Admitted),
        replaced: counts.count(OutcomeKind::Replaced),
        refused: refused.filter(|(_, count)| *count > 0).collect(),
        first_seen: time(counts.first_seen()),
        last_seen: time(counts.last_seen()),
        rates: Rates {
            last_minute: minute,
            last_5_minutes: five / 5.0,
            last_60_minutes: hour / 60.0,
        },
    }
}

fn sum(mut one: Activity, other: Activity) -> Activity {
    one.requests += other.requests;
    one.replaced += other.replaced;
    for (name, count) in other.refused {
        *one.refused.entry(name).or_default() += count;
    }
    one.first_seen = one.first_seen.min(other.first_seen);
    one.last_seen = one.last_seen.max(other.last_seen);
    one.rates.last_minute += other.rates.last_minute;
    one.rates.last_5_minutes += other.rates.last_5_minutes;
    one.rates.last_60_minutes += other.rates.last_60_minutes;
    one
}

pub(super) fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

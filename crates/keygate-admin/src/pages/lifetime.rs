//! The lifetime of a key: presets or a date, within the store's policy.

use std::time::{Duration, SystemTime};

use keygate::key::Timestamp;
use keygate::manage::{Expiry, Policy};
use maud::{Markup, html};

use crate::form::Form;
use crate::view::field::{Choice, Errors, Field, choices, kept};
use crate::view::time::{DAY, day, length, parse_day, utc};

/// The presets, in days.
const PRESETS: [u32; 4] = [7, 30, 90, 365];

/// The purpose of the form, which decides the order of the choices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new key.
    Issue,
    /// A replacement for a key. Holds the new key's expiry if it keeps the old key's lifetime; `None` for no expiry.
    Rotate(Option<SystemTime>),
    /// An existing key. Holds its current expiry; `None` if it never expires.
    Change(Option<SystemTime>),
}

/// The input.
pub(super) struct LifetimeTexts {
    pub(super) choice: String,
    pub(super) date: String,
}

/// The lifetimes that the store's policy allows.
pub(super) struct Lifetimes {
    policy: Policy,
    purpose: Purpose,
    now: SystemTime,
    /// The latest time at which the key may expire.
    latest: Option<SystemTime>,
}

impl Lifetimes {
    /// `created` is the time at which the key was issued. Lifetimes count from then.
    pub(super) fn new(
        policy: Policy,
        purpose: Purpose,
        created: SystemTime,
        now: SystemTime,
    ) -> Self {
        let latest = policy.max_lifetime().and_then(|max| whole_second(created).checked_add(max));
        Self { policy, purpose, now, latest }
    }

    /// Returns the default choice, which follows the policy.
    pub(super) fn first(&self) -> LifetimeTexts {
        let choice = match self.purpose {
            Purpose::Issue if self.policy.default_lifetime().is_none() => {
                let preset =
                    self.presets().find(|days| *days == 90).or_else(|| self.presets().last());
                preset.map_or("max".to_owned(), |days| format!("{days}d"))
            }
            Purpose::Issue => "default".to_owned(),
            Purpose::Rotate(_) | Purpose::Change(_) => "same".to_owned(),
        };
        LifetimeTexts { choice, date: String::new() }
    }

    fn presets(&self) -> impl Iterator<Item = u32> {
        let fits = |days: &u32| {
            self.latest
                .is_none_or(|latest| self.after(*days * DAY).is_some_and(|end| end <= latest))
        };
        PRESETS.into_iter().filter(fits)
    }

    fn after(&self, time: Duration) -> Option<SystemTime> {
        whole_second(self.now).checked_add(time)
    }

    /// Returns the chosen expiry; `None` if the key keeps its own.
    pub(super) fn expiry(&self, texts: &LifetimeTexts) -> Result<Option<Expiry>, String> {
        match &*texts.choice {
            "same" if matches!(self.purpose, Purpose::Change(_)) => Ok(None),
            "same" | "default" => Ok(Some(Expiry::Inherit)),
            "never" => Ok(Some(Expiry::Never)),
            "max" => self
                .latest
                .map(|latest| Some(latest.into()))
                .ok_or_else(|| "choose how long the key works".to_owned()),
            "date" => {
                let day = parse_day(&texts.date)
                    .ok_or("enter the last day on which the key works, as 2027-01-31")?;
                let end = day.checked_add(DAY).ok_or("choose an earlier date")?;
                Ok(Some(end.into()))
            }
            preset => {
                let days = preset.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
                let days = days
                    .filter(|days| PRESETS.contains(days))
                    .ok_or("choose how long the key works")?;
                let end = self.after(days * DAY).ok_or("choose an earlier date")?;
                Ok(Some(end.into()))
            }
        }
    }

    pub(super) fn fields(&self, texts: &LifetimeTexts, errors: &Errors) -> Markup {
        let until = |end: Option<SystemTime>| {
            end.map(|end| format!(", until {}", day(end))).unwrap_or_default()
        };
        let legend = match self.purpose {
            Purpose::Issue => "How long the key works",
            Purpose::Rotate(_) => "How long the new key works",
            Purpose::Change(_) => "How long the key keeps working",
        };
        let same = match self.purpose {
            Purpose::Issue => self.policy.default_lifetime().map(|time| {
                (
                    "default",
                    format!(
                        "{}, the default of the store’s policy{}",
                        length(time),
                        until(self.after(time))
                    ),
                )
            }),
            Purpose::Rotate(end) => Some((
                "same",
                match end {
                    Some(_) => format!("As long as the old key{}", until(end)),
                    None => "Until it is revoked, like the old key".to_owned(),
                },
            )),
            Purpose::Change(end) => Some((
                "same",
                match end {
                    Some(end) => format!("Unchanged, until {}", utc(end)),
                    None => "Unchanged, until it is revoked".to_owned(),
                },
            )),
        };
        let mut all: Vec<(String, String)> =
            same.map(|(value, label)| (value.to_owned(), label)).into_iter().collect();
        let presets: Vec<_> = self.presets().collect();
        let is_change = matches!(self.purpose, Purpose::Change(_));
        all.extend(presets.iter().map(|days| {
            let label = if *days == 365 { "1 year".to_owned() } else { format!("{days} days") };
            let label = if is_change { format!("{label} from now") } else { label };
            (format!("{days}d"), label + &until(self.after(*days * DAY)))
        }));
        let is_shorter =
            presets.len() < PRESETS.len() && self.latest.is_some_and(|latest| latest > self.now);
        if is_shorter {
            all.push((
                "max".to_owned(),
                format!("As long as the policy allows{}", until(self.latest)),
            ));
        }
        all.push(("date".to_owned(), "Until the end of a day (UTC), entered below".to_owned()));
        if !self.policy.requires_expiry() {
            all.push(("never".to_owned(), "Until it is revoked".to_owned()));
        }
        let all: Vec<_> =
            all.iter().map(|(value, label)| Choice { value, label: html! { (label) } }).collect();
        html! {
            (choices("lifetime", legend,  &texts.choice, &all, errors))
            (Field::new("date", "Last day").value(&texts.date)
                .hint("Only for a day that you choose, such as 2027-01-31.").day(errors))
        }
    }
}

impl LifetimeTexts {
    pub(super) fn typed(form: &Form) -> Self {
        Self { choice: kept(form.text("lifetime"), ""), date: kept(form.text("date"), "") }
    }
}

fn whole_second(time: SystemTime) -> SystemTime {
    Timestamp::nearest(time).whole_second().system_time()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn lifetimes(policy: Policy, purpose: Purpose) -> Lifetimes {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Lifetimes::new(policy, purpose, now, now)
    }

    fn texts(choice: &str, date: &str) -> LifetimeTexts {
        LifetimeTexts { choice: choice.to_owned(), date: date.to_owned() }
    }

    #[test]
    fn policy_determines_the_choices_and_the_default() {
        let days = |days: u32| days * DAY;
        let shown = |policy: Policy| {
            let lifetimes = lifetimes(policy, Purpose::Issue);
            let first = lifetimes.first();
            let html = lifetimes.fields(&first, &Errors::default()).into_string();
            let has = ["default", "7d", "90d", "365d", "max", "never"]
                .map(|value| html.contains(&format!("value=\"{value}\"")));
            (first.choice, has)
        };
        let policy = Policy::new();
        assert_eq!(shown(policy), ("90d".to_owned(), [false, true, true, true, false, true]));
        let default = policy.with_default_lifetime(days(10));
        assert_eq!(shown(default), ("default".to_owned(), [true, true, true, true, false, true]));
        let max = policy.with_max_lifetime(days(30));
        assert_eq!(shown(max), ("30d".to_owned(), [false, true, false, false, true, false]));
        let short = policy.with_max_lifetime(days(1));
        assert_eq!(shown(short), ("max".to_owned(), [false, false, false, false, true, false]));
    }

    #[test]
    fn day_is_the_last_one_on_which_the_key_works() {
        let lifetimes = lifetimes(Policy::new(), Purpose::Issue);
        let end = parse_day("2027-02-01").unwrap();
        assert_eq!(lifetimes.expiry(&texts("date", "2027-01-31")), Ok(Some(end.into())));
        for (choice, date) in
            [("date", ""), ("date", "soon"), ("8d", ""), ("", ""), ("max", ""), ("9999999999d", "")]
        {
            assert!(lifetimes.expiry(&texts(choice, date)).is_err(), "{choice} {date}");
        }
    }

    #[test]
    fn changed_key_counts_its_lifetime_from_its_issue() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let policy = Policy::new().with_max_lifetime(90 * DAY);
        let lifetimes = Lifetimes::new(policy, Purpose::Change(None), now - 60 * DAY, now);
        assert_eq!(lifetimes.presets().collect::<Vec<_>>(), [7, 30]);
        assert_eq!(lifetimes.expiry(&texts("same", "")), Ok(None));
    }
}

use keygate::client::Rate;
use keygate::{Quota, Scope};

/// A scope that a client has, and a required one, on two lines.
pub(super) fn scopes(text: &str) {
    let (held, required) = text.split_once('\n').unwrap_or((text, text));
    let (parsed, parsed_required) = (held.parse::<Scope>(), required.parse::<Scope>());
    assert_eq!(parsed.is_ok(), is_scope(held), "{held:?}");
    if let (Ok(scope), Ok(required_scope)) = (parsed, parsed_required) {
        assert_eq!(scope.as_str(), held);
        assert_eq!(scope.to_string().parse(), Ok(scope.clone()));
        assert_eq!(scope.covers(&required_scope), covers(held, required), "{held} {required}");
    }
}

fn is_scope(text: &str) -> bool {
    let segments: Vec<_> = text.split(':').collect();
    let (last, others) = segments.split_last().expect("a text has a first segment");
    let is_plain = |segment: &&str| {
        !segment.is_empty()
            && segment.chars().all(|char| "abcdefghijklmnopqrstuvwxyz0123456789_.-".contains(char))
    };
    others.iter().all(is_plain) && (*last == "*" || is_plain(last))
}

fn covers(held: &str, required: &str) -> bool {
    let (held, required): (Vec<_>, Vec<_>) =
        (held.split(':').collect(), required.split(':').collect());
    match held.split_last() {
        Some((&"*", before)) => required.len() > before.len() && required.starts_with(before),
        _ => held == required,
    }
}

/// A quota, and a burst on the next line.
pub(super) fn quota(text: &str) {
    let (quota, burst) = text.split_once('\n').unwrap_or((text, ""));
    let parsed = quota.parse::<Quota>();
    if quota == "unlimited" {
        assert!(parsed.is_ok_and(|quota| quota.is_unlimited()));
        return;
    }
    let expected = rate(quota);
    let Ok(parsed) = parsed else {
        assert_eq!(expected, None, "{quota:?}");
        return;
    };
    let rates: Vec<Rate> = parsed.rates().to_vec();
    let [rate] = rates[..] else { panic!("one rate") };
    let seconds = rate.per().duration().as_secs();
    assert_eq!(Some((u64::from(rate.count()), seconds)), expected, "{quota:?}");
    assert_eq!(rate.burst(), rate.count());
    if let Ok(burst) = burst.parse::<u32>() {
        let takes = u128::from(burst) * u128::from(seconds) / u128::from(rate.count());
        let fits = burst > 0
            && u128::from(burst) * u128::from(seconds)
                <= 36_525 * 86_400 * u128::from(rate.count());
        assert_eq!(rate.with_burst(burst).is_ok(), fits, "{quota} {burst}, in {takes} s");
    }
}

/// The count and the seconds of the unit.
fn rate(text: &str) -> Option<(u64, u64)> {
    let units = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];
    let (_, seconds) = units.into_iter().find(|(unit, _)| text.ends_with(&format!("/{unit}")))?;
    let count = &text[..text.rfind('/')?];
    let digits = count.chars().all(|char| char.is_ascii_digit()) && !count.is_empty();
    let count = count.trim_start_matches('0');
    (digits && (1..=10).contains(&count.len())).then_some(())?;
    let count: u64 = count.parse().ok()?;
    (count <= u64::from(u32::MAX)).then_some((count, seconds))
}

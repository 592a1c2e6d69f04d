use super::sharded_cache::{ShardedCache, Tag};
use crate::key::KeyDigest;

const SETS: usize = 2_048;
const WAYS: usize = 8;

/// Nanoseconds for which a digest is remembered: a day, for clients that call once a day.
const LASTS: u64 = 86_400_000_000_000;

/// The digests that a waiting store has verified recently: up to 16,384 of them, each for a day.
///
/// They decide which keys are looked up, but not the result, so a key that is revoked meanwhile is refused. A full set
/// forgets the digest that was verified longest ago. Only right keys are added, so guessing cannot make it forget any.
pub(super) struct Verified(ShardedCache<[Seen; WAYS]>);

#[derive(Clone, Copy, Default)]
struct Seen {
    tag: Tag,
    at: u64,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self(ShardedCache::new(SETS))
    }

    pub(super) fn remember(&self, digest: KeyDigest, now: u64) {
        let tag = self.tag(digest);
        self.0.with(tag, |seen| {
            let own = seen.iter().position(|seen| seen.tag == tag);
            let oldest = || (0..WAYS).min_by_key(|way| seen[*way].at).unwrap_or(0);
            let way = own.unwrap_or_else(oldest);
            seen[way] = Seen { tag, at: now };
        });
    }

    pub(super) fn forget(&self, digest: KeyDigest) {
        let tag = self.tag(digest);
        self.0.with(tag, |seen| {
            seen.iter_mut().filter(|seen| seen.tag == tag).for_each(|seen| *seen = Seen::default());
        });
    }

    pub(super) fn knows(&self, digest: KeyDigest, now: u64) -> bool {
        let tag = self.tag(digest);
        // The clock may have been set back meanwhile.
        let recent = |seen: &Seen| seen.tag == tag && now.abs_diff(seen.at) < LASTS;
        self.0.with(tag, |seen| seen.iter().any(recent))
    }

    fn tag(&self, digest: KeyDigest) -> Tag {
        self.0.tag(digest.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1 << 60;

    fn digest(number: u32) -> KeyDigest {
        KeyDigest::of(&number.to_be_bytes())
    }

    #[test]
    fn digest_is_known_for_a_day_from_its_last_verification() {
        let verified = Verified::new();
        assert!(!verified.knows(digest(1), NOW));
        verified.remember(digest(1), NOW);
        verified.remember(digest(1), NOW + LASTS / 2);
        assert!(verified.knows(digest(1), NOW + LASTS));
        assert!(!verified.knows(digest(2), NOW));
        assert!(!verified.knows(digest(1), NOW + LASTS / 2 + LASTS));
        assert!(verified.knows(digest(1), NOW - 1), "the clock went back a little");
        verified.forget(digest(1));
        assert!(!verified.knows(digest(1), NOW + LASTS));
    }

    #[test]
    fn full_cache_keeps_the_last_verified_digests() {
        let verified = Verified::new();
        for number in 0..100_000 {
            verified.remember(digest(number), NOW + u64::from(number));
        }
        let known = |range: std::ops::Range<u32>| {
            range.filter(|number| verified.knows(digest(*number), NOW)).count()
        };
        assert_eq!(known(99_000..100_000), 1_000);
        assert!(known(0..50_000) < 50);
        assert!(known(0..100_000) <= SETS * WAYS);
    }
}

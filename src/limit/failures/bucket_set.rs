use super::sharded_cache::Tag;
use crate::client::Rate;
use crate::limit::gcra::Gcra;

pub(super) const WAYS: usize = 8;

/// The number of single addresses that an IPv6 network of 2^80 addresses counts as.
const NETWORK_COUNTS_AS: u64 = 8;

/// The number of bursts that an address can owe after concurrent lookups of wrong keys: enough that guessing in
/// parallel gains little, but few enough that other callers at the address are not refused for long.
const MOST_OWED: u64 = 4;

/// The limits on wrong keys from one address, and from one IPv6 network.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) address: Gcra,
    pub(super) network: Gcra,
}

impl Limits {
    pub(super) fn of(rate: &Rate) -> Self {
        let address = Gcra::new(rate);
        Self { address, network: address.shared_by(NETWORK_COUNTS_AS) }
    }
}

impl Gcra {
    /// Counts one wrong key, even over the limit, up to [`Set::clamp`].
    pub(super) fn charge(self, tat: u64, now: u64) -> u64 {
        tat.max(now).saturating_add(self.step())
    }

    pub(super) fn give_back(self, tat: u64) -> u64 {
        tat.saturating_sub(self.step())
    }

    fn furthest(self, now: u64) -> u64 {
        let window = self.latest(now) - now;
        now.saturating_add(window.saturating_mul(MOST_OWED))
    }
}

#[derive(Default)]
pub(super) struct Set {
    pub(super) ways: [Way; WAYS],
    /// The `tat` shared by addresses for which no way of the set is free.
    pub(super) shared: u64,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Way {
    pub(super) tag: Tag,
    /// Time at which the whole burst is earned again, in nanoseconds since 1970.
    pub(super) tat: u64,
}

impl Set {
    /// Limits each debt, even if the clock was set back.
    pub(super) fn clamp(&mut self, limits: Limits, now: u64) {
        let furthest = limits.address.furthest(now).max(limits.network.furthest(now));
        for way in &mut self.ways {
            way.tat = way.tat.min(furthest);
        }
        self.shared = self.shared.min(furthest);
    }

    /// Returns the index of the entry's way, or of the way that it replaces; `None` if it must use the shared `tat`.
    pub(super) fn place(&self, tag: Tag, limits: Limits, now: u64) -> Option<usize> {
        let own = self.ways.iter().position(|way| way.tag == tag);
        // This uses the limit of an address even for networks, whose own limit is higher.
        let least = || {
            let least = (0..WAYS).min_by_key(|way| self.ways[*way].tat)?;
            limits.address.check(self.ways[least].tat, 1, now).is_ok().then_some(least)
        };
        own.or_else(least)
    }
}

#[cfg(test)]
impl Limits {
    /// Three wrong keys at once, then one every six seconds.
    pub(super) fn for_test() -> Self {
        Self::of(&"10/minute".parse::<Rate>().unwrap().with_burst(3).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1 << 60;

    #[test]
    fn entry_with_the_least_debt_is_replaced() {
        let set = Set {
            ways: std::array::from_fn(|way| Way { tag: 1 + way as u64, tat: NOW + way as u64 }),
            shared: 0,
        };
        assert_eq!(set.place(100, Limits::for_test(), NOW), Some(0));
        assert_eq!(set.place(5, Limits::for_test(), NOW), Some(4));
    }
}

use std::net::IpAddr;

use super::sharded_cache::{ShardedCache, Tag};
use crate::client::Rate;
use crate::limit::gcra::Gcra;

const SETS: usize = 8_192;
const WAYS: usize = 8;

/// The number of single addresses that an IPv6 network of 2^80 addresses counts as.
const NETWORK_COUNTS_AS: u64 = 8;

/// How many bursts an address can owe where wrong keys were looked up side by side. Long enough that who
/// does so gains little, and short enough that others at the address are not kept out for long.
const MOST_OWED: u64 = 4;

/// How many wrong keys may come from one address, and from a network that is given out as one.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    address: Gcra,
    network: Gcra,
}

impl Limits {
    pub(super) fn of(rate: &Rate) -> Self {
        let address = Gcra::new(rate);
        Self { address, network: address.shared_by(NETWORK_COUNTS_AS) }
    }
}

impl Gcra {
    /// As [`Gcra::check`], and also where that is over the limit, as far as [`Set::clamp`] lets it.
    fn charge(self, tat: u64, now: u64) -> u64 {
        tat.max(now).saturating_add(self.step())
    }

    fn give_back(self, tat: u64) -> u64 {
        tat.saturating_sub(self.step())
    }

    fn furthest(self, now: u64) -> u64 {
        let window = self.latest(now) - now;
        now.saturating_add(window.saturating_mul(MOST_OWED))
    }
}

/// What addresses have spent of their limits: 65,536 of them in a table of fixed size.
///
/// An entry gives way to another where a set of eight is full: the one that will have its whole burst
/// again first, and never one that is over its limit. So a flood of addresses cannot set back the
/// count of one that is held. Where all of a set are over their limits, addresses that have no entry
/// share one more, which has the limit of a network.
pub(super) struct Buckets(ShardedCache<Set>);

#[derive(Default)]
struct Set {
    ways: [Way; WAYS],
    /// Shared by the addresses that find no free way.
    shared: u64,
}

#[derive(Clone, Copy, Default)]
struct Way {
    tag: Tag,
    /// When the whole burst is earned again, in nanoseconds since 1970.
    tat: u64,
}

/// One thing that is counted.
#[derive(Clone, Copy)]
struct Counted {
    tag: Tag,
    limit: Gcra,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self(ShardedCache::new(SETS))
    }

    /// Counts one wrong key, unless the address is over its limit: then it says for how many
    /// nanoseconds.
    pub(super) fn spend(&self, address: IpAddr, limits: Limits, now: u64) -> Result<(), u64> {
        let (single, network) = self.counted(address, limits);
        let spend =
            |counted| self.count(counted, limits, now, |limit, tat, now| limit.check(tat, 1, now));
        if network.is_none_or(|network| spend(network).is_ok()) {
            if spend(single).is_ok() {
                return Ok(());
            }
            if let Some(network) = network {
                let back = |limit: Gcra, tat, _| Ok(limit.give_back(tat));
                let _ = self.count(network, limits, now, back);
            }
        }
        Err(self.over(address, limits, now).unwrap_or_default())
    }

    /// As [`Buckets::spend`], and counts in any case: for keys that were looked up already, because they
    /// came before the others were known to be wrong.
    pub(super) fn charge(&self, address: IpAddr, limits: Limits, now: u64) -> Result<(), u64> {
        let over = self.over(address, limits, now).is_some();
        let (single, network) = self.counted(address, limits);
        let charge = |counted| {
            let _ = self.count(counted, limits, now, |limit, tat, now| Ok(limit.charge(tat, now)));
        };
        // What is beyond its own limit is not its neighbours' to pay.
        if self.wait(single, limits, now).is_none() {
            network.into_iter().for_each(charge);
        }
        charge(single);
        if over { Err(self.over(address, limits, now).unwrap_or_default()) } else { Ok(()) }
    }

    /// For how many nanoseconds the address is over its limit, if it is.
    pub(super) fn over(&self, address: IpAddr, limits: Limits, now: u64) -> Option<u64> {
        let (single, network) = self.counted(address, limits);
        [Some(single), network]
            .into_iter()
            .flatten()
            .filter_map(|counted| self.wait(counted, limits, now))
            .max()
    }

    fn wait(&self, counted: Counted, limits: Limits, now: u64) -> Option<u64> {
        self.0.with(counted.tag, |set| {
            set.clamp(limits, now);
            let (tat, limit) = match set.place(counted.tag, limits, now) {
                Slot::Own(way) => (set.ways[way].tat, counted.limit),
                Slot::Free(_) => return None,
                Slot::Shared => (set.shared, limits.network),
            };
            limit.check(tat, 1, now).err()
        })
    }

    fn count(
        &self,
        counted: Counted,
        limits: Limits,
        now: u64,
        count: impl FnOnce(Gcra, u64, u64) -> Result<u64, u64>,
    ) -> Result<(), u64> {
        self.0.with(counted.tag, |set| {
            set.clamp(limits, now);
            let (tat, limit) = match set.place(counted.tag, limits, now) {
                Slot::Own(way) => (&mut set.ways[way].tat, counted.limit),
                Slot::Free(way) => {
                    set.ways[way] = Way { tag: counted.tag, tat: 0 };
                    (&mut set.ways[way].tat, counted.limit)
                }
                Slot::Shared => (&mut set.shared, limits.network),
            };
            *tat = count(limit, *tat, now)?;
            Ok(())
        })
    }

    /// An IPv4 address counts by itself; of IPv6, one caller has 2^64 addresses at least, and often a
    /// network of 2^80.
    fn counted(&self, address: IpAddr, limits: Limits) -> (Counted, Option<Counted>) {
        let of =
            |bits: u8, network: u64, limit| Counted { tag: self.0.tag((bits, network)), limit };
        match address.to_canonical() {
            IpAddr::V4(address) => (of(32, address.to_bits().into(), limits.address), None),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                let network = a << 32 | b << 16 | c;
                (of(64, network << 16 | d, limits.address), Some(of(48, network, limits.network)))
            }
        }
    }
}

enum Slot {
    Own(usize),
    /// Its own from now on.
    Free(usize),
    Shared,
}

impl Set {
    /// Nothing is owed for longer than it may be, also where the clock went back.
    fn clamp(&mut self, limits: Limits, now: u64) {
        let furthest = limits.address.furthest(now).max(limits.network.furthest(now));
        for way in &mut self.ways {
            way.tat = way.tat.min(furthest);
        }
        self.shared = self.shared.min(furthest);
    }

    fn place(&self, tag: Tag, limits: Limits, now: u64) -> Slot {
        if let Some(own) = self.ways.iter().position(|way| way.tag == tag) {
            return Slot::Own(own);
        }
        let least = (0..WAYS).min_by_key(|way| self.ways[*way].tat).unwrap_or(0);
        // By the limit of an address, also where it is that of a network, which is over no sooner.
        match limits.address.check(self.ways[least].tat, 1, now) {
            Ok(_) => Slot::Free(least),
            Err(_) => Slot::Shared,
        }
    }
}

#[cfg(test)]
mod tests;

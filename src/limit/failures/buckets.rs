use std::net::IpAddr;

use super::bucket_set::{Limits, Set, Way};
use super::sharded_cache::{ShardedCache, Tag};
use crate::limit::gcra::Gcra;

const SETS: usize = 8_192;

/// The counts of wrong keys of 65,536 addresses, in a table of fixed size.
///
/// A new address replaces the entry of its set of eight that will first have its whole burst again, unless that is over
/// its limit. So a flood of addresses cannot free an address that is throttled. If all entries of a set are over their
/// limits, further addresses share an extra entry, which has the limit of a network.
pub(super) struct Buckets {
    sets: ShardedCache<Set>,
    limits: Limits,
}

/// An address or network, and its limit.
#[derive(Clone, Copy)]
struct Counted {
    tag: Tag,
    limit: Gcra,
}

impl Buckets {
    pub(super) fn new(limits: Limits) -> Self {
        Self { sets: ShardedCache::new(SETS), limits }
    }

    /// Counts one wrong key, unless the address is over its limit. The error is the wait in nanoseconds.
    pub(super) fn spend(&self, address: IpAddr, now: u64) -> Result<(), u64> {
        let (single, network) = self.counted(address);
        let spend = |counted| self.count(counted, now, |limit, tat| limit.check(tat, 1, now));
        if network.is_none_or(|network| spend(network).is_ok()) {
            if spend(single).is_ok() {
                return Ok(());
            }
            if let Some(network) = network {
                let _ = self.count(network, now, |limit, tat| Ok(limit.give_back(tat)));
            }
        }
        Err(self.over(address, now).unwrap_or_default())
    }

    /// Like [`Buckets::spend`], but always counts: for keys that were looked up before earlier ones were known to be
    /// wrong.
    pub(super) fn charge(&self, address: IpAddr, now: u64) -> Result<(), u64> {
        let over = self.over(address, now).is_some();
        let (single, network) = self.counted(address);
        let charge = |counted| {
            let _ = self.count(counted, now, |limit, tat| Ok(limit.charge(tat, now)));
        };
        // The network is not charged for keys beyond the limit of the address.
        if self.wait(single, now).is_none() {
            network.into_iter().for_each(charge);
        }
        charge(single);
        if over { Err(self.over(address, now).unwrap_or_default()) } else { Ok(()) }
    }

    /// Returns the nanoseconds for which the address is over its limit, if it is.
    pub(super) fn over(&self, address: IpAddr, now: u64) -> Option<u64> {
        let (single, network) = self.counted(address);
        let counted = [Some(single), network].into_iter().flatten();
        counted.filter_map(|counted| self.wait(counted, now)).max()
    }

    fn wait(&self, counted: Counted, now: u64) -> Option<u64> {
        self.sets.with(counted.tag, |set| {
            set.clamp(self.limits, now);
            // A way that would be freed is not over its limit.
            let (tat, limit) = match set.place(counted.tag, self.limits, now) {
                Some(way) => (set.ways[way].tat, counted.limit),
                None => (set.shared, self.limits.network),
            };
            limit.check(tat, 1, now).err()
        })
    }

    fn count(
        &self,
        counted: Counted,
        now: u64,
        count: impl FnOnce(Gcra, u64) -> Result<u64, u64>,
    ) -> Result<(), u64> {
        self.sets.with(counted.tag, |set| {
            set.clamp(self.limits, now);
            let (tat, limit) = match set.place(counted.tag, self.limits, now) {
                Some(way) => {
                    let way = &mut set.ways[way];
                    if way.tag != counted.tag {
                        *way = Way { tag: counted.tag, tat: 0 };
                    }
                    (&mut way.tat, counted.limit)
                }
                None => (&mut set.shared, self.limits.network),
            };
            *tat = count(limit, *tat)?;
            Ok(())
        })
    }

    /// Each IPv4 address counts separately. In IPv6, one caller has at least 2^64 addresses, and often 2^80.
    fn counted(&self, address: IpAddr) -> (Counted, Option<Counted>) {
        let limits = self.limits;
        let of =
            |bits: u8, network: u64, limit| Counted { tag: self.sets.tag((bits, network)), limit };
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::super::bucket_set::WAYS;
    use super::*;

    const NOW: u64 = 1 << 60;
    const S: u64 = 1_000_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Spends `tries` wrong keys, and returns the number that were not throttled.
    fn spent(buckets: &Buckets, address: IpAddr, tries: usize, now: u64) -> usize {
        (0..tries).filter(|_| buckets.spend(address, now).is_ok()).count()
    }

    fn hold(buckets: &Buckets, address: IpAddr, now: u64) {
        while buckets.spend(address, now).is_ok() {}
    }

    fn kept(buckets: &Buckets) -> usize {
        let mut kept = 0;
        buckets.sets.each(|set| kept += set.ways.iter().filter(|way| way.tag != 0).count());
        kept
    }

    #[test]
    fn burst_is_spent_and_then_one_each_step() {
        let buckets = Buckets::new(Limits::for_test());
        let one = address("192.0.2.1");
        assert_eq!(spent(&buckets, one, 10, NOW), 3);
        assert_eq!(buckets.spend(one, NOW + S), Err(5 * S));
        assert_eq!(buckets.over(one, NOW + 6 * S - 1), Some(1));
        assert_eq!(buckets.over(one, NOW + 6 * S), None);
        assert_eq!(spent(&buckets, one, 10, NOW + 6 * S), 1);
        assert_eq!(spent(&buckets, address("192.0.2.2"), 10, NOW), 3);
    }

    #[test]
    fn ipv4_in_ipv6_is_the_same_address() {
        let buckets = Buckets::new(Limits::for_test());
        assert_eq!(spent(&buckets, address("::ffff:192.0.2.1"), 2, NOW), 2);
        assert_eq!(spent(&buckets, address("192.0.2.1"), 10, NOW), 1);
        // IPv4 addresses in IPv6 do not share the limit of a network.
        for last in 2..100 {
            let mapped = Ipv4Addr::new(192, 0, 2, last).to_ipv6_mapped();
            assert_eq!(spent(&buckets, mapped.into(), 10, NOW), 3);
        }
    }

    #[test]
    fn ipv6_addresses_count_by_64_bits_and_networks_by_48() {
        let buckets = Buckets::new(Limits::for_test());
        assert_eq!(spent(&buckets, address("2001:db8:1:1::1"), 2, NOW), 2);
        assert_eq!(spent(&buckets, address("2001:db8:1:1:ffff:ffff:ffff:ffff"), 10, NOW), 1);
        let mut all = 3;
        for subnet in 2..100_u16 {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 1, subnet, 0, 0, 0, 1);
            all += spent(&buckets, address.into(), 10, NOW);
        }
        assert_eq!(all, 3 * 8);
        // Keys refused by the limit of the network are not charged to the address.
        assert_eq!(spent(&buckets, address("2001:db8:1:99::"), 10, NOW + 18 * S), 3);
        assert_eq!(spent(&buckets, address("2001:db8:2:1::1"), 10, NOW), 3);
    }

    #[test]
    fn keys_refused_by_an_address_are_not_charged_to_its_network() {
        let buckets = Buckets::new(Limits::for_test());
        assert_eq!(spent(&buckets, address("2001:db8:1:1::1"), 1_000, NOW), 3);
        assert_eq!(spent(&buckets, address("2001:db8:1:2::1"), 1_000, NOW), 3);
        for _ in 0..1_000 {
            let _ = buckets.charge(address("2001:db8:1:1::1"), NOW);
        }
        assert_eq!(spent(&buckets, address("2001:db8:1:3::1"), 1_000, NOW), 3);
    }

    #[test]
    fn concurrent_wrong_keys_owe_at_most_four_bursts() {
        let buckets = Buckets::new(Limits::for_test());
        let one = address("192.0.2.1");
        let charged = (0..5).map(|_| buckets.charge(one, NOW)).collect::<Vec<_>>();
        assert_eq!(charged, [Ok(()), Ok(()), Ok(()), Err(12 * S), Err(18 * S)]);
        assert_eq!(buckets.over(one, NOW), Some(18 * S));
        for _ in 0..1_000 {
            let _ = buckets.charge(one, NOW);
        }
        assert_eq!(buckets.over(one, NOW), Some((4 - 1) * 18 * S + 6 * S));
    }

    #[test]
    fn clock_set_back_throttles_for_at_most_four_bursts() {
        let buckets = Buckets::new(Limits::for_test());
        let one = address("192.0.2.1");
        hold(&buckets, one, NOW);
        let before = NOW / 2;
        let wait = buckets.over(one, before).unwrap();
        assert_eq!(wait, (4 - 1) * 18 * S + 6 * S);
        assert_eq!(buckets.over(one, before + wait), None);
    }

    #[test]
    fn flood_of_addresses_frees_no_throttled_address() {
        let buckets = Buckets::new(Limits::for_test());
        let held = (0..100).map(|last| IpAddr::from([192, 0, 2, last])).collect::<Vec<_>>();
        for address in &held {
            hold(&buckets, *address, NOW);
        }
        for number in 0..1_000_000_u32 {
            let flood = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number));
            assert!(buckets.spend(flood, NOW).is_ok());
        }
        assert!(held.iter().all(|address| buckets.over(*address, NOW).is_some()));
        assert_eq!(kept(&buckets), SETS * WAYS);
        // In IPv6, each address also adds an entry for its network.
        for number in 0..1_000_000_u128 {
            let flood = IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64));
            let _ = buckets.spend(flood, NOW);
        }
        assert!(held.iter().all(|address| buckets.over(*address, NOW).is_some()));
        assert_eq!(kept(&buckets), SETS * WAYS);
    }

    #[test]
    fn newcomers_to_a_full_set_share_a_network_limit() {
        let buckets = Buckets::new(Limits::for_test());
        let mut next = 0;
        let mut newcomer = || {
            next += 1;
            IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + next))
        };
        // Four times the capacity, so that every set is full of addresses over their limit.
        for _ in 0..SETS * WAYS * 4 {
            hold(&buckets, newcomer(), NOW);
        }
        let full = |set: &Set| set.ways.iter().all(|way| way.tat > NOW + 12 * S);
        buckets.sets.each(|set| assert!(full(set) && set.shared > 0));
        let late = newcomer();
        let wait = buckets.over(late, NOW).expect("its set has nothing left to share");
        assert!(buckets.spend(late, NOW).is_err());
        // The shared limit earns eight times as fast as an address.
        assert!(wait <= 6 * S / 8 + 8);
        assert_eq!(spent(&buckets, late, 10, NOW + wait), 1);
        // When the addresses in the set have earned back their burst, the newcomer has its own limit.
        assert_eq!(spent(&buckets, late, 10, NOW + 18 * S), 3);
    }

    #[test]
    fn wrong_keys_at_once_are_counted_exactly() {
        for one in ["192.0.2.1", "2001:db8::1"].map(address) {
            let buckets = Buckets::new(Limits::for_test());
            let counted: usize = std::thread::scope(|scope| {
                let spend = || spent(&buckets, one, 1_000, NOW);
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(spend)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(counted, 3, "{one}");
        }
    }
}

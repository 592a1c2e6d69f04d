use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;

const NOW: u64 = 1 << 60;
const S: u64 = 1_000_000_000;

/// Three wrong keys at once, then one every six seconds.
fn limits() -> Limits {
    Limits::of(&"10/minute".parse::<Rate>().unwrap().with_burst(3).unwrap())
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Spends `tries` wrong keys, and returns the number that were not throttled.
fn spent(buckets: &Buckets, address: IpAddr, tries: usize, now: u64) -> usize {
    (0..tries).filter(|_| buckets.spend(address, limits(), now).is_ok()).count()
}

fn hold(buckets: &Buckets, address: IpAddr, now: u64) {
    while buckets.spend(address, limits(), now).is_ok() {}
}

fn kept(buckets: &Buckets) -> usize {
    let mut kept = 0;
    buckets.0.each(|set| kept += set.ways.iter().filter(|way| way.tag != 0).count());
    kept
}

#[test]
fn burst_is_spent_and_then_one_each_step() {
    let buckets = Buckets::new();
    let one = address("192.0.2.1");
    assert_eq!(spent(&buckets, one, 10, NOW), 3);
    assert_eq!(buckets.spend(one, limits(), NOW + S), Err(5 * S));
    assert_eq!(buckets.over(one, limits(), NOW + 6 * S - 1), Some(1));
    assert_eq!(buckets.over(one, limits(), NOW + 6 * S), None);
    assert_eq!(spent(&buckets, one, 10, NOW + 6 * S), 1);
    assert_eq!(spent(&buckets, address("192.0.2.2"), 10, NOW), 3);
}

#[test]
fn ipv4_in_ipv6_is_the_same_address() {
    let buckets = Buckets::new();
    assert_eq!(spent(&buckets, address("::ffff:192.0.2.1"), 2, NOW), 2);
    assert_eq!(spent(&buckets, address("192.0.2.1"), 10, NOW), 1);
    // Mapped addresses do not share the limit of an IPv6 network.
    for last in 2..100 {
        let mapped = Ipv4Addr::new(192, 0, 2, last).to_ipv6_mapped();
        assert_eq!(spent(&buckets, mapped.into(), 10, NOW), 3);
    }
}

#[test]
fn ipv6_addresses_count_by_64_bits_and_networks_by_48() {
    let buckets = Buckets::new();
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
    let buckets = Buckets::new();
    assert_eq!(spent(&buckets, address("2001:db8:1:1::1"), 1_000, NOW), 3);
    assert_eq!(spent(&buckets, address("2001:db8:1:2::1"), 1_000, NOW), 3);
    for _ in 0..1_000 {
        let _ = buckets.charge(address("2001:db8:1:1::1"), limits(), NOW);
    }
    assert_eq!(spent(&buckets, address("2001:db8:1:3::1"), 1_000, NOW), 3);
}

#[test]
fn concurrent_wrong_keys_owe_at_most_four_bursts() {
    let buckets = Buckets::new();
    let one = address("192.0.2.1");
    let charged = (0..5).map(|_| buckets.charge(one, limits(), NOW)).collect::<Vec<_>>();
    assert_eq!(charged, [Ok(()), Ok(()), Ok(()), Err(12 * S), Err(18 * S)]);
    assert_eq!(buckets.over(one, limits(), NOW), Some(18 * S));
    for _ in 0..1_000 {
        let _ = buckets.charge(one, limits(), NOW);
    }
    assert_eq!(buckets.over(one, limits(), NOW), Some((4 - 1) * 18 * S + 6 * S));
}

#[test]
fn clock_set_back_holds_an_address_no_longer_than_it_can_owe() {
    let buckets = Buckets::new();
    let one = address("192.0.2.1");
    hold(&buckets, one, NOW);
    let before = NOW / 2;
    let wait = buckets.over(one, limits(), before).unwrap();
    assert_eq!(wait, (4 - 1) * 18 * S + 6 * S);
    assert_eq!(buckets.over(one, limits(), before + wait), None);
}

#[test]
fn flood_of_addresses_frees_none_that_is_over_its_limit() {
    let buckets = Buckets::new();
    let held = (0..100).map(|last| IpAddr::from([192, 0, 2, last])).collect::<Vec<_>>();
    for address in &held {
        hold(&buckets, *address, NOW);
    }
    for number in 0..1_000_000_u32 {
        let flood = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number));
        assert!(buckets.spend(flood, limits(), NOW).is_ok());
    }
    assert!(held.iter().all(|address| buckets.over(*address, limits(), NOW).is_some()));
    assert_eq!(kept(&buckets), SETS * WAYS);
    // In IPv6, each address also adds an entry for its network.
    for number in 0..1_000_000_u128 {
        let flood = IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64));
        let _ = buckets.spend(flood, limits(), NOW);
    }
    assert!(held.iter().all(|address| buckets.over(*address, limits(), NOW).is_some()));
    assert_eq!(kept(&buckets), SETS * WAYS);
}

#[test]
fn entry_that_has_spent_least_gives_way() {
    let set = Set {
        ways: std::array::from_fn(|way| Way { tag: 1 + way as u64, tat: NOW + way as u64 }),
        shared: 0,
    };
    assert!(matches!(set.place(100, limits(), NOW), Slot::Free(0)));
    assert!(matches!(set.place(5, limits(), NOW), Slot::Own(4)));
}

#[test]
fn where_all_are_held_newcomers_share_the_limit_of_a_network() {
    let buckets = Buckets::new();
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
    buckets.0.each(|set| assert!(full(set) && set.shared > 0));
    let late = newcomer();
    let wait = buckets.over(late, limits(), NOW).expect("its set has nothing left to share");
    assert!(buckets.spend(late, limits(), NOW).is_err());
    // The shared limit earns eight times as fast as an address.
    assert!(wait <= 6 * S / 8 + 8);
    assert_eq!(spent(&buckets, late, 10, NOW + wait), 1);
    // When the addresses in the set have earned back their burst, the newcomer has its own limit.
    assert_eq!(spent(&buckets, late, 10, NOW + 18 * S), 3);
}

#[test]
fn wrong_keys_at_once_are_counted_exactly() {
    for one in ["192.0.2.1", "2001:db8::1"].map(address) {
        let buckets = Buckets::new();
        let counted: usize = std::thread::scope(|scope| {
            let spend = || spent(&buckets, one, 1_000, NOW);
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(spend)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(counted, 3, "{one}");
    }
}

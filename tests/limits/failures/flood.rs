//! Memory and the attacked entry under a flood of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keygate::{MemoryStore, WrongReason};

use crate::allocator::{Allocated, allocated};
use crate::clock::fake_clock;
use crate::common::keys::{RIGHT, WRONG};
use crate::failures::fixture::{
    Counting, ELSEWHERE, HOME, Peer, Waits, exhaust, guarded, guess, is_right, parts, throttle,
    wait, wait_for,
};

fn flood(number: u32) -> IpAddr {
    match number % 2 {
        0 => Ipv4Addr::from_bits(0x0a00_0000 + number).into(),
        // A separate network of 48 bits.
        _ => Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number) << 80).into(),
    }
}

#[test]
fn million_addresses_take_no_memory_and_free_no_address() {
    let auth = guarded(MemoryStore::new()).throttle_failures(throttle());
    let auth = auth.with_clock(fake_clock().reader());
    let attempt = |key: &str| auth.verify_parts(&parts(key, HOME));
    assert_eq!(exhaust(attempt), 3);
    let mut from_anywhere = parts(WRONG, HOME);
    let mut wrong = 0;
    for number in 0..1_000_000 {
        from_anywhere.extensions.get_mut::<Peer>().unwrap().0 = flood(number);
        let (allocated, response) = allocated(|| auth.verify_parts(&from_anywhere));
        assert_eq!((allocated.made, allocated.held), (0, 0));
        wrong += usize::from(response.unwrap_err().reason() == Some(WrongReason::Unknown));
    }
    assert_eq!(wrong, 1_000_000, "each has come once");
    assert!(wait(attempt(WRONG)).is_some());
}

#[test]
fn tables_are_as_large_as_the_docs_say() {
    let (Allocated { held, .. }, failures) = allocated(throttle);
    assert!((1_150_000..1_250_000).contains(&held), "{held}");
    let store = std::sync::Arc::new(Counting::new(Waits::Always));
    let auth = guarded(store).throttle_failures(failures).with_clock(fake_clock().reader());
    let first = || wait_for(auth.authenticate_parts(&parts(RIGHT, ELSEWHERE)));
    let (Allocated { held, .. }, response) = allocated(first);
    assert!(is_right(&response));
    assert!((250_000..350_000).contains(&held), "{held}");
    let (Allocated { held, .. }, ()) = allocated(|| {
        for number in 0..10_000 {
            let _ = wait_for(auth.authenticate_parts(&parts(&guess(number), HOME)));
        }
    });
    assert!(held < 1_000, "{held}");
}

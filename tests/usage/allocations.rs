//! Counted on the thread that makes them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::scene::Scene;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn counting_a_key_that_was_seen_before_allocates_nothing() {
    let scene = Scene::new();
    let keys = ["a 1", "a 2", "b 1", "nobody's", " "];
    let calls = || keys.iter().for_each(|key| scene.calls(key, 1));
    calls();
    let before = COUNT.get();
    // Through several parts of every window.
    for second in 0..2_000 {
        scene.turn_to(f64::from(second));
        calls();
    }
    assert_eq!(COUNT.get(), before);
    scene.calls("c 1", 1);
    assert!(COUNT.get() > before, "a new one does");
}

#[cfg(feature = "throttle")]
#[test]
fn neither_do_throttle_and_usage_together() {
    let scene = Scene::new();
    let one = keygate::Quota::from("100/second".parse::<keygate::client::Rate>().unwrap());
    let several = ["100/second", "1000/day"].map(|rate| rate.parse().unwrap());
    for quota in [one, keygate::Quota::all_of(several).unwrap()] {
        let throttle = keygate::Throttle::new().with_default_quota(quota);
        let call = || throttle.check(&scene.call("a 1").unwrap()).is_ok();
        assert!(call());
        let before = COUNT.get();
        assert!((0..50).all(|_| call()));
        assert_eq!(COUNT.get(), before);
    }
}

use std::hint::black_box;

use http::HeaderMap;

use super::clock::processor_time;
use super::drive::X_API_KEY;
use super::probes::Probes;

/// Measures a function of headers in blocks, so that building the headers is not measured, but they are almost as fresh
/// in the caches as those of a request that was just read.
pub(crate) fn of_headers<R>(
    count: u32,
    mut probes: Probes,
    check: impl Fn(&HeaderMap) -> R,
) -> impl FnMut() -> f64 {
    const BLOCK: u32 = 256;
    let mut block: Vec<_> = (0..BLOCK).map(|_| HeaderMap::new()).collect();
    move || {
        let mut time = 0.0;
        for _ in 0..count.div_ceil(BLOCK) {
            for headers in &mut block {
                headers.insert(&X_API_KEY, probes.value());
            }
            let start = processor_time();
            for headers in &block {
                let answer = check(headers);
                black_box(&answer);
            }
            time += processor_time() - start;
        }
        time / f64::from(count.next_multiple_of(BLOCK))
    }
}

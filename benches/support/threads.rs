use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::clock::nanoseconds;

/// The average nanoseconds per unit of work in each of several threads while all of them run. Wall-clock time is
/// measured, since processor time would hide that two threads took turns.
pub(crate) fn together(workers: &mut [impl FnMut() + Send]) -> f64 {
    let count = workers.len();
    let start = Barrier::new(count);
    let done = AtomicUsize::new(0);
    let times: Vec<f64> = thread::scope(|scope| {
        let run = |work| scope.spawn(|| run(work, &start, &done, count));
        let threads: Vec<_> = workers.iter_mut().map(run).collect();
        threads.into_iter().map(|thread| thread.join().expect("no worker panics")).collect()
    });
    let sum: f64 = times.iter().sum();
    sum / f64::from(u32::try_from(count).expect("threads are few"))
}

fn run(work: &mut impl FnMut(), start: &Barrier, done: &AtomicUsize, count: usize) -> f64 {
    start.wait();
    work();
    let start = Instant::now();
    work();
    let time = nanoseconds(start.elapsed());
    // Continues until the last thread is done, so that none is measured alone.
    done.fetch_add(1, Ordering::Relaxed);
    while done.load(Ordering::Relaxed) < count {
        work();
    }
    time
}

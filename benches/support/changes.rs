use std::collections::VecDeque;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::thread;
use std::time::Instant;

use keygate::{Authenticator, KeyId, MemoryStore};

use super::clock::{nanoseconds, processor_time};
use super::keys::{key, name};
use super::probes::picks;

/// Inserts keys, and revokes them when they are no longer in the caches.
pub(crate) struct Writer {
    store: MemoryStore,
    next: u64,
    inserted: VecDeque<KeyId>,
    pub(crate) inserts: Vec<f64>,
    pub(crate) revokes: Vec<f64>,
}

impl Writer {
    /// `behind` is the number of inserts between the insertion of a key and its revocation.
    pub(crate) fn new(store: &MemoryStore, size: u64, behind: u32) -> Self {
        let inserted = VecDeque::new();
        let store = store.clone();
        let mut writer =
            Self { store, next: size, inserted, inserts: Vec::new(), revokes: Vec::new() };
        for _ in 0..behind {
            writer.insert();
        }
        writer.inserts.clear();
        writer
    }

    fn insert(&mut self) {
        let (key, client) = (key(self.next), name(self.next));
        let start = processor_time();
        let answer = self.store.insert(key, client);
        self.inserts.push(processor_time() - start);
        self.inserted.push_back(answer.expect("the key is a new one"));
        self.next += 1;
    }

    fn revoke(&mut self) {
        let Some(id) = self.inserted.pop_front() else { return };
        let start = processor_time();
        let answer = self.store.revoke(&id);
        self.revokes.push(processor_time() - start);
        answer.expect("the key is there");
    }
}

/// The durations of verifications in nanoseconds: half of them in wall-clock time, and half in processor time, which
/// excludes time that other processes had the processor.
#[derive(Default)]
pub(crate) struct Reads {
    pub(crate) passed: Vec<f64>,
    pub(crate) processor: Vec<f64>,
}

/// Verifies all these picks in each of several threads, perhaps with a concurrent writer, which has its own processor
/// if there are two.
pub(crate) fn read(
    auth: &Authenticator<MemoryStore>,
    size: u64,
    picks: Range<u64>,
    writer: Option<&mut Writer>,
) -> Reads {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut all = Reads::default();
    thread::scope(|scope| {
        let spawn = |_| scope.spawn(|| read_alone(auth, size, picks.clone()));
        let readers: Vec<_> = (1..processors.max(2)).map(spawn).collect();
        if let Some(writer) = writer {
            while readers.iter().any(|reader| !reader.is_finished()) {
                writer.insert();
                writer.revoke();
            }
        }
        for reader in readers {
            let Reads { passed, processor } = reader.join().expect("no reader panics");
            all.passed.extend(passed);
            all.processor.extend(processor);
        }
    });
    all
}

fn read_alone(auth: &Authenticator<MemoryStore>, size: u64, range: Range<u64>) -> Reads {
    let mut reads = Reads::default();
    let mut numbers = picks(size, range);
    while let (Some(one), Some(other)) = (numbers.next(), numbers.next()) {
        let (one, other) = (key(one), key(other));
        let start = Instant::now();
        black_box(auth.verify_key(&one).is_ok());
        reads.passed.push(nanoseconds(start.elapsed()));
        let start = processor_time();
        black_box(auth.verify_key(&other).is_ok());
        reads.processor.push(processor_time() - start);
    }
    reads
}

//! Something for each client that has been seen, found by its name without a lock that clients share.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use papaya::{Equivalent, HashMap};

/// In parts, so that looking after the idle ones of one part takes well below a millisecond at a
/// million clients.
const PARTS: usize = 256;

/// Nanoseconds from the looking after of one part to that of the next: about a minute for all.
const PAUSE: u64 = 250_000_000;

pub(crate) struct ByClient<T> {
    hasher: RandomState,
    parts: Box<[Part<T>]>,
    /// When a part was last looked after, in nanoseconds since 1970, and which is next.
    looked: AtomicU64,
    next: AtomicUsize,
}

type Part<T> = HashMap<Name, T, Hashed>;

/// One part of it, for as long as what it gives is used.
pub(crate) struct Pinned<'a, T> {
    part: papaya::HashMapRef<'a, Name, T, Hashed, papaya::LocalGuard<'a>>,
    name: Asked<'a>,
}

impl<T> ByClient<T> {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            parts: (0..PARTS).map(|_| Part::with_hasher(Hashed(0))).collect(),
            looked: AtomicU64::new(0),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    #[inline]
    pub(crate) fn pin<'a>(&'a self, name: &'a str) -> Pinned<'a, T> {
        let hash = self.hasher.hash_one(name);
        // The top bits tell parts apart, the others places in a part.
        let part = (hash >> 56) as usize % PARTS;
        Pinned { part: self.parts[part].pin(), name: Asked { hash, name } }
    }

    /// Forgets those of one part that may go, if it is time to.
    #[inline]
    pub(crate) fn look_after(&self, now: u64, may_go: impl Fn(&T) -> bool) {
        let looked = self.looked.load(Ordering::Relaxed);
        if now.abs_diff(looked) >= PAUSE {
            self.look_after_next(looked, now, may_go);
        }
    }

    #[cold]
    fn look_after_next(&self, looked: u64, now: u64, may_go: impl Fn(&T) -> bool) {
        let relaxed = Ordering::Relaxed;
        if self.looked.compare_exchange(looked, now, relaxed, relaxed).is_err() {
            return;
        }
        let part = self.parts[self.next.fetch_add(1, relaxed) % PARTS].pin();
        for (name, value) in &part {
            if may_go(value) {
                part.remove(name);
            }
        }
    }
}

impl<T> Pinned<'_, T> {
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.part.get(&self.name)
    }

    pub(crate) fn get_or_insert_with(&self, value: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.part.get_or_insert_with(self.name.to_owned(), value),
        }
    }

    /// Puts a value into the place of the one that is there.
    pub(crate) fn put(&self, value: T) {
        self.part.insert(self.name.to_owned(), value);
    }
}

/// A name with its hash, which is made once for the part and the place in it.
struct Name {
    hash: u64,
    name: Box<str>,
}

struct Asked<'a> {
    hash: u64,
    name: &'a str,
}

impl Asked<'_> {
    fn to_owned(&self) -> Name {
        Name { hash: self.hash, name: self.name.into() }
    }
}

impl Equivalent<Name> for Asked<'_> {
    #[inline]
    fn equivalent(&self, name: &Name) -> bool {
        self.hash == name.hash && *self.name == *name.name
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.name == other.name
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Hash for Asked<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Hands a hash on that is one already.
#[derive(Clone, Copy, Default)]
struct Hashed(u64);

impl BuildHasher for Hashed {
    type Hasher = Self;

    #[inline]
    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Hashed {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

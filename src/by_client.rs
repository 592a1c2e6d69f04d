//! Something for each client that has been seen, or each of its keys, found without a lock that
//! clients share.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use papaya::{Equivalent, HashMap};
use smol_str::SmolStr;

/// In parts, so that looking after the idle ones of one part takes well below a millisecond at a
/// million clients.
const PARTS: usize = 256;

/// Nanoseconds from the looking after of one part to that of the next: about a minute for all.
const PAUSE: u64 = 250_000_000;

pub(crate) struct ByClient<T> {
    seed: u64,
    parts: Box<[Part<T>]>,
    pause: u64,
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

impl<T: Send + 'static> ByClient<T> {
    pub(crate) fn new() -> Self {
        Self::with_pause(PAUSE)
    }

    /// With this many nanoseconds from the looking after of one part to that of the next.
    pub(crate) fn with_pause(pause: u64) -> Self {
        // With one for each part, a request would have that of its part fetched besides.
        let collector = Arc::default();
        let part = |_| {
            let part = HashMap::builder().hasher(Hashed(0));
            part.shared_collector(Arc::clone(&collector)).build()
        };
        Self {
            seed: RandomState::new().hash_one(0),
            parts: (0..PARTS).map(part).collect(),
            pause,
            looked: AtomicU64::new(0),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    pub(crate) fn for_each(&self, mut each: impl FnMut(&str, &T)) {
        for part in &self.parts {
            for (name, value) in &part.pin() {
                each(&name.name, value);
            }
        }
    }

    #[inline]
    pub(crate) fn pin<'a>(&'a self, name: &'a str) -> Pinned<'a, T> {
        self.pin_hashed(hash(name, self.seed), name)
    }

    /// In one of several places that each name has: zero, and numbers that are spread evenly.
    #[inline]
    pub(crate) fn pin_apart<'a>(&'a self, name: &'a str, place: u64) -> Pinned<'a, T> {
        self.pin_hashed(hash(name, self.seed) ^ place, name)
    }

    /// By a number that is spread evenly, besides the name: that of a key has its own place.
    #[inline]
    pub(crate) fn pin_hashed<'a>(&'a self, hash: u64, name: &'a str) -> Pinned<'a, T> {
        // The bits above and below those that tell parts apart tell places in a part.
        let part = (hash >> 48) as usize % PARTS;
        Pinned { part: self.parts[part].pin(), name: Asked { hash, name } }
    }

    /// Forgets those of one part that may go, if it is time to.
    #[inline]
    pub(crate) fn look_after(&self, now: u64, may_go: impl Fn(&T) -> bool) {
        let looked = self.looked.load(Ordering::Relaxed);
        if now.abs_diff(looked) >= self.pause {
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

    #[inline]
    pub(crate) fn get_or_insert_with(&self, value: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.insert_with(value),
        }
    }

    #[cold]
    fn insert_with(&self, value: impl FnOnce() -> T) -> &T {
        self.part.get_or_insert_with(self.name.to_owned(), value)
    }

    /// Puts a value there, if there is none yet.
    pub(crate) fn add(&self, value: T) -> Result<&T, &T> {
        let added = self.part.try_insert(self.name.to_owned(), value);
        added.map_err(|occupied| occupied.current)
    }

    /// Puts a value into the place of the one that is there.
    pub(crate) fn put(&self, value: T) {
        self.part.insert(self.name.to_owned(), value);
    }
}

/// Of names, which come from the store and not from callers: nobody can make them meet by choice, so
/// that a multiplication for eight bytes each is enough (wyhash). It takes a quarter of the standard one.
#[inline]
fn hash(name: &str, seed: u64) -> u64 {
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        // The two halves.
        #[allow(clippy::cast_possible_truncation)]
        let folded = (product >> 64) as u64 ^ product as u64;
        folded
    };
    let (words, last) = words(name.as_bytes());
    let hash = words.iter().fold(seed, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    fold(fold(hash, last), seed ^ name.len() as u64)
}

/// All bytes, eight at a time, and those at the end once more, so that the rest of them is no case of its
/// own: copying or comparing a few bytes costs a call, and more than all else here.
#[inline]
fn words(bytes: &[u8]) -> (&[[u8; 8]], u64) {
    let last = match bytes {
        [.., _, _, _, _, _, _, _, _] => {
            bytes.last_chunk().map_or(0, |last| u64::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    (bytes.as_chunks().0, last)
}

#[inline]
fn is_same(one: &str, other: &str) -> bool {
    let [(ours, last), (others, last_of_other)] = [one, other].map(|name| words(name.as_bytes()));
    // One by one: comparing the slices is a call, too.
    let mut pairs = ours.iter().zip(others);
    one.len() == other.len() && last == last_of_other && pairs.all(|(our, other)| our == other)
}

/// A name with its hash, which is made once for the part and the place in it.
struct Name {
    hash: u64,
    /// In place where it is short, so that comparing it fetches nothing.
    name: SmolStr,
}

struct Asked<'a> {
    hash: u64,
    name: &'a str,
}

impl Asked<'_> {
    fn to_owned(&self) -> Name {
        Name { hash: self.hash, name: SmolStr::new(self.name) }
    }
}

impl Equivalent<Name> for Asked<'_> {
    #[inline]
    fn equivalent(&self, name: &Name) -> bool {
        self.hash == name.hash && is_same(self.name, &name.name)
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

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn names_that_differ_in_one_byte_or_in_length_are_not_the_same() {
        for length in 0..=128 {
            let name = "n".repeat(length);
            assert!(is_same(&name, &name.clone()), "{length}");
            assert!(!is_same(&name, &"n".repeat(length + 1)), "{length}");
            for place in 0..length {
                let mut other = name.clone();
                other.replace_range(place..=place, "x");
                assert!(!is_same(&name, &other), "{length}, {place}");
            }
        }
    }
}

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::mem;
use std::time::{Duration, SystemTime};

use keygate::{ClientProfile, KeyDigest, KeyRecord, MemoryStore};

use super::keys::{key, name};
use super::stores::store;
use super::{allocator, child, memory};

type Failure = Box<dyn Error>;

/// One client has all keys, so that only the cost of keys is measured.
pub(crate) const AT_ONCE: &str = "none expires";
/// Filled one key at a time, as in a running service.
pub(crate) const ONE_BY_ONE: &str = "none expires, inserted one by one";
/// There is no other way to insert keys that expire.
pub(crate) const EXPIRING: &str = "each expires, inserted one by one";
/// With a client for each key.
pub(crate) const STORE: &str = "store";
pub(crate) const MAP: &str = "map";

/// The memory of a subject per key: allocated bytes, and resident bytes.
#[derive(Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) requested: f64,
    pub(crate) resident: f64,
}

impl Weight {
    /// Measures a subject in its own process.
    pub(crate) fn of(subject: &str, size: u32) -> Result<Self, Failure> {
        let [requested, resident] = child::run([subject, &size.to_string()])?;
        let size = f64::from(size);
        Ok(Self { requested: requested / size, resident: resident / size })
    }
}

/// Builds the subject in this process, which does nothing else.
pub(crate) fn weigh(subject: &str, size: u64) -> Result<(), Failure> {
    let before = memory::of_this_process("VmRSS");
    allocator::start();
    let subject: Box<dyn Any> = match subject {
        AT_ONCE => {
            let client = ClientProfile::new(name(0));
            Box::new(MemoryStore::from_keys((0..size).map(|number| (key(number), &client)))?)
        }
        ONE_BY_ONE | EXPIRING => Box::new(inserted(size, subject == EXPIRING)?),
        STORE => Box::new(store(size)),
        _ => Box::new(map(size)?),
    };
    let requested = allocator::in_use();
    child::report(&[requested, memory::of_this_process("VmRSS") - before]);
    // The process ends here: the memory need not be freed.
    mem::forget(subject);
    Ok(())
}

fn inserted(size: u64, expiring: bool) -> Result<MemoryStore, Failure> {
    let store = MemoryStore::new();
    let client = ClientProfile::new(name(0));
    let soon = SystemTime::now() + Duration::from_secs(86_400);
    for number in 0..size {
        let record = KeyRecord::new(KeyDigest::of(&key(number)), &client);
        let expires = expiring.then(|| soon + Duration::from_secs(number));
        store.insert_record(record.with_expiry(expires))?;
    }
    Ok(store)
}

fn map(size: u64) -> Result<HashMap<String, String>, Failure> {
    let mut map = HashMap::new();
    for number in 0..size {
        map.insert(String::from_utf8(key(number).into())?, name(number));
    }
    Ok(map)
}

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::mem;
use std::time::{Duration, SystemTime};

use keygate::{ClientProfile, KeyDigest, KeyRecord, MemoryStore};

use super::keys::{key, name};
use super::stores::store;
use super::{child, counting, memory};

type Failure = Box<dyn Error>;

/// One client has all keys: what is left is what a key costs.
pub(crate) const AT_ONCE: &str = "none expires";
/// As it comes to be while a service runs.
pub(crate) const ONE_BY_ONE: &str = "none expires, inserted one by one";
/// Keys that expire can be inserted in no other way.
pub(crate) const EXPIRING: &str = "each expires, inserted one by one";
/// With a client for each key.
pub(crate) const STORE: &str = "store";
pub(crate) const MAP: &str = "map";

/// What a subject weighs, for each key: bytes asked for, and bytes of the machine's memory.
#[derive(Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) requested: f64,
    pub(crate) resident: f64,
}

impl Weight {
    /// Weighs a subject in a process of its own.
    pub(crate) fn of(subject: &str, size: u32) -> Result<Self, Failure> {
        let [requested, resident] = child::run([subject, &size.to_string()])?;
        let size = f64::from(size);
        Ok(Self { requested: requested / size, resident: resident / size })
    }
}

/// Builds the subject in this process, which does nothing else.
pub(crate) fn weigh(subject: &str, size: u64) -> Result<(), Failure> {
    let before = memory::of_this_process("VmRSS");
    counting::start();
    let subject: Box<dyn Any> = match subject {
        AT_ONCE => {
            let client = ClientProfile::new(name(0));
            Box::new(MemoryStore::from_keys((0..size).map(|number| (key(number), &client)))?)
        }
        ONE_BY_ONE | EXPIRING => Box::new(inserted(size, subject == EXPIRING)?),
        STORE => Box::new(store(size)),
        _ => Box::new(map(size)?),
    };
    let requested = counting::in_use();
    child::report(&[requested, memory::of_this_process("VmRSS") - before]);
    // The process ends here: nobody needs the memory back.
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

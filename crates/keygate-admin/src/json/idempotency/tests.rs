use std::time::UNIX_EPOCH;

use super::*;

const NOW: SystemTime = UNIX_EPOCH;

/// Sends the caller's request with this `Idempotency-Key`.
fn begin(requests: &Idempotency, caller: &str, key: usize) -> Result<Slot, Problem> {
    let mut headers = HeaderMap::new();
    headers.insert(HEADER, key.into());
    match requests.begin(caller, &headers, "POST /keys", [0; 32], NOW)? {
        Attempt::First(slot) | Attempt::Recover(_, slot) => Ok(slot),
        Attempt::Repeat(_) => panic!("no request has made a key"),
    }
}

/// Ends the request, and lets the store decide whether it created a key.
fn end(mut slot: Slot) {
    slot.expect(keygate::ApiKey::generate("kg").unwrap().key_id());
}

fn is_known(requests: &Idempotency, caller: &str, key: usize) -> bool {
    let name = hash(&[caller, &key.to_string()]);
    requests.lock().entries.contains_key(&name)
}

#[test]
fn forgotten_requests_do_not_count() {
    let requests = Idempotency::default();
    let running = begin(&requests, "ann", 0).ok().unwrap();
    end(begin(&requests, "ann", 1).ok().unwrap());
    for key in 2..2 * MOST {
        begin(&requests, "ann", key).ok().unwrap().forget();
        drop(begin(&requests, "eve", key).ok().unwrap());
    }
    assert!(is_known(&requests, "ann", 0) && is_known(&requests, "ann", 1));
    let memory = requests.lock();
    assert_eq!((memory.rows.len(), memory.callers.len()), (2, 1));
    drop(memory);
    drop(running);
}

#[test]
fn caller_displaces_only_its_own_finished_requests() {
    let requests = Idempotency::default();
    end(begin(&requests, "ann", 0).ok().unwrap());
    let running = begin(&requests, "eve", 0).ok().unwrap();
    for key in 1..=2 * MOST {
        end(begin(&requests, "eve", key).ok().unwrap());
    }
    assert!(is_known(&requests, "ann", 0));
    assert!(begin(&requests, "eve", 0).is_err(), "it is still in progress");
    let kept = (1..=2 * MOST).filter(|key| is_known(&requests, "eve", *key));
    assert!(kept.eq(2 * MOST - 98..=2 * MOST));
    drop(running);
}

#[test]
fn requests_of_all_callers_are_bounded() {
    let requests = Idempotency::default();
    let running = begin(&requests, "ann", 0).ok().unwrap();
    for caller in 0..=MOST {
        end(begin(&requests, &format!("App {caller}"), 0).ok().unwrap());
    }
    assert!(is_known(&requests, "ann", 0) && !is_known(&requests, "App 1", 0));
    let memory = requests.lock();
    assert_eq!((memory.rows.len(), memory.callers.len()), (MOST, MOST));
    drop(memory);
    drop(running);
}

#[test]
fn caller_with_only_running_requests_loses_the_oldest() {
    let requests = Idempotency::default();
    let all = (0..=100).map(|key| begin(&requests, "ann", key).ok().unwrap());
    let all = all.collect::<Vec<_>>();
    assert!(!is_known(&requests, "ann", 0) && is_known(&requests, "ann", 1));
    // The end of a displaced request does not affect its repeat.
    let repeat = begin(&requests, "ann", 0).ok().unwrap();
    drop(all);
    assert!(is_known(&requests, "ann", 0));
    drop(repeat);
}

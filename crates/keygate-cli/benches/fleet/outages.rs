use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use http::{HeaderValue, StatusCode};

use crate::Failure;
use crate::fleet::Fleet;
use crate::revokes::issue;
use crate::tool;

const PAUSE: Duration = Duration::from_millis(10);

/// The time without contact after which a replica reports that it lost contact.
const UNHEARD: Duration = Duration::from_secs(2);

/// The duration of an outage.
const OUTAGE: Duration = Duration::from_secs(6);

/// The default of the [maximum staleness](keygate::store::ReplicaOptions::with_max_staleness).
const MAX_STALENESS: Duration = Duration::from_secs(300);

/// A known, an unknown and a revoked key, with the responses seen so far.
struct Watch<'a> {
    fleet: &'a Fleet,
    keys: [(&'static str, HeaderValue, &'static [u16]); 3],
    seen: BTreeMap<(&'static str, u16), u64>,
}

impl<'a> Watch<'a> {
    fn new(fleet: &'a Fleet) -> Result<Self, Failure> {
        let (_, known) = issue(fleet)?;
        let (revoked, revoked_value) = issue(fleet)?;
        tool::revoke(fleet.server.url(), &revoked)?;
        fleet.wait_for(StatusCode::UNAUTHORIZED, &revoked_value)?;
        let unknown = HeaderValue::from_static("a-key-that-was-never-issued-to-anybody");
        let keys = [
            ("known", known, [200].as_slice()),
            ("revoked", revoked_value, &[401]),
            ("unknown", unknown, &[401, 503]),
        ];
        Ok(Self { fleet, keys, seen: BTreeMap::new() })
    }

    fn known(&self) -> &HeaderValue {
        &self.keys[0].1
    }

    fn unknown(&self) -> &HeaderValue {
        &self.keys[2].1
    }

    /// Sends requests to all instances for this long.
    ///
    /// # Errors
    ///
    /// Fails on a response that must not occur during an outage.
    fn for_a_while(&mut self, time: Duration) -> Result<(), Failure> {
        let since = Instant::now();
        while since.elapsed() < time {
            for (name, key, may) in &self.keys {
                for status in self.fleet.send(key)? {
                    if !may.contains(&status.as_u16()) {
                        return Err(format!("a key that is {name} got {status}").into());
                    }
                    *self.seen.entry((name, status.as_u16())).or_default() += 1;
                }
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    fn print(&mut self, when: &str) {
        let seen = std::mem::take(&mut self.seen);
        let seen = seen.iter().map(|((name, status), count)| format!("{name} {status}: {count}"));
        println!("  {when:20} {}", seen.collect::<Vec<_>>().join(", "));
    }
}

pub(crate) fn killed(fleet: &Fleet) -> Result<(), Failure> {
    println!("\nThe server is killed (SIGKILL) under load, and started again");
    outage(fleet, || fleet.server.kill(), || fleet.server.restart())
}

pub(crate) fn stopped(fleet: &Fleet) -> Result<(), Failure> {
    println!("\nThe server is paused (SIGSTOP) under load, and continues");
    outage(fleet, || fleet.server.stop(), || fleet.server.resume())
}

fn outage(fleet: &Fleet, lose: impl Fn(), restore: impl Fn()) -> Result<(), Failure> {
    let mut watch = Watch::new(fleet)?;
    let load = fleet.load()?;
    watch.for_a_while(Duration::from_secs(1))?;
    watch.print("before");
    lose();
    watch.for_a_while(UNHEARD)?;
    watch.print("the first 2 s");
    fleet.wait_for(StatusCode::SERVICE_UNAVAILABLE, watch.unknown())?;
    watch.for_a_while(OUTAGE)?;
    watch.print("out of contact");
    restore();
    let back = Instant::now();
    let heard = fleet.wait_for(StatusCode::UNAUTHORIZED, watch.unknown())? - back;
    watch.for_a_while(Duration::from_secs(1))?;
    watch.print("back in contact");
    println!("all three were in contact {:.2} s after the server was back", heard.as_secs_f64());
    load.end()
}

/// Cuts off one instance while a key is revoked.
pub(crate) fn cut_off(fleet: &Fleet) -> Result<(), Failure> {
    println!("\nA key is revoked while the third instance is cut off, under load");
    let (key, value) = issue(fleet)?;
    let load = fleet.load()?;
    fleet.proxy.cut();
    tool::revoke(fleet.server.url(), &key)?;
    sleep(2 * UNHEARD);
    let statuses = fleet.send(&value)?.map(|status| status.as_u16());
    if statuses != [401, 401, 200] {
        return Err(format!("with one instance cut off, the revoked key got {statuses:?}").into());
    }
    fleet.proxy.restore();
    let back = Instant::now();
    let refused = fleet.wait_for(StatusCode::UNAUTHORIZED, &value)? - back;
    println!("meanwhile {statuses:?}; refused {:.2} s after it was back", refused.as_secs_f64());
    load.end()
}

/// Stops the server for longer than the maximum staleness.
pub(crate) fn too_long(fleet: &Fleet) -> Result<(), Failure> {
    println!("\nThe server is killed, and stays away for longer than the maximum staleness");
    let mut watch = Watch::new(fleet)?;
    let load = fleet.load()?;
    let lost = Instant::now();
    fleet.server.kill();
    watch.for_a_while(MAX_STALENESS.saturating_sub(UNHEARD))?;
    watch.print("until 2 s before");
    load.end()?;
    let refused = fleet.wait_for(StatusCode::SERVICE_UNAVAILABLE, watch.known())? - lost;
    println!("known keys get 503 {:.1} s after the loss", refused.as_secs_f64());
    fleet.server.restart();
    let back = Instant::now();
    let served = fleet.wait_for(StatusCode::OK, watch.known())? - back;
    println!("served again {:.2} s after the server was back", served.as_secs_f64());
    Ok(())
}

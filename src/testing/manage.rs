use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clock::FakeClock;
use super::rule::Violation;
use crate::manage::ManageKeys;
use crate::store::KeyStore;

mod clients;
mod disabling;
mod fixture;
mod issuing;
mod listing;
mod nearby;
mod racing;
mod removing;
mod revoking;
mod rotating;
mod secrets;
mod threads;
mod watching;

use fixture::{Fixture, Outcome};

const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a store all that managing its clients and keys relies on: see [`Rule`](super::Rule).
///
/// `make` builds a fresh store without clients, which reads the time from the given clock.
/// It is called about twenty-five times, and may clear what it filled before: a store is asked nothing
/// after the next one was made. It panics where it cannot do its work.
///
/// The clock begins in the year 2027 and is set forward by years. After each change the suite asks, through
/// an [`Authenticator`](crate::Authenticator) with the same clock, what callers see. Lookups have a
/// suite of their own, [`store_contract`](super::store_contract).
///
/// A store whose methods end without waiting is also changed in many threads at once; for that moment,
/// this function does not yield. Await it in the test itself: unlike those of the other suites, its
/// future cannot be spawned.
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::testing::{Violation, manage_contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Violation> {
/// manage_contract(async |clock| MemoryStore::new().with_clock(clock.reader())).await
/// # }
/// ```
///
/// # Errors
///
/// The first rule that the store breaks.
pub async fn manage_contract<S, M>(make: M) -> Result<(), Violation>
where
    S: KeyStore + ManageKeys,
    M: AsyncFn(FakeClock) -> S,
{
    let make = &make;
    let fresh = async || {
        let clock = FakeClock::at(beginning());
        let store = make(clock.clone()).await;
        Fixture::new(store, clock, PATIENCE)
    };
    one_at_a_time(&fresh).await?;
    many_at_once(&fresh).await
}

/// In the year 2027, between two microseconds.
fn beginning() -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(1_800_000_000_250_123_456)
}

async fn one_at_a_time<S, M>(fresh: &M) -> Outcome
where
    S: KeyStore + ManageKeys,
    M: AsyncFn() -> Fixture<S>,
{
    clients::are_added(fresh().await).await?;
    clients::are_refused(fresh().await).await?;
    issuing::admits(fresh().await).await?;
    issuing::keeps_what_is_known(fresh().await).await?;
    revoking::refuses_at_once(fresh().await).await?;
    issuing::refuses(fresh().await).await?;
    listing::keeps_order(fresh().await).await?;
    listing::counts(fresh().await).await?;
    nearby::is_told(fresh().await).await?;
    revoking::is_final(fresh().await).await?;
    rotating::hands_over(fresh().await).await?;
    rotating::inherits_the_lifetime(fresh().await).await?;
    rotating::ends_the_old_key(fresh().await).await?;
    rotating::bears_a_grace_without_end(fresh().await).await?;
    rotating::conflicts(fresh().await).await?;
    rotating::can_fail(fresh().await).await?;
    disabling::refuses_and_admits(fresh().await).await?;
    disabling::lets_keys_change(fresh().await).await?;
    removing::forgets(fresh().await).await
}

async fn many_at_once<S, M>(fresh: &M) -> Outcome
where
    S: KeyStore + ManageKeys,
    M: AsyncFn() -> Fixture<S>,
{
    racing::has_one_winner(fresh().await).await?;
    racing::loses_nothing(fresh().await).await?;
    watching::sees_one_step(fresh().await).await?;
    threads::have_one_winner(fresh().await).await?;
    threads::lose_nothing(fresh().await).await?;
    threads::see_one_step(fresh().await).await
}

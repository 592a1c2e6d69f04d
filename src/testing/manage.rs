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

const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks all rules for managing the clients and keys of a store: see [`Rule`](super::Rule).
///
/// `make` creates a store without clients, which uses the given clock. It is called about twenty-five times, and may
/// clear the previous store, which is not used again. It may panic on failure.
///
/// The clock starts in the year 2027 and is advanced by years. After each change, the suite verifies keys with an
/// [`Authenticator`](crate::Authenticator) that has the same clock. [`store_contract`](super::store_contract) checks
/// lookups.
///
/// A store that never waits is also changed in many threads; meanwhile, this function does not yield. Await it in the
/// test itself: its future cannot be spawned, unlike those of the other suites.
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
        Fixture::new(store, clock, TIMEOUT)
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
    issuing::keeps_all_fields(fresh().await).await?;
    revoking::refuses_at_once(fresh().await).await?;
    issuing::refuses(fresh().await).await?;
    listing::keeps_order(fresh().await).await?;
    listing::counts(fresh().await).await?;
    nearby::is_suggested(fresh().await).await?;
    revoking::is_final(fresh().await).await?;
    rotating::replaces_the_key(fresh().await).await?;
    rotating::inherits_the_lifetime(fresh().await).await?;
    rotating::ends_the_old_key(fresh().await).await?;
    rotating::accepts_endless_grace(fresh().await).await?;
    rotating::conflicts(fresh().await).await?;
    rotating::can_fail(fresh().await).await?;
    disabling::refuses_and_admits(fresh().await).await?;
    disabling::allows_key_changes(fresh().await).await?;
    removing::removes_everything(fresh().await).await
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

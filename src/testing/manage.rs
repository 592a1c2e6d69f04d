use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::case::Case;
use super::clock::FakeClock;
use crate::manage::ManageKeys;
use crate::store::KeyStore;

mod clients;
mod concurrency;
mod disabling;
mod ending;
mod events;
mod fixture;
mod issuing;
mod listing;
mod paging;
mod policies;
mod purging;
mod refusals;
mod restricting;
mod revoking;
mod rotating;
mod updating;
mod versions;

/// Checks rules, each with a new store.
macro_rules! check {
    ($make:ident => $($file:ident: $($rule:ident)+;)+) => {
        // Boxed, since the largest rule would make the future of the suite large.
        $($(Box::pin($file::$rule(&case(stringify!($rule), &$make).await)).await;)+)+
    };
}

/// Checks all rules for managing the clients and keys of a store: see [the rules](super#rules-of-managing).
///
/// `make` creates a store without clients, which uses the given clock. It is called about fifty times, and may clear the
/// previous store, which is not used again. It may panic on failure.
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
/// use keygate::testing::manage_contract;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// manage_contract(async |clock| MemoryStore::new().with_clock(clock.reader())).await;
/// # }
/// ```
///
/// # Panics
///
/// If the store breaks a rule. The message begins with its name.
pub async fn manage_contract<S, M>(make: M)
where
    S: KeyStore + ManageKeys,
    M: AsyncFn(FakeClock) -> S,
{
    check! { make =>
        issuing:
            new_store_is_empty
            issued_key_is_admitted_at_once
            issued_key_is_refused_from_its_expiry
            issued_key_is_refused_before_its_beginning;
        clients:
            added_client_keeps_its_profile
            client_name_is_unique
            invalid_profile_is_refused;
        issuing:
            fields_of_a_key_are_kept;
        revoking:
            revoked_key_is_refused_at_once;
        issuing:
            key_and_its_id_are_unique
            past_expiry_is_refused
            key_that_would_never_work_is_refused
            invalid_label_is_refused;
        revoking:
            revoked_key_never_works_again
            repeated_change_changes_nothing;
        restricting:
            scopes_of_a_key_narrow_those_of_its_client
            scope_that_the_client_lacks_is_refused
            key_is_refused_outside_its_networks
            network_outside_those_of_the_client_is_refused
            successor_inherits_scopes_and_networks;
        listing:
            clients_are_listed_in_order
            keys_are_listed_in_order
            unknown_name_suggests_the_nearest
            unknown_id_suggests_the_nearest;
        paging:
            pages_cover_the_filtered_list
            every_key_is_in_one_page
            invalid_query_is_refused;
        rotating:
            successor_is_admitted_at_once
            successor_inherits_the_lifetime
            successor_inherits_a_future_beginning
            refused_rotation_changes_nothing
            key_that_cannot_be_rotated_is_a_conflict;
        ending:
            rotated_key_works_until_its_grace_ends
            long_grace_does_not_overflow;
        disabling:
            keys_of_a_disabled_client_are_refused
            keys_of_an_enabled_client_are_admitted_again
            enabled_client_is_not_removed
            client_is_removed_with_its_keys
            key_of_a_removed_client_cannot_be_added_again;
        updating:
            client_is_changed_at_once
            changed_client_stays_disabled
            key_is_changed_at_once
            changed_key_does_not_work_early
            ended_key_is_not_revived
            expiry_before_the_beginning_is_refused
            empty_change_changes_nothing
            refused_change_changes_nothing;
        restricting:
            restrictions_of_a_key_are_changed_at_once
            key_loses_what_its_client_loses
            change_beyond_the_client_is_refused;
        policies:
            policy_is_kept
            policy_keeps_what_a_change_does_not_name
            policy_limits_the_lifetime_of_keys;
        versions:
            version_differs_after_a_change
            outdated_version_is_a_conflict
            one_competing_change_succeeds
            actor_has_a_valid_name;
        events:
            listing_unrecorded_changes_is_an_error;
        purging:
            purged_key_is_gone_and_unknown
            key_that_may_work_is_never_purged
            purged_key_cannot_be_added_again
            successor_of_a_key_that_works_is_kept;
        concurrency:
            key_has_one_successor
            concurrent_changes_are_all_kept
            concurrent_policy_changes_are_all_kept
            rotation_is_atomic;
        purging:
            change_during_a_purge_is_kept;
    }
}

/// Checks all rules for the record of changes: see [the rules](super#rules-of-events).
///
/// For stores that record the changes that [`ManageKeys::events`] lists. `make` creates a store as for
/// [`manage_contract`]. The time of an event may be that of a database, which does not know the clock of the suite.
///
/// ```
/// use keygate::YamlStore;
/// use keygate::testing::event_contract;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let folder = std::env::temp_dir().join(format!("keygate-event-contract-{}", std::process::id()));
/// let number = std::cell::Cell::new(0);
/// event_contract(async |clock| {
///     number.set(number.get() + 1);
///     let state = folder.join(number.get().to_string());
///     std::fs::create_dir_all(&state).expect("a folder");
///     let store = YamlStore::create(state.join("keys.yml")).expect("a new file");
///     store.record_events(state).expect("a new log").with_clock(clock.reader())
/// })
/// .await;
/// # std::fs::remove_dir_all(folder).expect("the folder exists");
/// # }
/// ```
///
/// # Panics
///
/// If the store breaks a rule. The message begins with its name.
pub async fn event_contract<S, M>(make: M)
where
    S: KeyStore + ManageKeys,
    M: AsyncFn(FakeClock) -> S,
{
    check! { make =>
        events:
            each_change_has_an_event
            empty_change_has_no_event
            pages_cover_the_filtered_events
            every_event_is_in_one_page
            event_cursor_of_another_list_is_refused;
    }
}

/// Creates a store with the clients `App 1` and `App 2`, unless the rule needs an empty one.
async fn case<S, M>(rule: &'static str, make: &M) -> Case<S>
where
    S: KeyStore + ManageKeys,
    M: AsyncFn(FakeClock) -> S,
{
    // In the year 2027, between two microseconds.
    let clock = FakeClock::at(UNIX_EPOCH + Duration::from_nanos(1_800_000_000_250_123_456));
    let case = Case::new(rule, Arc::new(make(clock.clone()).await), clock);
    if !matches!(rule, "new_store_is_empty" | "unknown_name_suggests_the_nearest") {
        case.add("App 1").await;
        case.add("App 2").await;
    }
    case
}

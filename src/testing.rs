//! Tests for your own stores, and helpers for testing handlers that take a [`Client`](crate::Client).
//!
//! [`store_contract`] checks everything that verification requires of a store, and panics with the name of the first
//! rule that the store breaks. It works with every async runtime: await it in a test.
//!
//! ```
//! use keygate::MemoryStore;
//! use keygate::testing::store_contract;
//!
//! # // In a test crate this is `#[tokio::test]`.
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     store_contract(async |records| {
//!         let store = MemoryStore::new();
//!         for record in records {
//!             store.insert_record(record).expect("an empty store takes each of the records");
//!         }
//!         store
//!     })
//!     .await;
//! }
//! ```
//!
//! For a store that is filled with keys as text and with names of clients, use [`key_contract`], which has the same
//! rules. For a store that implements [`ManageKeys`](crate::ManageKeys), also use [`manage_contract`], which fills the
//! store and sets its clock, and [`event_contract`] if it records changes. Code that copies clients and keys must keep
//! every fact of [`keys_of_every_kind`]. Test handlers with [`Client::for_test`](crate::Client::for_test), and anything
//! that depends on time with a [`FakeClock`].
//!
//! # Rules of lookups
//!
//! - `unknown_digest_is_none`: in every lookup. An unknown key is not an error, for which callers would get status 503
//!   instead of 401.
//! - `key_is_found_by_its_exact_text`: case, blanks and leading zeros included.
//! - `record_is_kept`: each key is found in every lookup, even if it is expired, disabled or revoked, since
//!   verification needs its record to report the reason. The record has its digest, name, title, scopes (in any order),
//!   networks, quota, metadata, state, beginning and expiry, the key's own scopes and networks, and whether the key was
//!   replaced. An absent quota is not the same as `unlimited`. The expiry may be cut to the microsecond, and the
//!   beginning rounded up to it. A revoked key need not keep these times, or whether it was replaced.
//! - `whole_digest_is_compared`
//! - `lookups_can_be_interleaved`: lookups in progress at once do not affect each other.
//! - `lookups_can_run_in_threads`: only for stores that never wait, since the threads of the suite are outside of the
//!   store's async runtime.
//! - `dropped_lookup_affects_no_other`: a dropped lookup releases its locks and connections.
//! - `valid_key_is_admitted`, `key_is_refused_before_its_beginning`, `key_is_refused_from_its_expiry`,
//!   `key_is_refused_from_other_networks` and `refusal_has_its_reason`, by an [`Authenticator`](crate::Authenticator).
//! - `lookup_outlives_its_store`: a lookup borrows nothing from its store.
//! - `empty_store_has_no_keys`: even if a previous store had some.
//!
//! # Rules of managing
//!
//! A change is visible when the method returns. After each refused change, all lists must be unchanged. No list or
//! error may contain a digest, since both may be logged.
//!
//! - `new_store_is_empty`
//! - `added_client_keeps_its_profile`: it is listed as enabled, and handlers see the same profile.
//! - `client_name_is_unique`: names are compared exactly, and disabled clients keep their names.
//! - `invalid_profile_is_refused`: see [`ClientProfile::validate`](crate::ClientProfile::validate).
//! - `issued_key_is_admitted_at_once`, `issued_key_is_refused_from_its_expiry` and
//!   `issued_key_is_refused_before_its_beginning`
//! - `fields_of_a_key_are_kept`: the creation may be cut to the second, the expiry to the microsecond; the beginning may
//!   be rounded up to the microsecond.
//! - `key_and_its_id_are_unique`: even among revoked keys.
//! - `past_expiry_is_refused`: a key has expired at the instant of its expiry.
//! - `scopes_of_a_key_narrow_those_of_its_client`, and `scope_that_the_client_lacks_is_refused`.
//! - `key_is_refused_outside_its_networks`, and `network_outside_those_of_the_client_is_refused`.
//! - `key_that_would_never_work_is_refused`: its beginning is not before its expiry.
//! - `invalid_label_is_refused`: see [`NewKey::with_label`](crate::NewKey::with_label).
//! - `revoked_key_is_refused_at_once`, and other keys are not affected.
//! - `revoked_key_never_works_again`: not by issuing it, rotating to it, or enabling its client.
//! - `repeated_change_changes_nothing`: revoking, disabling or enabling again is no error and changes no time.
//! - `clients_are_listed_in_order`: sorted by name. Their number of keys does not include revoked ones.
//! - `keys_are_listed_in_order`: sorted by client and then by creation time, expired and revoked keys included.
//! - `pages_cover_the_filtered_list`: for each filter, order and limit of a [`ClientQuery`](crate::manage::ClientQuery)
//!   and a [`KeyQuery`](crate::manage::KeyQuery).
//! - `every_key_is_in_one_page`: a change between two pages moves no other row.
//! - `invalid_query_is_refused`: a cursor of another list or order, or the name of an unknown client.
//! - `unknown_name_suggests_the_nearest` and `unknown_id_suggests_the_nearest`
//! - `successor_is_admitted_at_once`: it has the old key's client, and its label unless it has one.
//! - `successor_inherits_the_lifetime`: see [`KeyInfo::inherited_lifetime`](crate::manage::KeyInfo::inherited_lifetime).
//! - `successor_inherits_a_future_beginning`, and none that has passed.
//! - `successor_inherits_scopes_and_networks`, unless it has its own.
//! - `refused_rotation_changes_nothing`
//! - `key_that_cannot_be_rotated_is_a_conflict`: a key that was revoked, has expired or was replaced.
//! - `rotated_key_works_until_its_grace_ends`, or until its own expiry if that is earlier. The end of the grace may be cut
//!   to the second.
//! - `long_grace_does_not_overflow`
//! - `keys_of_a_disabled_client_are_refused`: including keys that are issued or rotated while it is disabled.
//! - `keys_of_an_enabled_client_are_admitted_again`, unless they have expired or were revoked.
//! - `enabled_client_is_not_removed`
//! - `client_is_removed_with_its_keys`: a client that is added later with the same name has none of them.
//! - `key_of_a_removed_client_cannot_be_added_again`, even if it was not revoked, at least as long as the store is open.
//! - `client_is_changed_at_once`, with all its keys. Everything that the change does not name stays.
//! - `changed_client_stays_disabled`
//! - `key_is_changed_at_once`: its label, and its expiry to an earlier or later one.
//! - `changed_key_does_not_work_early`: it keeps its beginning when it, its client or its successor changes.
//! - `ended_key_is_not_revived`: a key that was revoked or has expired keeps its expiry.
//! - `expiry_before_the_beginning_is_refused`: a changed key could never work.
//! - `empty_change_changes_nothing`
//! - `refused_change_changes_nothing`
//! - `restrictions_of_a_key_are_changed_at_once`, and `change_beyond_the_client_is_refused`.
//! - `key_loses_what_its_client_loses`: scopes and networks. It gets them back with its client, and never more than it had.
//! - `policy_is_kept`, and an invalid policy is refused.
//! - `policy_keeps_what_a_change_does_not_name`
//! - `policy_limits_the_lifetime_of_keys`: see [`Policy`](crate::manage::Policy).
//! - `version_differs_after_a_change`: see [`Version`](crate::manage::Version).
//! - `outdated_version_is_a_conflict`: each change of an existing client or key compares the version in the same step.
//! - `one_competing_change_succeeds`, if several are based on the same version.
//! - `actor_has_a_valid_name`
//! - `listing_unrecorded_changes_is_an_error`: a store that records no changes refuses to list them.
//! - `purged_key_is_gone_and_unknown`: no list, page or search finds it. A dry run only returns it.
//! - `key_that_may_work_is_never_purged`: such as a replaced key that still works, a key of a disabled client, or a key
//!   that is not valid yet.
//! - `purged_key_cannot_be_added_again`, at least as long as the store is open.
//! - `successor_of_a_key_that_works_is_kept`; a key that has ended no longer names a purged successor.
//! - `change_during_a_purge_is_kept`
//! - `key_has_one_successor`: if several rotations compete, one succeeds, and the others return its successor.
//! - `concurrent_changes_are_all_kept` and `concurrent_policy_changes_are_all_kept`
//! - `rotation_is_atomic`: at least one of the two keys works at any moment, and not both after a grace of zero.
//!
//! # Rules of events
//!
//! [`event_contract`] checks stores that record changes. No event contains a digest.
//!
//! - `each_change_has_an_event`: with its actor, action, client and key, and the facts before and after the change. A
//!   rotation has one for each key, and a removed client one for each of its keys.
//! - `empty_change_has_no_event`, and neither has a refused change.
//! - `pages_cover_the_filtered_events`: for each filter, order and limit of an
//!   [`EventQuery`](crate::manage::EventQuery).
//! - `every_event_is_in_one_page`: events that are recorded between two pages move no other events.
//! - `event_cursor_of_another_list_is_refused`
//!
//! # Limits
//!
//! The suite does not check
//!
//! - that keys are kept as digests, and digests compared in constant time
//! - speed, except that a lookup must not take ten seconds
//! - that a lookup is a [`StoreError`](crate::StoreError), and not `None`, when the database is unavailable
//! - that a change survives the process, that an interrupted change has no effect, and that several processes can share
//!   a file or database

mod case;
mod client;
mod clock;
mod concurrency;
mod contract;
mod facts;
mod lookups;
mod manage;
mod sample;
mod verification;

pub use clock::FakeClock;
pub use contract::{key_contract, store_contract};
pub use facts::{assert_finds_keys, assert_same_facts, keys_of_every_kind, write_keys};
pub use manage::{event_contract, manage_contract};

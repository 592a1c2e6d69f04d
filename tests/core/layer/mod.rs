//! The tower layer with test doubles of services and stores.

mod caching;
mod cancelling;
mod completing;
mod guarding;
mod optional;
mod outages;
mod readiness;
mod stripping;
mod warning;

//! Wrong keys from one address are slowed down, and right ones are not.

mod entrances;
mod fixture;
mod flood;
mod local;
mod proxies;
mod responses;
mod waiting;

//! Wrong keys from one address are slowed down, and right ones are not.

mod answers;
mod doors;
mod flood;
mod local;
mod proxies;
mod stage;
mod waiting;

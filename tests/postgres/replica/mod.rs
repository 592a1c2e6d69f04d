//! Replicas of real databases: what they follow, and what they do when there is nobody to follow.

mod contract;
mod far;
mod fixture;
mod fleet;
mod following;
mod gauges;
mod hardened;
mod loading;
mod ordering;
mod outages;
mod pooling;
mod restoring;
mod returning;
mod snapshots;
mod spoilt;
mod timeouts;
mod wake_ups;

//! Replicas of real databases.

mod contract;
mod facts;
mod far;
mod fixture;
mod fleet;
mod following;
mod gauges;
mod hardened;
mod invalid_rows;
mod loading;
mod ordering;
mod outages;
mod pooling;
mod restoring;
mod returning;
mod snapshots;
mod timeouts;
mod wake_ups;

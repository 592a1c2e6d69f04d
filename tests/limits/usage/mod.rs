//! What `Usage` counts, keeps and reports.

// Each of these figures is exact in binary.
#![allow(clippy::float_cmp)]

mod allocations;
mod counting;
mod fixture;
mod forgetting;
mod rates;
mod snapshot;

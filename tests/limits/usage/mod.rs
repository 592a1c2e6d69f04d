//! Who is calling: what `Usage` counts, keeps and tells.

// Each of these figures is exact in binary.
#![allow(clippy::float_cmp)]

mod allocations;
mod counting;
mod fixture;
mod forgetting;
mod rates;
mod telling;

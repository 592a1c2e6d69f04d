//! Quotas.

mod admitting;
mod changing;
mod exactness;
mod fixture;
mod layers;
mod usage;
mod waiting;

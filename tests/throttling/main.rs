//! Quotas: how much each client may ask for.

mod admitting;
mod changing;
mod exactness;
mod layers;
mod scene;
mod waiting;

//! Refusals fit the bodies of each stack: in memory, and over real connections.

mod boxed;
mod compressed;
mod in_axum;
mod in_hyper;
mod in_memory;
mod in_tonic;
mod in_tonic_handler;
mod serving;

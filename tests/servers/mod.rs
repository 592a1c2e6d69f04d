//! Real servers for the tests: each has a temporary folder and a free loopback port of its own, and
//! ends with the test, however the test ends. Linux only: processes are found in `/proc`.
//!
//! If a program is missing on the machine, the tests fail and name it; they are never skipped.
// Each test binary uses some of this.
#![allow(dead_code, unused_imports)]

mod account;
mod folder;
mod pgbouncer;
mod postgres;
mod process;
mod tools;
mod wire;

pub(crate) use pgbouncer::Pgbouncer;
pub(crate) use postgres::database::Database;
pub(crate) use postgres::{Postgres, Saved, query};
pub(crate) use wire::Wire;

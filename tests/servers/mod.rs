//! Real servers for the tests: each has a temporary folder and a free loopback port of its own, and
//! ends with the test, however the test ends. Linux only: processes are found in `/proc`.
//!
//! What is missing on the machine is a failure that names it, never a skipped test.
// Each test binary uses a part of this.
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

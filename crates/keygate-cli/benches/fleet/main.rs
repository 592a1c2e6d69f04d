//! Three instances of `examples/axum_postgres.rs` on one PostgreSQL, all under load. Measures how soon they refuse a
//! key that the tool revokes, and checks the responses while the server is unavailable.
//!
//! `KEYGATE_BENCH_QUICK=1` revokes only a few keys, and skips the outage of five minutes after which keys are no longer
//! served. A wrong response ends the run with an error.
//!
//! Linux schedules tasks of the root control group by session (`sched_autogroup`). If one session keeps all processors
//! busy, the tasks of others may wait for seconds; services have control groups and are not affected. Before you start
//! the bench from a root shell, disable this: `echo 0 > /proc/sys/kernel/sched_autogroup_enabled`.

use std::error::Error;

use fleet::Fleet;
use support::effort::Effort;
use support::table::Unit;

mod fleet;
mod instance;
mod outages;
mod proxy;
mod revokes;

#[path = "../../../../tests/servers/mod.rs"]
mod servers;

#[path = "../../../../benches/support"]
#[expect(dead_code, reason = "this bench compares with nothing")]
mod support {
    pub(crate) mod caller;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod key_file;
    pub(crate) mod keys;
    pub(crate) mod load;
    pub(crate) mod probes;
    pub(crate) mod table;
}

#[expect(dead_code, reason = "only `follow` needs the start of a command")]
#[path = "../support/tool.rs"]
mod tool;

type Failure = Box<dyn Error + Send + Sync>;

const MILLISECONDS: Unit = Unit("ms", 1e-3, 1);

fn main() -> Result<(), Failure> {
    let effort = Effort::of_this_run();
    let fleet = Fleet::start()?;
    revokes::one_by_one(&fleet, effort)?;
    revokes::out_of_order(&fleet)?;
    revokes::at_once(&fleet, effort)?;
    if effort == Effort::Smoke {
        return Ok(());
    }
    outages::killed(&fleet)?;
    outages::stopped(&fleet)?;
    outages::cut_off(&fleet)?;
    if effort == Effort::Full {
        outages::too_long(&fleet)?;
    }
    Ok(())
}

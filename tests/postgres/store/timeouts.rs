//! Timeouts of the role or the database.

use std::thread;

use keygate::ManageKeys as _;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::changes::{self, ALL};
use crate::servers::{self, Postgres};
use crate::store::migrated;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timeouts_of_the_database_end_no_change() {
    let database = Postgres::shared().database();
    changes::prepare(&migrated(&database).await).await;
    database.psql(
        "do $$ declare setting text; begin
            foreach setting in array array['statement_timeout = 200', 'lock_timeout = 20',
                'idle_in_transaction_session_timeout = 5'] loop
                execute format('alter database %I set %s', current_database(), setting);
            end loop; end $$",
    );
    let store = crate::store::options(&database.url()).connect().await.unwrap();
    // A change waits for another change, longer than these timeouts.
    let hold = "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; begin; \
                select from keygate.clients where name = 'App 1' for update; select pg_sleep(600)";
    let url = database.url();
    let terminal = thread::spawn(move || servers::query(&url, hold));
    // The timeouts do not hold for sessions of another database.
    let server = database.server();
    let sessions = format!("pg_stat_activity where datname = '{}'", database.name());
    let count = |state| server.psql(&format!("select count(*) from {sessions} and {state}"));
    while count("wait_event = 'PgSleep'") == "0" {
        assert!(!terminal.is_finished());
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            while count("wait_event_type = 'Lock'") == "0" {}
            server.psql("select pg_sleep(0.5)");
            let holds = "wait_event = 'PgSleep'";
            server.psql(&format!("select pg_cancel_backend(pid) from {sessions} and {holds}"));
        });
        block_in_place(|| Handle::current().block_on(store.disable_client("App 1"))).unwrap();
    });
    terminal.join().unwrap().unwrap_err();
    store.enable_client("App 1").await.unwrap();
    for name in ALL {
        changes::make(&store, name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

//! Timeouts of the role or the database.

use std::thread;

use keygate::ManageKeys as _;

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
    // A change waits for another change.
    let hold = "begin; select from keygate.clients where name = 'App 1' for update; \
                set local statement_timeout = 0; select pg_sleep(1)";
    let url = database.url();
    let terminal = thread::spawn(move || servers::query(&url, hold));
    let waiting = "select count(*) from pg_stat_activity \
                where datname = current_database() and wait_event = 'PgSleep'";
    while database.psql(waiting) == "0" {
        assert!(!terminal.is_finished());
    }
    store.disable_client("App 1").await.unwrap();
    terminal.join().unwrap().unwrap();
    store.enable_client("App 1").await.unwrap();
    for name in ALL {
        changes::make(&store, name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

//! Stores in PostgreSQL.

use std::time::Duration;

use keygate::store::{PostgresStore, Replica};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::runtime::Handle;

use crate::recovering::faults::{
    Fault, Fixture, Meanwhile, PASSING, key, recovers_from_every_fault,
};
use crate::servers::{Postgres, query};

const SERVING: &str = include_str!("../../../src/store/postgres/grants/serving.sql");
const NAME: &str = "service";

/// A database in which the store may only read keys.
struct Served<S> {
    server: Postgres,
    store: S,
    holder: Option<PgConnection>,
}

impl<S> Served<S> {
    async fn new(connect: impl AsyncFnOnce(String) -> S) -> Self {
        let server = Postgres::start();
        server.psql(&format!("create database {NAME}"));
        let owner = in_service(&server.url());
        PostgresStore::migrate(&owner).await.unwrap();
        query(&owner, &SERVING.replace("'...'", "'c4n4ry'")).unwrap();
        let store = connect(in_service(&server.url_as("keygate_serving", "c4n4ry"))).await;
        let fixture = Self { server, store, holder: None };
        fixture.sql("insert into keygate.clients (name) values ('App 1')");
        fixture
    }

    fn sql(&self, sql: &str) {
        query(&in_service(&self.server.url()), sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn make(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::Rights => {
                self.sql("revoke select on keygate.keys, keygate.events from keygate_serving");
            }
            Fault::Folder => {
                self.server.psql(&format!("alter database {NAME} allow_connections false"));
                self.server.psql(&format!(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity
                    where datname = '{NAME}'"
                ));
            }
            Fault::Missing => self.sql("alter schema keygate rename to away"),
            Fault::Schema => self.sql(
                "alter table keygate.keys rename column revoked to other;
                alter table keygate.events rename column seq to other",
            ),
            Fault::Locked => {
                let url = in_service(&self.server.url());
                let lock = async {
                    let mut holder = PgConnection::connect(&url).await.unwrap();
                    let sql =
                        "begin; lock table keygate.keys, keygate.events in access exclusive mode";
                    holder.execute(sql).await.unwrap();
                    holder
                };
                self.holder =
                    Some(tokio::task::block_in_place(|| Handle::current().block_on(lock)));
            }
            Fault::Killed => self.server.kill(),
            Fault::Stopped => self.server.stop(),
            Fault::Empty | Fault::Garbage | Fault::Clock => return false,
        }
        true
    }

    fn repair(&mut self, fault: Fault) {
        match fault {
            Fault::Rights => {
                self.sql("grant select on keygate.keys, keygate.events to keygate_serving");
            }
            Fault::Folder => {
                self.server.psql(&format!("alter database {NAME} allow_connections true"));
            }
            Fault::Missing => self.sql("alter schema away rename to keygate"),
            Fault::Schema => self.sql(
                "alter table keygate.events rename column other to seq;
                alter table keygate.keys rename column other to revoked",
            ),
            Fault::Locked => drop(self.holder.take()),
            Fault::Killed => self.server.restart(),
            Fault::Stopped => self.server.resume(),
            Fault::Empty | Fault::Garbage | Fault::Clock => {}
        }
    }

    fn issue(&self, keys: &[String]) {
        for name in keys {
            let expires = if name == "passing" { format!("'{PASSING}'") } else { "null".into() };
            self.sql(&format!(
                "insert into keygate.keys (digest, client, label, expires)
                values (sha256('{}'), 'App 1', '{name}', {expires})",
                key(name)
            ));
        }
    }

    fn revoke(&self, key: &str) {
        self.sql(&format!("update keygate.keys set revoked = now() where label = '{key}'"));
    }
}

/// The URL of the database, derived from another one on the same server.
fn in_service(url: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{NAME}")
}

macro_rules! fixture {
    ($store:ty, $meanwhile:expr, $reports_fault:expr) => {
        impl Fixture for Served<$store> {
            type Store = $store;

            const MEANWHILE: Meanwhile = $meanwhile;

            fn store(&self) -> $store {
                self.store.clone()
            }

            fn make(&mut self, fault: Fault) -> bool {
                Served::make(self, fault)
            }

            fn repair(&mut self, fault: Fault) {
                Served::repair(self, fault);
            }

            fn issue(&mut self, keys: &[String]) {
                Served::issue(self, keys);
            }

            fn revoke(&mut self, key: &str) {
                Served::revoke(self, key);
            }

            fn reports_fault(&self) -> bool {
                let reports_fault: fn(&$store) -> bool = $reports_fault;
                reports_fault(&self.store)
            }
        }
    };
}

fixture!(PostgresStore, Meanwhile::Outage, |_| false);
fixture!(Replica, Meanwhile::KeptIfKnown, |replica| replica.health().error.is_some());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_store_recovers_from_every_fault() {
    let connect = async |url: String| PostgresStore::connect(&url).await.unwrap();
    recovers_from_every_fault(Served::new(connect).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replica_recovers_from_every_fault() {
    let connect = async |url: String| {
        let options = Replica::options(&url).unwrap().with_max_staleness(Duration::from_secs(300));
        options.connect().await.unwrap()
    };
    recovers_from_every_fault(Served::new(connect).await).await;
}

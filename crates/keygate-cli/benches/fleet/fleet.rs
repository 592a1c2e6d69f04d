use std::path::Path;
use std::time::Instant;

use http::{HeaderValue, StatusCode};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::{Builder, Runtime};

use crate::Failure;
use crate::instance::Instance;
use crate::proxy::Proxy;
use crate::servers::{Postgres, query};
use crate::support::caller::Caller;
use crate::support::key_file::KeyFile;
use crate::support::load::Load;
use crate::tool;

/// Number of keys imported before the instances start.
const KEYS: u64 = 1_000;

pub(crate) struct Fleet {
    pub(crate) instances: [Instance; 3],
    /// The proxy between the last instance and the server.
    pub(crate) proxy: Proxy,
    keys: KeyFile,
    pub(crate) server: Postgres,
    runtime: Runtime,
}

impl Fleet {
    pub(crate) fn start() -> Result<Self, Failure> {
        let server = Postgres::start();
        let proxy = Proxy::new(([127, 0, 0, 1], server.port()).into())?;
        let keys = KeyFile::new(KEYS)?;
        tool::run(server.url(), &["migrate"])?;
        tool::run(server.url(), &["import", text(keys.path())?])?;
        let by_proxy =
            server.url().replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port));
        let instances = [
            Instance::start(&server.url())?,
            Instance::start(&server.url())?,
            Instance::start(&by_proxy)?,
        ];
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { instances, proxy, keys, server, runtime })
    }

    /// A client in the file.
    pub(crate) fn client(&self) -> String {
        self.keys.client()
    }

    /// Starts load on all instances.
    pub(crate) fn load(&self) -> Result<FleetLoad, Failure> {
        let start = |instance: &Instance| Load::start(instance.address, KEYS);
        Ok(FleetLoad(self.instances.iter().map(start).collect::<Result<_, _>>()?))
    }

    /// Sends a request with this key to each instance, and returns the statuses.
    pub(crate) fn send(&self, key: &HeaderValue) -> Result<[StatusCode; 3], Failure> {
        let mut statuses = [StatusCode::OK; 3];
        for (status, instance) in statuses.iter_mut().zip(&self.instances) {
            let answer = async { Caller::connect(instance.address).await?.send(key.clone()).await };
            *status = self.runtime.block_on(answer)?;
        }
        Ok(statuses)
    }

    /// Waits until all instances respond to this key with this status, and returns the time of the last one.
    pub(crate) fn wait_for(
        &self,
        status: StatusCode,
        key: &HeaderValue,
    ) -> Result<Instant, Failure> {
        let wait = async |instance: &Instance| {
            Caller::connect(instance.address).await?.wait_for(status, key).await
        };
        let [first, second, third] = &self.instances;
        let all = async { tokio::try_join!(wait(first), wait(second), wait(third)) };
        let (first, second, third) = self.runtime.block_on(all)?;
        Ok(first.max(second).max(third))
    }

    /// Starts a transaction with a change, which stays open until it is committed.
    pub(crate) fn begin(&self, change: &str) -> Result<Open<'_>, Failure> {
        let mut open = Open {
            runtime: &self.runtime,
            connection: self.runtime.block_on(PgConnection::connect(&self.server.url()))?,
        };
        open.run(&format!("begin; {change}"))?;
        Ok(open)
    }

    pub(crate) fn sql(&self, statements: &str) -> Result<(), Failure> {
        query(&self.server.socket_url(), statements)?;
        Ok(())
    }
}

pub(crate) struct Open<'a> {
    runtime: &'a Runtime,
    connection: PgConnection,
}

impl Open<'_> {
    fn run(&mut self, statements: &str) -> Result<(), Failure> {
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        self.runtime.block_on(statements.execute(&mut self.connection))?;
        Ok(())
    }

    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.run("commit")
    }
}

/// The load on all instances.
pub(crate) struct FleetLoad(Vec<Load>);

impl FleetLoad {
    /// Stops the load, and prints the number of requests.
    ///
    /// # Errors
    ///
    /// If a request was refused or got no response.
    pub(crate) fn end(self) -> Result<(), Failure> {
        let (mut sent, mut failed, mut rates) = (0, 0, 0.0);
        for load in self.0 {
            let (tally, rate) = load.end();
            sent += tally.sent;
            failed += tally.failed;
            rates += rate;
        }
        println!("valid requests: {sent} sent, {rates:.0} a second, {failed} failed");
        if failed == 0 { Ok(()) } else { Err(format!("{failed} valid requests failed").into()) }
    }
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| "the path of the temporary folder is not UTF-8".into())
}

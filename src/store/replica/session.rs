//! One connection to the database, from its first question to its first fault.

use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;
use sqlx::{Acquire as _, raw_sql};
use tokio::time::{sleep, timeout};

use super::connect::listener;
use super::fault::Fault;
use super::follower::Follower;
use super::look::Look;
use super::shared::{Progress, Status};
use super::{load, poll, report};
use crate::store::postgres::schema;

/// How often the database is asked without a wake-up: one that never comes costs half a second.
const POLL: Duration = Duration::from_millis(500);

/// Between two polls at least: wake-ups that come faster are answered together.
const REST: Duration = Duration::from_millis(5);

/// How long a poll may take: a server that was stopped keeps its connections, and never answers. One
/// on a machine without time for it answers late (2.3 s were seen), and a new connection would cost it
/// more than the answer.
const POLL_DEADLINE: Duration = Duration::from_secs(4);

/// How long the rows that changed may take, of which one turn reads so many at the most.
const TURN_DEADLINE: Duration = Duration::from_secs(10);

/// All that a poll reads is of one state of the database. The cost of a poll must not hang on what the
/// planner believes of the tables: what it looks for is always found by an index.
const BEGIN: &str = "begin isolation level repeatable read read only; \
                     set local enable_seqscan = off; set local jit = off";

pub(super) struct Session {
    listener: PgListener,
    look: Look,
}

impl Session {
    pub(super) async fn open(follower: &mut Follower) -> Result<Self, Fault> {
        let mut listener = listener(&follower.options.database).await?;
        let look = Self::prepare(&mut listener, follower).await?;
        Ok(Self { listener, look })
    }

    async fn prepare(listener: &mut PgListener, follower: &mut Follower) -> Result<Look, Fault> {
        let silent = |_| Fault::late("the server did not answer");
        let connection = listener.acquire().await?;
        if follower.options.migrate && !follower.migrated {
            let migration = timeout(schema::MIGRATE_DEADLINE, schema::migrate(connection)).await;
            migration.map_err(|_| Fault::late("the tables were not made"))??;
            follower.migrated = true;
        } else {
            let check = timeout(POLL_DEADLINE, schema::check(connection)).await;
            check.map_err(silent)??;
        }
        let look = timeout(POLL_DEADLINE, Look::find(connection)).await.map_err(silent)??;
        follower.pending.all |= look.is_blind;
        if !follower.options.through_pooler {
            timeout(POLL_DEADLINE, listener.listen("keygate")).await.map_err(silent)??;
        }
        Ok(look)
    }

    /// Follows the database until something is wrong.
    pub(super) async fn follow(&mut self, follower: &mut Follower) -> Fault {
        // Changes of which only a part was read may be any.
        follower.pending.all |= follower.pending.is_taken();
        loop {
            let turned = match self.turn(follower).await {
                Ok(Turn::Done) => self.wait().await,
                Ok(Turn::More) => Ok(()),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = turned {
                return fault;
            }
        }
    }

    async fn turn(&mut self, follower: &mut Follower) -> Result<Turn, Fault> {
        let asked = Instant::now();
        let connection = self.listener.acquire().await?;
        let look = timeout(POLL_DEADLINE, async {
            raw_sql(BEGIN).execute(&mut *connection).await?;
            self.look.ask(connection, follower.position.as_ref()).await
        });
        let seen = look.await.map_err(|_| Fault::late("the server did not answer"))??;
        let mut position = seen.position;
        let mut loads = follower.pending.all;
        match &follower.position {
            None => loads = true,
            Some(last) if seen.lost || !position.follows(last) => {
                report::reset(&follower.shared);
                loads = true;
            }
            Some(last) if position.feed != last.feed => loads = true,
            Some(last) if position.visible == last.visible => {}
            Some(last) if !loads => {
                let now = &position.visible;
                let events = poll::events(connection, last, now, &mut follower.pending);
                let events = timeout(TURN_DEADLINE, events).await;
                position.newest = events.map_err(|_| Fault::late("the events did not come"))??;
                loads = follower.pending.all;
            }
            Some(_) => {}
        }
        // Set with what is served or before it: what was served is known to be lost where it is.
        if loads {
            position.newest = load::load(connection, follower, &position.visible).await?;
            follower.position = Some(position);
        } else {
            follower.position = Some(position);
            let changes = timeout(TURN_DEADLINE, poll::apply(connection, follower));
            changes.await.map_err(|_| Fault::late("the rows did not come"))??;
        }
        follower.pending.done(loads);
        let commit = timeout(POLL_DEADLINE, raw_sql("commit").execute(&mut *connection));
        commit.await.map_err(|_| Fault::late("the server did not answer"))??;
        if !follower.pending.is_empty() {
            return Ok(Turn::More);
        }
        follower.shared.in_contact(asked);
        if follower.shared.status() != Status::Fresh {
            // After a load that took its time, more may have changed.
            return Ok(Turn::More);
        }
        report::followed(&follower.shared, &follower.clients);
        follower.keep_snapshot();
        if !matches!(*follower.shared.progress.borrow(), Progress::Ready) {
            follower.shared.progress.send_replace(Progress::Ready);
        }
        Ok(Turn::Done)
    }

    /// Waits for a wake-up, or until it is time to ask without one.
    async fn wait(&mut self) -> Result<(), Fault> {
        if self.listener.next_buffered().is_none() {
            match timeout(POLL, self.listener.try_recv()).await {
                Err(_) => return Ok(()),
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Err(Fault::late("the connection was lost")),
                Ok(Err(error)) => return Err(error.into()),
            }
        }
        sleep(REST).await;
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}

enum Turn {
    Done,
    /// There is more to read at once.
    More,
}

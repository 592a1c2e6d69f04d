//! One connection to the database, from its first question to its first fault.

use std::time::{Duration, Instant};

use sqlx::Acquire as _;
use sqlx::postgres::PgListener;
use tokio::time::{sleep, timeout};

use super::connect::listener;
use super::fault::Fault;
use super::follower::Follower;
use super::poll::Wanted;
use super::server_probe::ServerProbe;
use super::shared::{Progress, Status};
use super::{load, poll, report};
use crate::store::postgres::schema;

/// How often the database is asked without a wake-up: one that never comes costs half a second.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// Between two polls at least: wake-ups that come faster are answered together.
const REST: Duration = Duration::from_millis(5);

/// How long a poll may take: a server that was stopped keeps its connections, and never answers. One
/// on a machine without time for it answers late (2.3 s were seen), and a new connection would cost it
/// more than the answer.
pub(super) const POLL_DEADLINE: Duration = Duration::from_secs(4);

/// How long it may take to listen for wake-ups, which are not needed, and for how long nobody tries again.
const LISTEN_DEADLINE: Duration = Duration::from_secs(2);
const DEAF: Duration = Duration::from_secs(60);

/// How long the rows that changed may take, of which one turn reads so many at the most.
const TURN_DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Session {
    listener: PgListener,
    look: ServerProbe,
}

impl Session {
    pub(super) async fn open(follower: &mut Follower) -> Result<Self, Fault> {
        let mut listener = listener(&follower.options.database).await?;
        let look = Self::prepare(&mut listener, follower).await?;
        Ok(Self { listener, look })
    }

    async fn prepare(
        listener: &mut PgListener,
        follower: &mut Follower,
    ) -> Result<ServerProbe, Fault> {
        let connection = listener.acquire().await?;
        if follower.options.migrate && !follower.migrated {
            let migration = timeout(schema::MIGRATE_DEADLINE, schema::migrate(connection)).await;
            migration.map_err(|_| Fault::late("the tables were not made"))??;
            follower.migrated = true;
        } else {
            let check = timeout(POLL_DEADLINE, schema::check(connection)).await;
            check.map_err(|_| silent())??;
        }
        let look =
            timeout(POLL_DEADLINE, ServerProbe::find(connection)).await.map_err(|_| silent())??;
        follower.pending.all |= look.is_blind;
        if !follower.options.through_pooler && !follower.is_deaf() {
            listen(listener, follower).await?;
        }
        Ok(look)
    }

    /// Follows the database until something is wrong.
    pub(super) async fn follow(&mut self, follower: &mut Follower) -> Fault {
        // Changes of which only a part was read may be any.
        follower.pending.all |= follower.pending.is_taken();
        loop {
            let turned = match self.turn(follower).await {
                Ok(Turn::Done) if follower.hears_again() => {
                    listen(&mut self.listener, follower).await
                }
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
        match &follower.position {
            Some(last) if !follower.pending.all => {
                let last = last.clone();
                let wanted = Wanted::take(&mut follower.pending);
                let deadline = if wanted.is_empty() { POLL_DEADLINE } else { TURN_DEADLINE };
                let polled = timeout(deadline, poll::poll(connection, &self.look, &last, &wanted));
                let mut polled = polled.await.map_err(|_| silent())??;
                follower.shared.polled(asked.elapsed());
                report::wake_ups(follower, polled.seen.is_queue_high);
                let position = &polled.seen.position;
                if polled.seen.lost || !position.follows(&last) || position.feed != last.feed {
                    follower.pending.all = true;
                    return Ok(Turn::More);
                }
                polled.note(&mut follower.pending)?;
                // Set with what is served or before it: what was served is known to be lost where it is.
                follower.position = Some(polled.seen.position.clone());
                polled.apply(follower, wanted)?;
                follower.pending.done(false);
            }
            _ => load::load(connection, &self.look, follower).await?,
        }
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

/// Listens for wake-ups. A server whose queue is full of what others have not read may take minutes to
/// begin with it: the connection is given up then, and the next one only polls.
async fn listen(listener: &mut PgListener, follower: &mut Follower) -> Result<(), Fault> {
    if let Ok(listening) = timeout(LISTEN_DEADLINE, listener.listen("keygate")).await {
        return Ok(listening?);
    }
    follower.deaf_until = Instant::now().checked_add(DEAF);
    Err(Fault::late("`listen` took too long, and wake-ups are done without"))
}

fn silent() -> Fault {
    Fault::late("the server did not answer")
}

enum Turn {
    Done,
    /// There is more to read at once.
    More,
}

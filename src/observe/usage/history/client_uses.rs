//! When clients were last seen.

use std::time::SystemTime;

use super::{UsageHistory, system_time};
use crate::clock::nanos;
use crate::store::DatabaseError;
use crate::store::usage::ClientUse;

/// When a client was last admitted with any of its keys, to the minute.
///
/// See [`UsageHistory::clients_by_last_use`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLastUse {
    /// The name of the client. It may have been removed since.
    pub client: String,
    /// The time.
    pub time: SystemTime,
}

impl ClientLastUse {
    /// Creates a value after which a list continues.
    pub fn new(client: impl Into<String>, time: SystemTime) -> Self {
        Self { client: client.into(), time }
    }
}

impl From<ClientUse> for ClientLastUse {
    fn from(ClientUse { client, time }: ClientUse) -> Self {
        Self { client, time: system_time(time) }
    }
}

impl UsageHistory {
    /// Lists clients by their last use, the latest first; of clients with the same minute, the last name first. `after` is
    /// the last client of the previous page.
    ///
    /// A page has at most `limit` clients, and at most 1,000. The last page has fewer. Pages are read from an index, so
    /// their time does not depend on the number of clients.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    ///
    /// ```
    /// use keygate::observe::UsageHistory;
    ///
    /// # async fn print_all(history: &UsageHistory) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut page = history.clients_by_last_use(50, None).await?;
    /// while let Some(last) = page.last() {
    ///     page.iter().for_each(|client| println!("{}: {:?}", client.client, client.time));
    ///     page = history.clients_by_last_use(50, Some(last)).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn clients_by_last_use(
        &self,
        limit: usize,
        after: Option<&ClientLastUse>,
    ) -> Result<Vec<ClientLastUse>, DatabaseError> {
        let position = |ClientLastUse { client, time }: &ClientLastUse| ClientUse {
            client: client.clone(),
            time: nanos(*time) / 1_000_000_000,
        };
        let limit = limit.clamp(1, 1_000);
        let uses = self.tables().clients_by_last_use(limit, after.map(position)).await?;
        Ok(uses.into_iter().map(Into::into).collect())
    }

    /// Returns the last uses of these clients, in the order of names. Clients without any are left out.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn last_uses_of(
        &self,
        clients: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<ClientLastUse>, DatabaseError> {
        let clients = clients.into_iter().map(Into::into).collect();
        let uses = self.tables().last_uses_of(clients).await?;
        Ok(uses.into_iter().map(Into::into).collect())
    }
}

//! The watch: sees every write to a protected table that did not come through a gateway, by logical decoding.
//!
//! PostgreSQL tells each committed transaction that changed a watched table. It is a gateway's if its entries hold an
//! image of each row it changed; else an alert is stored, in the transaction that moves the watch past it: so none is
//! lost and none told twice, whoever is killed. One gateway hears the slot at a time; the others wait to take over.

mod catalog;
mod outbox;
mod session;
mod setup;
mod stream;
mod transaction;

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tokio_util::sync::CancellationToken;

use self::{session::Ended, stream::StreamError};
use super::{
    connection::{self, connect},
    failure::{Done, Failure},
};
use crate::records::{
    OpenError, RecordsError, Settings, Sighting, WatchMode, Witness, schema::Schema, settings::setting,
};

/// After how long it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Who is told what the watch sees.
pub(super) type Tell<'t> = &'t (dyn Fn(Sighting) + Send + Sync);

/// A database that can be watched.
pub(super) struct Watch {
    settings: Settings,
    /// A connection of its own, not in line behind requests.
    pool: Pool,
    schema: Arc<Schema>,
}

impl Watch {
    /// The watch that the settings ask for, if the database is set up for it.
    pub(super) async fn open(settings: &Settings, schema: &Arc<Schema>) -> Result<Option<Self>, OpenError> {
        if settings.watch.mode == WatchMode::Off {
            return Ok(None);
        }
        let pool = connection::watching_pool(settings)?;
        let client = connect(&pool).await.map_err(RecordsError::from)?;
        let hindrance = setup::hindrance(&client, schema).await.map_err(RecordsError::from)?;
        drop(client);
        match (hindrance, settings.watch.mode) {
            (None, _) => {
                let (settings, schema) = (settings.clone(), schema.clone());
                Ok(Some(Self { settings, pool, schema }))
            }
            (Some(reason), WatchMode::On) => Err(setting(&format!("watch.mode: it is \"on\", and {reason}"))),
            (Some(reason), _) => {
                tracing::info!(%reason, "writes past the gateway are not watched for");
                Ok(None)
            }
        }
    }

    /// Makes the publication what it has to be: its tables' owner can.
    pub(super) async fn publish(&self) -> Done<()> {
        setup::make_publication(&mut connect(&self.pool).await?, &self.schema).await.map(drop)
    }

    /// Watches until `shutdown`, or waits until nobody else does.
    pub(super) async fn run(&self, tell: Tell<'_>, witness: &dyn Witness, shutdown: &CancellationToken) {
        loop {
            let ended = tokio::select! {
                () = shutdown.cancelled() => break,
                ended = session::hear(self, tell, witness) => ended,
            };
            tell(Sighting::Watching(false));
            match ended {
                Ended::Busy => {}
                Ended::Failed(error) => tracing::warn!(%error, "the watch has to begin again"),
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        tell(Sighting::Watching(false));
    }
}

/// Gives up what the watch keeps in the database; whether there was something.
pub(super) async fn drop_it(pool: &Pool) -> Done<bool> {
    setup::unmake(&mut connect(pool).await?).await
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        RecordsError::Unavailable(error.to_string()).into()
    }
}

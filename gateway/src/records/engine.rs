//! The databases that can be the records database, by the URL's scheme.

use std::sync::Arc;

use super::{OpenError, Records, Settings, postgres::Postgres, settings::setting, sqlite::Sqlite};

/// A database that is open, its tables up to date, the protected ones as described.
pub(super) enum Engine {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Engine {
    pub(super) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        match settings.url.split_once(':') {
            Some(("sqlite", path)) => Ok(Self::Sqlite(Sqlite::open(path, settings).await?)),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Postgres::open(settings).await?)),
            _ => Err(setting("url: write sqlite:PATH or postgres://USER@HOST:PORT/DATABASE")),
        }
    }
}

/// Opens the database, brings its tables up to date, and looks whether the protected ones are as described.
pub async fn open(settings: &Settings) -> Result<Arc<dyn Records>, OpenError> {
    Ok(match Engine::open(settings).await? {
        Engine::Postgres(postgres) => Arc::new(postgres),
        Engine::Sqlite(sqlite) => Arc::new(sqlite),
    })
}

/// Opens it for who tells and handles events alone. PostgreSQL's tables have to be up to date; such a process changes none,
/// looks at no protected one and watches nothing, so its login needs no right to.
pub async fn open_for_events(settings: &Settings) -> Result<Arc<dyn Records>, OpenError> {
    match settings.url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open_for_events(settings).await?)),
        _ => open(settings).await,
    }
}

/// Brings the tables up to date, as their owner, for processes whose logins may not.
pub async fn prepare(settings: &Settings) -> Result<(), OpenError> {
    match settings.url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Postgres::prepare(settings).await,
        _ => open(settings).await.map(drop),
    }
}

/// Gives up what the watch keeps in the database, so that this keeps no log for it; whether there was something.
pub async fn drop_watch(settings: &Settings) -> Result<bool, OpenError> {
    match settings.url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Postgres::drop_watch(settings).await,
        _ => Ok(false),
    }
}

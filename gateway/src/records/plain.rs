//! The same statements without Sillok: what a benchmark compares with.

use super::{OpenError, Result, Settings, Statement, postgres::Postgres, settings::setting, sqlite::Sqlite};

/// A database that runs admitted statements and keeps nothing beside their effect: no claim, no entry, no answer. It
/// uses the connections, the statements (with what they give back) and the durability that [`super::Records`] uses.
pub struct Plain(Engine);

enum Engine {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Plain {
    /// Opens the database and brings its tables up to date.
    pub async fn open(settings: &Settings) -> std::result::Result<Self, OpenError> {
        match settings.url.split_once(':') {
            Some(("sqlite", path)) => Ok(Self(Engine::Sqlite(Sqlite::open(path, settings).await?))),
            Some(("postgres" | "postgresql", _)) => {
                Ok(Self(Engine::Postgres(Postgres::open(settings).await?)))
            }
            _ => Err(setting("url: write sqlite:PATH or postgres://USER@HOST:PORT/DATABASE")),
        }
    }

    /// Runs the statements in order in one transaction, `ahead` of them under way on the connection at once (on SQLite
    /// always one); durable once it answers. Gives how many rows they gave.
    pub async fn execute(&self, statements: Vec<Statement>, ahead: usize) -> Result<u64> {
        match &self.0 {
            Engine::Postgres(postgres) => postgres.execute_alone(&statements, ahead).await,
            Engine::Sqlite(sqlite) => sqlite.execute_alone(statements).await,
        }
    }
}

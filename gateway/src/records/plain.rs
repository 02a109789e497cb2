//! The same statements without Sillok: what a benchmark compares with.

use super::{OpenError, Result, Settings, Statement, engine::Engine};

/// A database that runs admitted statements and keeps nothing beside their effect: no request, no entry, no answer. It
/// uses the connections, the statements (with what they give back) and the durability that [`super::Records`] uses.
pub struct Plain(Engine);

impl Plain {
    /// Opens the database and brings its tables up to date.
    pub async fn open(settings: &Settings) -> std::result::Result<Self, OpenError> {
        match Engine::open(settings).await? {
            Engine::Postgres(postgres) => Ok(Self(Engine::Postgres(postgres.with_autocommit(settings)?))),
            sqlite @ Engine::Sqlite(_) => Ok(Self(sqlite)),
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

    /// Runs the statements in order, each a transaction of its own and durable before the next is sent, as programs do
    /// that send one query after the other. Gives how many rows they gave.
    pub async fn execute_each(&self, statements: Vec<Statement>) -> Result<u64> {
        match &self.0 {
            Engine::Postgres(postgres) => postgres.execute_each(&statements).await,
            Engine::Sqlite(sqlite) => {
                let mut rows = 0;
                for statement in statements {
                    rows += sqlite.execute_alone(vec![statement]).await?;
                }
                Ok(rows)
            }
        }
    }
}

//! A transaction that begins with its first statement and ends with its last: neither costs a round trip.
//!
//! Connections change nothing outside of a transaction that says it writes (`default_transaction_read_only`): so what
//! was sent behind a `BEGIN` that failed has no effect.

use std::ops::Deref;

use deadpool_postgres::Client;

use super::failure::Done;

/// A connection with a transaction that may be open. Dropped before it has ended, it is rolled back behind the caller's
/// back, and only then lent to another.
pub(super) struct Pipelined(Option<Client>);

impl Pipelined {
    pub(super) fn on(client: Client) -> Self {
        Self(Some(client))
    }

    /// To be polled first, together with the first statements.
    pub(super) async fn begin(&self) -> Done<()> {
        Ok(self.batch_execute("BEGIN READ WRITE").await?)
    }

    /// To be polled after the last statement, together with it. Where that fails, this rolls back.
    pub(super) async fn commit(&self) -> Result<(), tokio_postgres::Error> {
        self.batch_execute("COMMIT").await
    }

    /// It has been committed.
    pub(super) fn ended(mut self) {
        self.0 = None;
    }

    /// Undoes what is open; the connection, if it still works.
    pub(super) async fn roll_back(mut self) -> Done<Client> {
        self.batch_execute("ROLLBACK").await?;
        Ok(self.0.take().expect("only what consumes it takes the connection"))
    }
}

impl Deref for Pipelined {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.0.as_ref().expect("only what consumes it takes the connection")
    }
}

impl Drop for Pipelined {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Closed instead.
            drop(Client::take(client));
            return;
        };
        runtime.spawn(async move {
            if client.batch_execute("ROLLBACK").await.is_err() {
                drop(Client::take(client));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::super::connection::{connect, pool};
    use super::*;
    use crate::records::{conformance::engines::database, open};

    const ENTER: &str = "INSERT INTO learner (learner, name) VALUES ('learner-1', 'Kim')";
    const COUNT: &str = "SELECT count(*) FROM learner";

    #[tokio::test]
    async fn nothing_changes_without_a_transaction_that_says_so_nor_in_one_that_was_left() {
        let Some(database) = database().await else { return };
        open(&database.settings()).await.unwrap();
        let pool = pool(&database.settings()).unwrap();
        let count = async |client: &Client| client.query_one(COUNT, &[]).await.unwrap().get::<_, i64>(0);

        let client = connect(&pool).await.unwrap();
        let refused = client.batch_execute(ENTER).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "25006");

        let left = Pipelined::on(client);
        left.begin().await.unwrap();
        left.batch_execute(ENTER).await.unwrap();
        drop(left);
        assert_eq!(count(&connect(&pool).await.unwrap()).await, 0);

        let undone = Pipelined::on(connect(&pool).await.unwrap());
        undone.begin().await.unwrap();
        undone.batch_execute(ENTER).await.unwrap();
        assert_eq!(count(&undone.roll_back().await.unwrap()).await, 0);

        let done = Pipelined::on(connect(&pool).await.unwrap());
        done.begin().await.unwrap();
        done.batch_execute(ENTER).await.unwrap();
        done.commit().await.unwrap();
        done.ended();
        assert_eq!(count(&connect(&pool).await.unwrap()).await, 1);
        pool.close();
        database.drop().await;
    }
}

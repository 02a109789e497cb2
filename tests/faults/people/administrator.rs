//! A database administrator who changes rows past the gateway, now and then.

use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use sillok_contract::id::LearnerId;
use sillok_tests::lesson::YEAR;
use tokio_postgres::{Client, Error, NoTls};

use super::{Shared, tampers::Tamper};

/// Marks that are entered once and left alone by whoever sends through the gateway.
const ENTERED: &str = "SELECT term, subject, score FROM grades
    WHERE learner = $1 AND subject LIKE 'e% n% q%' ORDER BY subject, term";
const SCORE: &str =
    "SELECT score FROM grades WHERE learner = $1 AND year = $2 AND term = $3 AND subject = $4";
const CHANGE: &str =
    "UPDATE grades SET score = $5 WHERE learner = $1 AND year = $2 AND term = $3 AND subject = $4";
const DELETE: &str = "DELETE FROM grades WHERE learner = $1 AND year = $2 AND term = $3 AND subject = $4";
const INSERT: &str = "INSERT INTO grades (learner, year, term, subject, score) VALUES ($1, $2, $3, $4, $5)";
/// How long the database may be away.
const PAUSE: Duration = Duration::from_millis(200);

/// The administrator.
pub(super) struct Administrator {
    shared: Shared,
    random: StdRng,
    count: u64,
}

impl Administrator {
    pub(super) fn new(shared: &Shared) -> Self {
        Self { shared: shared.clone(), random: shared.random(101), count: 0 }
    }

    pub(super) async fn run(mut self) {
        while !self.shared.is_over() {
            self.shared.pause(&mut self.random).await;
            let learner = self.shared.learners.choose(&mut self.random).expect("there are learners").clone();
            if self.shared.tampers.borrow().has(&learner) {
                continue;
            }
            if let Ok(database) = connect(&self.shared.database).await
                && let Ok(Some(tamper)) = self.plan(&database, &learner).await
            {
                self.change(&database, &learner, tamper).await;
            }
        }
    }

    /// What to change; nothing where the learner has no mark yet.
    async fn plan(&mut self, database: &Client, learner: &LearnerId) -> Result<Option<Tamper>, Error> {
        let rows = database.query(ENTERED, &[&learner.as_str()]).await?;
        let kind = self.random.random_range(0..4);
        if kind == 0 {
            self.count += 1;
            let after = Some(self.random.random_range(0..=100));
            let subject = format!("ghost {}", self.count);
            return Ok(Some(Tamper { term: 1, subject, before: None, after, moving: true }));
        }
        let Some(row) = rows.choose(&mut self.random) else { return Ok(None) };
        let (term, subject, before): (i64, String, Option<i64>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let other = before.map(|score| (score + 37) % 101);
        let after = if kind == 1 { None } else { other };
        Ok(before.map(|_| Tamper { term, subject, before, after, moving: true }))
    }

    /// Changes it. Nobody gives up on a statement that is under way: it might act later. Where the connection is lost,
    /// the row tells what came of it.
    async fn change(&self, database: &Client, learner: &LearnerId, tamper: Tamper) {
        self.shared.tampers.borrow_mut().begin(learner, tamper.clone());
        let changed = match apply(database, learner, &tamper).await {
            Ok(rows) => rows == 1,
            Err(_) => self.is_changed(learner, &tamper).await,
        };
        if changed {
            self.shared.told.lock().await.past.push(tamper.past(learner));
            self.shared.tampers.borrow_mut().set_moving(learner, false);
        } else {
            self.shared.tampers.borrow_mut().end(learner, false);
        }
    }

    async fn is_changed(&self, learner: &LearnerId, tamper: &Tamper) -> bool {
        loop {
            if let Ok(database) = connect(&self.shared.database).await
                && let Ok(found) = score(&database, learner, tamper).await
            {
                return found == tamper.after;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn apply(database: &Client, learner: &LearnerId, tamper: &Tamper) -> Result<u64, Error> {
    let (year, learner) = (i64::from(YEAR), learner.as_str());
    let Tamper { term, subject, before, after, .. } = tamper;
    match (before, after) {
        (None, _) => database.execute(INSERT, &[&learner, &year, term, subject, after]).await,
        (_, None) => database.execute(DELETE, &[&learner, &year, term, subject]).await,
        _ => database.execute(CHANGE, &[&learner, &year, term, subject, after]).await,
    }
}

/// What a mark says now; none where there is no such row.
pub(super) async fn score(
    database: &Client,
    learner: &LearnerId,
    tamper: &Tamper,
) -> Result<Option<i64>, Error> {
    let keys: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&learner.as_str(), &i64::from(YEAR), &tamper.term, &tamper.subject];
    let row = database.query_opt(SCORE, keys).await?;
    row.map_or(Ok(None), |row| row.try_get(0))
}

/// Past the gateway, and past what stands before the database.
pub(super) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

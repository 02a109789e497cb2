//! What is to be adopted, signed and sent: many learners' tables under one signature.

use std::{collections::HashMap, time::Duration};

use sillok_contract::{certificate::Certificate, id::SchoolId, purpose::Purpose};
use tokio::time::{Instant, sleep};

use super::{Summary, plan::Left, plan::Take};
use crate::{
    cli::{Exit, Failure},
    client::{Client, ClientError},
    clock,
    keys::{KeyError, PrivateKey, RequestSigner, SignedQueries},
};

/// The most rows under one signature.
const MOST_ROWS: u64 = 2_000;
/// The first pause before something is sent again; each is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// An officer who adopts rows through a gateway.
pub(super) struct Adopter {
    pub(super) client: Client,
    pub(super) audience: String,
    pub(super) certificate: Certificate,
    pub(super) key: PrivateKey,
    /// The most queries under one signature.
    pub(super) queries: usize,
    /// How long a gateway may be away or busy.
    pub(super) patience: Duration,
    /// What is gathered for the next request, by school: under one signature everybody is of one.
    waiting: HashMap<SchoolId, Vec<Take>>,
}

impl Adopter {
    pub(super) fn new(
        client: Client,
        audience: String,
        (certificate, key): (Certificate, PrivateKey),
        queries: usize,
        patience: Duration,
    ) -> Self {
        Self { client, audience, certificate, key, queries, patience, waiting: HashMap::new() }
    }

    /// Takes on a learner's table; sends what is gathered where it would be too much with it.
    pub(super) async fn take(
        &mut self,
        school: &SchoolId,
        take: Take,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        let waiting = self.waiting.entry(school.clone()).or_default();
        let queries = waiting.iter().map(|take| take.queries.len()).sum::<usize>() + take.queries.len();
        let rows = waiting.iter().map(|take| take.rows).sum::<u64>() + take.rows;
        let due = if !waiting.is_empty() && (queries > self.queries || rows > MOST_ROWS) {
            std::mem::take(waiting)
        } else {
            Vec::new()
        };
        waiting.push(take);
        self.send(school, due, summary).await
    }

    /// Sends what is left.
    pub(super) async fn finish(&mut self, summary: &mut Summary) -> Result<(), Failure> {
        for (school, takes) in std::mem::take(&mut self.waiting) {
            self.send(&school, takes, summary).await?;
        }
        Ok(())
    }

    /// Adopts all of it. Where the gateway refuses it, half of it at a time: so it is found which one it refuses, and the
    /// others are adopted.
    async fn send(&self, school: &SchoolId, takes: Vec<Take>, summary: &mut Summary) -> Result<(), Failure> {
        let mut halves = vec![takes];
        while let Some(mut takes) = halves.pop() {
            if takes.is_empty() {
                continue;
            }
            match self.answered(|| self.signed(school, &takes)).await? {
                Ok(rows) => summary.adopted(&takes, rows),
                Err(refused) if takes.len() == 1 => {
                    let Take { learner, table, rows, .. } = takes.remove(0);
                    let why = format!("{}: {}", refused.code, refused.detail);
                    summary.refused.push(Left { learner: learner.to_string(), table, rows, why });
                }
                Err(_) => {
                    let rest = takes.split_off(takes.len() / 2);
                    halves.extend([rest, takes]);
                }
            }
        }
        Ok(())
    }

    fn signed(&self, school: &SchoolId, takes: &[Take]) -> Result<SignedQueries, KeyError> {
        let signer = RequestSigner::new(school.clone(), &self.audience, &self.certificate, self.key.clone())?
            .with_purpose(Purpose::Baseline);
        signer.sign(takes.iter().flat_map(|take| take.queries.iter().cloned()), clock::now())
    }

    /// How many rows were adopted, or why the gateway refuses it. The same request is sent until there is an answer: it
    /// is executed once.
    async fn answered(
        &self,
        sign: impl Fn() -> Result<SignedQueries, KeyError>,
    ) -> Result<Result<u64, crate::client::Refused>, Failure> {
        let signed = sign()?;
        let answer = persist(self.patience, async || match self.client.submit(&signed).await {
            Err(ClientError::Refused(refused)) if !refused.retry => Ok(Err(refused)),
            answer => answer.map(Ok),
        });
        Ok(answer.await?.map(|state| state.results.iter().map(|result| result.rows).sum()))
    }
}

/// Asks until there is an answer, for as long as patience lasts.
pub(super) async fn persist<T>(
    patience: Duration,
    ask: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, Failure> {
    let (end, mut pause) = (Instant::now() + patience, FIRST_PAUSE);
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let wait = match &error {
            ClientError::Unreachable(_) => pause,
            ClientError::Refused(refused) if refused.retry => {
                pause.max(Duration::from_secs(refused.retry_after.unwrap_or_default()))
            }
            _ => return Err(error.into()),
        };
        if Instant::now() + wait > end {
            let Failure { detail, code, .. } = Failure::from(error);
            let detail = format!("{detail}; what was adopted stays, run it again to go on");
            return Err(Failure::new(Exit::Unavailable, code, detail));
        }
        sleep(wait).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

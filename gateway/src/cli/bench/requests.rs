//! What callers send to the gateway: requests over REST, signed before.

use std::{ops::Range, sync::Arc, time::Duration};

use super::{
    drive::{Refused, Work},
    town::{Caller, Town},
    workload::Workload,
};
use crate::{
    cli::Failure,
    client::{Client, ClientError},
    keys::Asked,
    service::Digest,
};

/// How long a caller waits who got no answer.
const NO_ANSWER: Duration = Duration::from_secs(1);

/// Requests to a gateway.
pub(super) struct Requests {
    pub(super) town: Arc<Town>,
    pub(super) workload: Arc<Workload>,
    /// How the gateway is called: by each caller as the next of these, and round again.
    pub(super) clients: Vec<Client>,
    /// How many queries each signs for.
    pub(super) queries: u32,
    /// How long those wait who are refused, instead of what the gateway tells them.
    pub(super) impatience: Option<Duration>,
}

/// A signed request, as it goes over the wire.
#[derive(Clone)]
pub(super) struct Signed {
    json: String,
    digest: Digest,
}

impl Work for Requests {
    type Ready = Signed;
    type Done = Digest;

    fn ready(&self, caller: usize) -> Signed {
        let of = self.town.caller(caller);
        let learners = of.learners_from(self.workload.seat(), self.queries);
        sign(of, learners.map(|learner| self.workload.next(learner, caller)))
    }

    async fn perform(&self, caller: usize, signed: Signed) -> Result<Digest, Refused> {
        match self.clients[caller % self.clients.len()].submit_json(signed.json).await {
            Ok(_) => Ok(signed.digest),
            Err(error) => Err(refused(error, self.impatience)),
        }
    }
}

/// What a caller was refused with, and how long they wait: so long, or what the gateway tells them.
pub(super) fn refused(error: ClientError, impatience: Option<Duration>) -> Refused {
    let (code, told, unclear) = match error {
        ClientError::Refused(refused) => {
            let unclear = refused.status >= 500 && refused.status != 503;
            (refused.code, refused.retry_after.map(Duration::from_secs), unclear)
        }
        ClientError::Unreachable(_) => ("gateway.unreachable".to_owned(), Some(NO_ANSWER), true),
        ClientError::Malformed(_) | ClientError::Setting(_) => {
            ("gateway.malformed".to_owned(), Some(NO_ANSWER), true)
        }
    };
    Refused { code, wait: impatience.or(told).unwrap_or_default(), unclear }
}

/// Enters the marks that these callers later correct and read; gives how many queries that took.
pub(super) async fn enter_base(town: &Town, client: &Client, callers: Range<usize>) -> Result<u64, Failure> {
    use backon::{ConstantBuilder, Retryable as _};
    use futures_util::{StreamExt as _, TryStreamExt as _, stream};
    stream::iter(callers)
        .map(|caller| async move {
            let of = town.caller(caller);
            let signed = sign(of, of.learners.iter().map(|learner| Workload::base(learner, caller)));
            // All at once they may be more than the gateway lets wait for the ledger.
            let send = || client.submit_json(signed.json.clone());
            let patience = ConstantBuilder::new().with_delay(Duration::from_secs(1)).with_max_times(60);
            let overloaded =
                |error: &ClientError| matches!(error, ClientError::Refused(refused) if refused.retry);
            send.retry(patience).when(overloaded).await?;
            Ok::<_, Failure>(of.learners.len() as u64)
        })
        .buffer_unordered(8)
        .try_fold(0, |sum, queries| async move { Ok(sum + queries) })
        .await
}

fn sign(caller: &Caller, asked: impl Iterator<Item = Asked>) -> Signed {
    let signed = caller.educator.signs(asked).expect("the system had randomness for the keys");
    Signed { digest: Digest::of(signed.request.as_bytes()), json: signed.to_json() }
}

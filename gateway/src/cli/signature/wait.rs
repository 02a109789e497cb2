//! Waiting until a signature comes to rest.

use std::time::Duration;

use sillok_contract::digest::Digest;
use tokio::time::{Instant, sleep};

use crate::{
    cli::{Exit, Failure},
    client::Client,
    service::SignatureStatus,
};

/// How long is waited between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks until the signature is recorded, refused or found not to hold, for as long as patience lasts.
pub(super) async fn until_at_rest(
    client: &Client,
    mut status: SignatureStatus,
    patience: Duration,
) -> Result<SignatureStatus, Failure> {
    let deadline = Instant::now() + patience;
    let digest = Digest::try_from(status.signature.clone())
        .map_err(|why| Failure::failed("answer.malformed", why.to_string()))?;
    while !status.state.is_at_rest() {
        if Instant::now() + PAUSE > deadline {
            let detail = format!(
                "the signature {} was taken in and is not on the ledger after {} s; it will be: ask again later",
                status.signature,
                patience.as_secs()
            );
            return Err(Failure::new(Exit::Unavailable, "signature.pending", detail));
        }
        sleep(PAUSE).await;
        status = client.signature(&digest).await?;
    }
    Ok(status)
}

//! Filling the ledger: the same statements through the same gateway, 1,000 under one signature, so that much is
//! recorded soon and database and ledger grow as they do in use.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::task::JoinSet;

use super::{
    drive::Work as _,
    gateway::Gateway,
    plan::FILL,
    recorded::Recording,
    requests::{Requests, enter_base},
    town::Town,
    workload::Workload,
};
use crate::cli::Failure;

/// Has the marks entered and recorded that so many callers later correct and read; gives how many those were.
pub(super) async fn begin(town: &Arc<Town>, gateway: &Gateway, callers: usize) -> Result<u64, Failure> {
    let recording = Recording::begin(town, &gateway.client);
    let executed = enter_base(town, &gateway.client, 0..callers).await?;
    recording.reach(executed).await?;
    recording.end().await;
    Ok(executed)
}

/// Has so many more entries recorded; gives how many were.
pub(super) async fn fill(
    town: &Arc<Town>,
    workload: &Arc<Workload>,
    gateway: &Gateway,
    entries: u64,
    told: impl Fn(u64),
) -> Result<u64, Failure> {
    let recording = Recording::begin(town, &gateway.client);
    let requests = Arc::new(Requests {
        town: town.clone(),
        workload: workload.clone(),
        clients: vec![gateway.client.clone()],
        queries: FILL,
        impatience: None,
    });
    let wanted = entries.div_ceil(FILL.into());
    let left = Arc::new(AtomicU64::new(wanted));
    let mut senders = JoinSet::new();
    // One a school: the next request is executed while the one before is recorded.
    for caller in 0..town.schools.len() {
        let (requests, left) = (requests.clone(), left.clone());
        senders.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                send(&requests, caller).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(|error| Failure::failed("bench.caller", error.to_string()))??;
        told(recording.total());
    }
    let executed = wanted * u64::from(FILL);
    recording.reach(executed).await?;
    recording.end().await;
    Ok(executed)
}

/// Sends one request, and others while the gateway has too much to record.
async fn send(requests: &Requests, caller: usize) -> Result<(), Failure> {
    loop {
        match requests.perform(caller, requests.ready(caller)).await {
            Ok(_) => return Ok(()),
            Err(refused) if !refused.unclear && !refused.wait.is_zero() => {
                tokio::time::sleep(refused.wait).await;
            }
            Err(refused) => {
                return Err(Failure::failed(
                    "bench.filling",
                    format!("the gateway refused: {}", refused.code),
                ));
            }
        }
    }
}

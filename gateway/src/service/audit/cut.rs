//! Requests whose entries are not all there: the outbox has lost some before the ledger had them.
//!
//! A request and its entries are stored in one transaction, and entries are never deleted. So the requests are read first,
//! and each must then find as many entries as it signs for: reads too, which leave no row that would tell.

use std::{collections::HashMap, time::Duration};

use sillok_contract::request::SignedRequest;

use super::CutRequest;
use crate::{
    problem::Problem,
    records::Records,
    service::{Digest, problems},
};

/// How many are read between two pauses.
const PAGE: u32 = 5_000;

pub(super) async fn find(records: &dyn Records, pause: Duration) -> Result<Vec<CutRequest>, Problem> {
    let (mut asked, mut cut, mut after) = (HashMap::new(), Vec::new(), Vec::new());
    loop {
        let page = records.requests_after(&after, PAGE).await.map_err(problems::of_records)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (digest, jws) in page {
            match SignedRequest::parse(&jws).ok().filter(|request| request.digest[..] == digest) {
                Some(request) => drop(asked.insert(request.digest, request.payload.queries.len() as u64)),
                None => cut.push(CutRequest { request: hex::encode(digest), missing: None }),
            }
        }
        tokio::time::sleep(pause).await;
    }
    let mut after = Vec::new();
    loop {
        let page = records.entries_after(&after, PAGE).await.map_err(problems::of_records)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (_, request) in page {
            if let Some(left) = asked.get_mut(request.as_slice()) {
                *left = left.saturating_sub(1);
            }
        }
        tokio::time::sleep(pause).await;
    }
    let short = asked.into_iter().filter(|(_, left)| *left > 0);
    cut.extend(
        short.map(|(digest, left)| CutRequest { request: Digest(digest).to_string(), missing: Some(left) }),
    );
    cut.sort();
    Ok(cut)
}

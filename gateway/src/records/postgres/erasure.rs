//! Erasing what is kept of entries.

use deadpool_postgres::GenericClient;
use sillok_contract::entry::EntryId;

use super::{
    connection::{change, rows},
    failure::Done,
};
use crate::records::execution::without_rows;

pub(super) async fn erase(c: &impl GenericClient, erased: &[EntryId]) -> Done<u64> {
    let ids: Vec<_> = erased.iter().map(|id| &id.0[..]).collect();
    let answers = "SELECT digest, outcome FROM sillok_requests
        WHERE digest IN (SELECT request FROM sillok_entries WHERE id = ANY($1)) ORDER BY digest FOR UPDATE";
    for row in rows(c, answers, &[&ids]).await? {
        let (digest, outcome): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(outcome) = without_rows(&outcome, erased)? {
            let sql = "UPDATE sillok_requests SET outcome = $2 WHERE digest = $1";
            change(c, sql, &[&digest, &outcome]).await?;
        }
    }
    let sql = "UPDATE sillok_entries SET bytes = ''::bytea WHERE id = ANY($1) AND length(bytes) > 0";
    change(c, sql, &[&ids]).await
}

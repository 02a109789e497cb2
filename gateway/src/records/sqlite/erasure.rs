//! Erasing what is kept of entries.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sillok_contract::entry::EntryId;

use super::connection::away;
use crate::records::{Result, execution::without_rows};

/// In one transaction; then the log beside the file is emptied, unless somebody reads it at this very moment: then it is
/// when the last connection closes.
pub(super) fn erase(connection: &mut Connection, ids: &[EntryId]) -> Result<u64> {
    let erased = erase_all(connection, ids)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(away)?;
    Ok(erased)
}

fn erase_all(connection: &mut Connection, ids: &[EntryId]) -> Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let mut erased = 0;
    for id in ids {
        erase_answer(&transaction, id)?;
        let sql = "UPDATE sillok_entries SET bytes = x'' WHERE id = ?1 AND length(bytes) > 0";
        erased += transaction.execute(sql, [id.0]).map_err(away)? as u64;
    }
    transaction.commit().map_err(away)?;
    Ok(erased)
}

/// The rows in the answer to the request that an entry came with.
fn erase_answer(connection: &Connection, id: &EntryId) -> Result<()> {
    let sql = "SELECT digest, outcome FROM sillok_requests
        WHERE digest = (SELECT request FROM sillok_entries WHERE id = ?1)";
    let stored: Option<(Vec<u8>, Vec<u8>)> =
        connection.query_row(sql, [id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(away)?;
    let Some((digest, outcome)) = stored else { return Ok(()) };
    if let Some(outcome) = without_rows(&outcome, std::slice::from_ref(id))? {
        let sql = "UPDATE sillok_requests SET outcome = ?2 WHERE digest = ?1";
        connection.execute(sql, params![digest, outcome]).map_err(away)?;
    }
    Ok(())
}

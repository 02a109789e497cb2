//! Alerts, stored.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{connection::away, events::tell};
use crate::records::{
    Alert, Finding, NewAlert, Result,
    alert::{json, with_json},
    events::raised_event,
    execution::ALERT,
};

/// The time, microseconds since the Unix epoch.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// Raises those that were not raised before, and gives them.
pub(super) fn raise(connection: &mut Connection, alerts: &[NewAlert]) -> Result<Vec<Alert>> {
    let sql = format!(
        "INSERT INTO sillok_alerts (fingerprint, kind, table_name, key, operation, rows, committed_at, xid, lsn, detail,
            evidence, seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, {NOW}) ON CONFLICT (fingerprint) DO NOTHING RETURNING {ALERT}"
    );
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let mut raised = Vec::new();
    for NewAlert { fingerprint, finding } in alerts {
        let (key, evidence) = json(finding)?;
        let stored = transaction.query_row(
            &sql,
            params![
                fingerprint,
                finding.kind,
                finding.table,
                key,
                finding.operation,
                i64::try_from(finding.rows).unwrap_or(i64::MAX),
                finding.committed_at,
                finding.xid,
                finding.lsn,
                finding.detail,
                evidence,
            ],
            |row| Ok(alert(row)),
        );
        raised.extend(stored.optional().map_err(away)?.transpose()?);
    }
    tell(&transaction, &raised.iter().map(raised_event).collect::<Vec<_>>())?;
    transaction.commit().map_err(away)?;
    Ok(raised)
}

pub(super) fn after(connection: &Connection, after: i64, limit: u32) -> Result<Vec<Alert>> {
    let sql = format!("SELECT {ALERT} FROM sillok_alerts WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql).map_err(away)?;
    let rows = statement.query_map(params![after, limit], |row| Ok(alert(row))).map_err(away)?;
    rows.map(|row| row.map_err(away)?).collect()
}

fn alert(row: &Row<'_>) -> Result<Alert> {
    let read = || {
        let finding = Finding {
            kind: row.get(2)?,
            table: row.get(3)?,
            key: None,
            operation: row.get(5)?,
            rows: row.get(6)?,
            committed_at: row.get(7)?,
            xid: row.get(8)?,
            lsn: row.get(9)?,
            detail: row.get(10)?,
            evidence: None,
        };
        Ok((row.get(0)?, row.get(1)?, finding, row.get(4)?, row.get(11)?))
    };
    let (id, seen_at, finding, key, evidence) = read().map_err(away)?;
    Ok(Alert::new(id, seen_at, with_json(finding, key, evidence)?))
}

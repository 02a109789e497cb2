//! Alerts, stored.

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::{Row, types::ToSql};

use super::{
    connection::{row, rows},
    events::tell,
    failure::Done,
};
use crate::records::{
    Alert, Finding, NewAlert,
    alert::{json, with_json},
    events::raised_event,
    execution::ALERT,
};

/// The number of the lock that whoever raises alerts holds.
const RAISE_LOCK: i64 = 0x5111_0c03;
/// The time, microseconds since the Unix epoch, by PostgreSQL's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// Raises those that were not raised before, and gives them.
pub(super) async fn raise(transaction: &Transaction<'_>, alerts: &[NewAlert]) -> Done<Vec<Alert>> {
    // One after the other: whoever has read an alert has read all that have lesser numbers.
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&RAISE_LOCK]).await?;
    let sql = format!(
        "INSERT INTO sillok_alerts (fingerprint, kind, table_name, key, operation, rows, committed_at, xid, lsn, detail,
            evidence, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, {NOW}) ON CONFLICT (fingerprint) DO NOTHING RETURNING {ALERT}"
    );
    let mut raised = Vec::new();
    for NewAlert { fingerprint, finding } in alerts {
        let (key, evidence) = json(finding)?;
        let (rows, xid) = (i64::try_from(finding.rows).unwrap_or(i64::MAX), finding.xid.map(i64::from));
        let values: [&(dyn ToSql + Sync); 11] = [
            fingerprint,
            &finding.kind,
            &finding.table,
            &key,
            &finding.operation,
            &rows,
            &finding.committed_at,
            &xid,
            &finding.lsn,
            &finding.detail,
            &evidence,
        ];
        raised.extend(row(transaction, &sql, &values).await?.as_ref().map(alert).transpose()?);
    }
    let told: Vec<_> = raised.iter().map(raised_event).collect();
    tell(transaction, told.iter()).await?;
    Ok(raised)
}

pub(super) async fn after(c: &impl GenericClient, after: i64, limit: u32) -> Done<Vec<Alert>> {
    let sql = format!("SELECT {ALERT} FROM sillok_alerts WHERE id > $1 ORDER BY id LIMIT $2");
    rows(c, &sql, &[&after, &i64::from(limit)]).await?.iter().map(alert).collect()
}

fn alert(row: &Row) -> Done<Alert> {
    let finding = Finding {
        kind: row.try_get(2)?,
        table: row.try_get(3)?,
        key: None,
        operation: row.try_get(5)?,
        rows: row.try_get::<_, i64>(6)?.unsigned_abs(),
        committed_at: row.try_get(7)?,
        xid: row.try_get::<_, Option<i64>>(8)?.and_then(|xid| xid.try_into().ok()),
        lsn: row.try_get(9)?,
        detail: row.try_get(10)?,
        evidence: None,
    };
    Ok(Alert::new(row.try_get(0)?, row.try_get(1)?, with_json(finding, row.try_get(4)?, row.try_get(11)?)?))
}

//! The order of events is that of PostgreSQL's transactions. A server that the database was restored on, from a dump, counts
//! its own from the beginning: what comes then would be before what was.

use deadpool_postgres::Pool;

use crate::records::postgres::{
    connection::{connect, writing},
    failure::Done,
};

/// Moves what was written on another server before all that this one can write, in its order. The numbers of this server
/// are greater than 0, and a number of its own is never ahead of its count.
pub(in crate::records::postgres) async fn renew(pool: &Pool) -> Done<()> {
    let mut client = connect(pool).await?;
    let transaction = writing(&mut client).await?;
    // Nobody writes events meanwhile, and nobody reads them.
    let lock = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
                LOCK TABLE sillok_events, sillok_cursors IN ACCESS EXCLUSIVE MODE";
    let ahead = "SELECT greatest(
            (SELECT max(xid) FROM sillok_events), (SELECT max(xid) FROM sillok_cursors)
        ) AS last, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next";
    let is_ahead = async || {
        let row = transaction.query_one(ahead, &[]).await?;
        let (last, next): (Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok::<_, tokio_postgres::Error>(last.filter(|last| *last >= next))
    };
    if is_ahead().await?.is_none() {
        return Ok(());
    }
    transaction.batch_execute(lock).await?;
    let Some(last) = is_ahead().await? else { return Ok(()) };
    tracing::warn!(
        "the database comes from another server; the events of that one are put before this one's"
    );
    for table in ["sillok_events", "sillok_cursors"] {
        let sql = format!("UPDATE {table} SET xid = xid - $1 - 1 WHERE xid > 0");
        transaction.execute(&sql, &[&last]).await?;
    }
    Ok(transaction.commit().await?)
}

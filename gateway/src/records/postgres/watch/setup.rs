//! What the watch rests on in PostgreSQL: a publication of the watched tables, and a replication slot.

use std::collections::BTreeSet;

use deadpool_postgres::{Client, GenericClient, Transaction};
use tokio_postgres::types::PgLsn;

use super::catalog::OWN;
use crate::records::{
    RecordsError,
    postgres::{
        connection::{change, row, rows, writing},
        failure::{Done, Failure},
    },
    schema::Schema,
};

/// The publication, in the gateway's database.
pub(super) const PUBLICATION: &str = "sillok_watch";
/// The number of the lock that whoever makes them holds.
const SETUP_LOCK: i64 = 0x5111_0c01;

/// The slot's name: slots are the server's, so it holds the database's number.
pub(super) async fn slot_name(client: &impl GenericClient) -> Done<String> {
    let sql = "SELECT 'sillok_watch_' || oid FROM pg_database WHERE datname = current_database()";
    let found = row(client, sql, &[]).await?.ok_or_else(|| lost("the database has no number"))?;
    Ok(found.try_get(0)?)
}

/// Why the watch cannot be kept here, if it cannot: what to do about it.
pub(super) async fn hindrance(client: &impl GenericClient, schema: &Schema) -> Done<Option<String>> {
    let sql = "SELECT current_setting('wal_level'), rolreplication OR rolsuper, current_user::text,
                current_setting('server_version_num')::integer >= 140000
               FROM pg_roles WHERE rolname = current_user";
    let found = row(client, sql, &[]).await?.ok_or_else(|| lost("the role is not to be found"))?;
    let level: String = found.try_get(0)?;
    match lacking(found.try_get(3)?, &level, found.try_get(1)?, found.try_get(2)?) {
        None => untold(client, schema).await,
        lacking => Ok(lacking),
    }
}

/// What the server lacks, or the role.
fn lacking(is_new: bool, level: &str, replicates: bool, role: &str) -> Option<String> {
    if !is_new {
        return Some(
            "PostgreSQL is older than 14, the first that tells values in their binary form".to_owned(),
        );
    }
    if level != "logical" {
        return Some(format!(
            "PostgreSQL's wal_level is {level}: set wal_level = logical in postgresql.conf and restart it"
        ));
    }
    (!replicates).then(|| format!("the role may not replicate: ALTER ROLE \"{role}\" REPLICATION"))
}

/// A table whose changed rows PostgreSQL would not name: it would even refuse to change them, once published.
async fn untold(client: &impl GenericClient, schema: &Schema) -> Done<Option<String>> {
    let sql = "SELECT attname::text FROM pg_class c
               JOIN pg_index i ON i.indrelid = c.oid
                AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
               WHERE c.oid = to_regclass(quote_ident($1))
               UNION ALL SELECT attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE c.oid = to_regclass(quote_ident($1)) AND c.relreplident = 'f'";
    for (name, table) in &schema.tables {
        let mut told = BTreeSet::new();
        for row in rows(client, sql, &[name]).await? {
            told.insert(row.try_get::<_, String>(0)?);
        }
        if !table.key.iter().all(|column| told.contains(column)) {
            return Ok(Some(format!(
                "the log does not tell which row of {name} changed: give it a primary key that holds {}, or another \
                 REPLICA IDENTITY",
                table.key.join(", ")
            )));
        }
    }
    Ok(None)
}

/// Where the watch goes on, and what was missed before.
pub(super) struct Ready {
    pub(super) slot: String,
    pub(super) position: PgLsn,
    /// What is wrong with what was there: an alert's kind, and a sentence.
    pub(super) wrong: Vec<(&'static str, String)>,
}

/// Says what was changed about the publication.
pub(super) const UNPUBLISHED: &str = "what PostgreSQL tells of the watched tables was changed, and is put back: audit what was written meanwhile";

/// Makes what is missing of publication and slot.
pub(super) async fn make(client: &mut Client, schema: &Schema) -> Done<Ready> {
    let slot = slot_name(client).await?;
    let published = make_publication(client, schema).await?;

    // A slot is made in a transaction that has written nothing before.
    let transaction = writing(client).await?;
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&SETUP_LOCK]).await?;
    let (mut ready, stored) = take_up(&transaction, slot).await?;
    if stored != Some(ready.position) {
        let sql = "INSERT INTO sillok_watch (slot, position) VALUES ($1, $2)
                   ON CONFLICT (slot) DO UPDATE SET position = excluded.position";
        change(&transaction, sql, &[&ready.slot, &ready.position]).await?;
    }
    transaction.commit().await?;
    if published && stored.is_some() {
        ready.wrong.push(("watch.altered", UNPUBLISHED.to_owned()));
    }
    Ok(ready)
}

/// Makes what is missing of the publication; whether something was.
pub(super) async fn make_publication(client: &mut Client, schema: &Schema) -> Done<bool> {
    let transaction = writing(client).await?;
    // Others that start now wait for this; it waits for whoever writes at the moment, for as long as they take.
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&SETUP_LOCK]).await?;
    let published = publish(&transaction, schema).await?;
    transaction.commit().await?;
    Ok(published)
}

/// The slot's place and what is stored of it, made to agree; and what was stored.
async fn take_up(transaction: &Transaction<'_>, slot: String) -> Done<(Ready, Option<PgLsn>)> {
    // In this order: what is stored is never behind what was confirmed before it was read.
    let sql = "SELECT confirmed_flush_lsn, wal_status = 'lost' FROM pg_replication_slots
               WHERE slot_name = $1 AND plugin = 'pgoutput' AND database = current_database()";
    let found = row(transaction, sql, &[&slot]).await?;
    let stored = row(transaction, "SELECT position FROM sillok_watch WHERE slot = $1", &[&slot]).await?;
    let stored: Option<PgLsn> = stored.map(|row| row.try_get(0)).transpose()?;
    let now: PgLsn = transaction.query_one("SELECT pg_current_wal_lsn()", &[]).await?.try_get(0)?;
    let there = found.as_ref().map(|found| Ok::<_, Failure>((found.try_get(0)?, found.try_get(1)?)));
    let (position, gap) = match (there.transpose()?, stored) {
        (Some((confirmed, Some(false))), Some(stored)) if stored < confirmed => {
            (confirmed, Some(format!("somebody moved the replication slot from {stored} to {confirmed}")))
        }
        (Some((confirmed, Some(false))), Some(stored)) if stored > now => {
            (confirmed, Some(format!("the place that was stored, {stored}, is still to come: it is {now}")))
        }
        (Some((_, Some(false))), Some(stored)) => (stored, None),
        (Some((confirmed, Some(false))), None) => (confirmed, None),
        (lost, stored) => {
            if lost.is_some() {
                transaction.execute("SELECT pg_drop_replication_slot($1)", &[&slot]).await?;
            }
            let made = "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')";
            let made: PgLsn = transaction.query_one(made, &[&slot]).await?.try_get(0)?;
            (made, stored.map(|stored| format!("the replication slot was lost between {stored} and {made}")))
        }
    };
    let gap = gap.map(|gap| ("watch.gap", format!("{gap}: audit what was written meanwhile")));
    Ok((Ready { slot, position, wrong: gap.into_iter().collect() }, stored))
}

/// Gives up a slot that cannot be heard any more; a new one is made then.
pub(super) async fn give_up(client: &mut Client, slot: &str) -> Done<()> {
    let transaction = writing(client).await?;
    transaction.execute("SELECT pg_drop_replication_slot($1)", &[&slot]).await?;
    Ok(transaction.commit().await?)
}

/// Makes the publication what it has to be; whether it was not.
pub(super) async fn publish(transaction: &Transaction<'_>, schema: &Schema) -> Done<bool> {
    let wanted: BTreeSet<_> = watched(schema).collect();
    let sql = "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AND NOT pubviaroot, puballtables
               FROM pg_publication WHERE pubname = $1";
    let list: Vec<_> = wanted.iter().map(|name| format!("\"{name}\"")).collect();
    let list = list.join(", ");
    let Some(found) = row(transaction, sql, &[&PUBLICATION]).await? else {
        transaction.batch_execute(&format!("CREATE PUBLICATION {PUBLICATION} FOR TABLE {list}")).await?;
        return Ok(true);
    };
    let (whole, all): (bool, bool) = (found.try_get(0)?, found.try_get(1)?);
    let sql = "SELECT c.relname::text FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
               JOIN pg_class c ON c.oid = r.prrelid WHERE p.pubname = $1
               AND to_jsonb(r) ->> 'prqual' IS NULL AND to_jsonb(r) ->> 'prattrs' IS NULL";
    let mut told = BTreeSet::new();
    for row in rows(transaction, sql, &[&PUBLICATION]).await? {
        told.insert(row.try_get::<_, String>(0)?);
    }
    if !whole {
        let set = "SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)";
        transaction.batch_execute(&format!("ALTER PUBLICATION {PUBLICATION} {set}")).await?;
    }
    let missing = !all && !wanted.iter().all(|name| told.contains(*name));
    if missing {
        transaction.batch_execute(&format!("ALTER PUBLICATION {PUBLICATION} SET TABLE {list}")).await?;
    }
    Ok(missing || !whole)
}

/// The tables that are watched.
fn watched(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.tables.keys().map(String::as_str).chain(OWN.map(|(name, _)| name))
}

/// Bytes of the log that PostgreSQL keeps for the slot, and whether somebody hears it. None where there is no slot.
pub(super) async fn kept(client: &impl GenericClient, slot: &str) -> Done<Option<(u64, bool)>> {
    let sql =
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, active FROM pg_replication_slots
               WHERE slot_name = $1";
    let Some(row) = row(client, sql, &[&slot]).await? else { return Ok(None) };
    let bytes: Option<i64> = row.try_get(0)?;
    Ok(Some((bytes.unwrap_or_default().try_into().unwrap_or_default(), row.try_get(1)?)))
}

/// Gives up slot, publication and position. Refused while a gateway hears the slot.
pub(super) async fn unmake(client: &mut Client) -> Done<bool> {
    let slot = slot_name(client).await?;
    let there = kept(client, &slot).await?;
    if there.is_some_and(|(_, active)| active) {
        return Err(lost(
            "a gateway watches at the moment: stop it, or set records.watch.mode = \"off\" for it, first",
        ));
    }
    let transaction = writing(client).await?;
    if there.is_some() {
        transaction.execute("SELECT pg_drop_replication_slot($1)", &[&slot]).await?;
    }
    transaction.batch_execute(&format!("DROP PUBLICATION IF EXISTS {PUBLICATION}")).await?;
    change(&transaction, "DELETE FROM sillok_watch WHERE slot = $1", &[&slot]).await?;
    transaction.commit().await?;
    Ok(there.is_some())
}

fn lost(reason: &str) -> Failure {
    RecordsError::Unavailable(reason.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::lacking;

    #[test]
    fn what_is_lacking_is_told_with_what_to_do() {
        assert_eq!(lacking(true, "logical", true, "sillok"), None);
        for (told, remedy) in [
            (
                lacking(true, "replica", true, "sillok"),
                "set wal_level = logical in postgresql.conf and restart",
            ),
            // The server first: without it the role's right is of no use.
            (lacking(true, "minimal", false, "sillok"), "wal_level is minimal: set wal_level = logical"),
            (lacking(true, "logical", false, "sillok"), "ALTER ROLE \"sillok\" REPLICATION"),
            (lacking(false, "logical", true, "sillok"), "older than 14"),
        ] {
            assert!(told.as_ref().is_some_and(|told| told.contains(remedy)), "{told:?}");
        }
    }
}

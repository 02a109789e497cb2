//! What is kept of signatures.

use rusqlite::{Connection, Row, params};
use sillok_contract::id::DocumentId;

use crate::{
    events::{SignatureChange, SignatureMove},
    records::{
        Result, SignatureList, SignatureState, StoredSignature,
        execution::{corrupt, identifier},
        signature::{SIGNATURE, read_refusal, written},
        sqlite::connection::away,
    },
};

pub(super) fn change(connection: &Connection, change: &SignatureChange) -> Result<()> {
    match change {
        SignatureChange::New(signature) => insert(connection, signature),
        SignatureChange::Move(change) => update(connection, change),
    }
}

fn insert(connection: &Connection, signature: &StoredSignature) -> Result<()> {
    let sql = format!(
        "INSERT INTO sillok_signatures ({SIGNATURE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let StoredSignature { id, hash, signer, subject, document, state, created_at, updated_at, .. } =
        signature;
    let (transaction, block) = signature.recorded.clone().unzip();
    let verdict = signature.verdict.as_ref().map(ToString::to_string);
    let values = params![
        id,
        hash,
        signer.as_str(),
        subject,
        document.as_ref().map(DocumentId::as_str),
        state.name(),
        verdict,
        transaction,
        block,
        created_at,
        updated_at,
        written(signature.refusal.as_ref())
    ];
    connection.prepare_cached(&sql).and_then(|mut insert| insert.execute(values)).map(drop).map_err(away)
}

fn update(connection: &Connection, change: &SignatureMove) -> Result<()> {
    let sql = "UPDATE sillok_signatures SET state = ?2, verdict = coalesce(?3, verdict),
                transaction_id = coalesce(?4, transaction_id), block = coalesce(?5, block), updated_at = ?6,
                refusal = coalesce(?7, refusal)
               WHERE id = ?1";
    let (transaction, block) = change.recorded.clone().unzip();
    let verdict = change.verdict.as_ref().map(ToString::to_string);
    let values = params![
        change.id,
        change.to.name(),
        verdict,
        transaction,
        block,
        change.at,
        written(change.refusal.as_ref())
    ];
    connection.prepare_cached(sql).and_then(|mut update| update.execute(values)).map(drop).map_err(away)
}

pub(super) fn one(connection: &Connection, id: &[u8; 32]) -> Result<Option<StoredSignature>> {
    Ok(select(connection, "id = ?1", params![id])?.pop())
}

pub(super) fn list(connection: &Connection, list: &SignatureList) -> Result<Vec<StoredSignature>> {
    let SignatureList { hash, state, after, limit } = list;
    let (at, id) = after.unwrap_or((i64::MIN, [0; 32]));
    // What is not asked for stands in no condition, so that an index serves.
    let mut condition = "(created_at, id) > (?1, ?2)".to_owned();
    condition += if hash.is_some() { " AND hash = ?3" } else { "" };
    condition += if state.is_some() { " AND state = ?4" } else { "" };
    condition += " ORDER BY created_at, id LIMIT ?5";
    select(connection, &condition, params![at, id, hash, state.map(SignatureState::name), limit])
}

fn select(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredSignature>> {
    let sql = format!("SELECT {SIGNATURE} FROM sillok_signatures WHERE {condition}");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query(values).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        found.push(signature(row)?);
    }
    Ok(found)
}

fn signature(row: &Row<'_>) -> Result<StoredSignature> {
    let state: String = row.get(5).map_err(away)?;
    let verdict: Option<String> = row.get(6).map_err(away)?;
    let document: Option<String> = row.get(4).map_err(away)?;
    let transaction: Option<String> = row.get(7).map_err(away)?;
    let refusal: Option<String> = row.get(11).map_err(away)?;
    Ok(StoredSignature {
        id: row.get(0).map_err(away)?,
        hash: row.get(1).map_err(away)?,
        signer: identifier(row.get(2).map_err(away)?)?,
        subject: row.get(3).map_err(away)?,
        document: document.map(identifier).transpose()?,
        state: state.parse().map_err(|_| corrupt("a signature's state"))?,
        verdict: verdict
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| corrupt("a verdict"))?,
        recorded: transaction.zip(row.get(8).map_err(away)?),
        created_at: row.get(9).map_err(away)?,
        updated_at: row.get(10).map_err(away)?,
        refusal: refusal.as_deref().map(read_refusal).transpose()?,
    })
}

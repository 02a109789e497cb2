//! What is kept of signatures.

use deadpool_postgres::GenericClient;
use sillok_contract::id::DocumentId;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    events::{SignatureChange, SignatureMove},
    records::{
        RecordsError, SignatureList, SignatureState, StoredSignature,
        execution::{corrupt, hash, identifier},
        postgres::{
            connection::{change as changed, rows, stored},
            failure::{Done, Failure},
        },
        signature::{SIGNATURE, read_refusal, written},
    },
};

pub(super) async fn change(c: &impl GenericClient, change: &SignatureChange) -> Done<()> {
    match change {
        SignatureChange::New(signature) => insert(c, signature).await,
        SignatureChange::Move(change) => update(c, change).await,
    }
}

async fn insert(c: &impl GenericClient, signature: &StoredSignature) -> Done<()> {
    let sql = format!(
        "INSERT INTO sillok_signatures ({SIGNATURE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT DO NOTHING"
    );
    let StoredSignature { id, hash, signer, subject, document, state, created_at, updated_at, .. } =
        signature;
    let (transaction, block) = recorded(signature.recorded.as_ref())?;
    let verdict = signature.verdict.as_ref().map(ToString::to_string);
    let refusal = written(signature.refusal.as_ref());
    let values: [&(dyn ToSql + Sync); 12] = [
        &&id[..],
        &&hash[..],
        &signer.as_str(),
        subject,
        &document.as_ref().map(DocumentId::as_str),
        &state.name(),
        &verdict,
        &transaction,
        &block,
        created_at,
        updated_at,
        &refusal,
    ];
    match changed(c, &sql, &values).await? {
        // Another wrote it after it was looked for: looked for again, it is there.
        0 => Err(Failure { again: true, error: RecordsError::Unavailable("another was quicker".to_owned()) }),
        _ => Ok(()),
    }
}

async fn update(c: &impl GenericClient, change: &SignatureMove) -> Done<()> {
    let sql = "UPDATE sillok_signatures SET state = $2, verdict = coalesce($3, verdict),
                transaction_id = coalesce($4, transaction_id), block = coalesce($5, block), updated_at = $6,
                refusal = coalesce($7, refusal)
               WHERE id = $1";
    let (transaction, block) = recorded(change.recorded.as_ref())?;
    let verdict = change.verdict.as_ref().map(ToString::to_string);
    let refusal = written(change.refusal.as_ref());
    let values: [&(dyn ToSql + Sync); 7] =
        [&&change.id[..], &change.to.name(), &verdict, &transaction, &block, &change.at, &refusal];
    changed(c, sql, &values).await?;
    Ok(())
}

fn recorded(recorded: Option<&(String, u64)>) -> Done<(Option<&str>, Option<i64>)> {
    Ok(match recorded {
        Some((transaction, block)) => (Some(transaction), Some(stored(*block)?)),
        None => (None, None),
    })
}

pub(super) async fn one(c: &impl GenericClient, id: &[u8; 32]) -> Done<Option<StoredSignature>> {
    Ok(select(c, "id = $1", &[&&id[..]]).await?.pop())
}

pub(super) async fn list(c: &impl GenericClient, list: &SignatureList) -> Done<Vec<StoredSignature>> {
    let (at, id) = list.after.unwrap_or((i64::MIN, [0; 32]));
    let (id, limit) = (&id[..], i64::from(list.limit));
    let hash = list.hash.as_ref().map(|hash| &hash[..]);
    let state = list.state.map(SignatureState::name);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&at, &id, &limit];
    // What is not asked for stands in no condition, so that an index serves.
    let mut condition = "(created_at, id) > ($1, $2)".to_owned();
    if let Some(hash) = &hash {
        values.push(hash);
        condition += &format!(" AND hash = ${}", values.len());
    }
    if let Some(state) = &state {
        values.push(state);
        condition += &format!(" AND state = ${}", values.len());
    }
    select(c, &format!("{condition} ORDER BY created_at, id LIMIT $3"), &values).await
}

async fn select(
    c: &impl GenericClient,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Vec<StoredSignature>> {
    let sql = format!("SELECT {SIGNATURE} FROM sillok_signatures WHERE {condition}");
    rows(c, &sql, values).await?.iter().map(signature).collect()
}

fn signature(row: &Row) -> Done<StoredSignature> {
    let verdict: Option<&str> = row.try_get(6)?;
    let (transaction, block): (Option<String>, Option<i64>) = (row.try_get(7)?, row.try_get(8)?);
    Ok(StoredSignature {
        id: hash(row.try_get(0)?)?,
        hash: hash(row.try_get(1)?)?,
        signer: identifier(row.try_get(2)?)?,
        subject: row.try_get(3)?,
        document: row.try_get::<_, Option<String>>(4)?.map(identifier).transpose()?,
        state: row.try_get::<_, &str>(5)?.parse().map_err(|_| corrupt("a signature's state"))?,
        verdict: verdict.map(serde_json::from_str).transpose().map_err(|_| corrupt("a verdict"))?,
        recorded: transaction.zip(block.map(i64::unsigned_abs)),
        created_at: row.try_get(9)?,
        updated_at: row.try_get(10)?,
        refusal: row.try_get::<_, Option<&str>>(11)?.map(read_refusal).transpose()?,
    })
}

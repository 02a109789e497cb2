//! Effects, each whole or not at all.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::signatures;
use crate::{
    events::{Effect, Handled, NewEvent},
    records::{
        Result, SignatureState,
        events::{decide, marks, stored_data, touched},
        execution::corrupt,
        sqlite::connection::away,
    },
};

pub(super) fn commit(connection: &mut Connection, effects: &[Effect]) -> Result<Vec<bool>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    let done = decide(effects, fresh(&transaction, effects)?, states(&transaction, effects)?);
    for (effect, _) in effects.iter().zip(&done).filter(|(_, done)| **done) {
        for change in &effect.signatures {
            signatures::change(&transaction, change)?;
        }
        tell(&transaction, &effect.events)?;
    }
    transaction.commit().map_err(away)?;
    Ok(done)
}

/// Marks the effects' events as handled; those that were not.
fn fresh(connection: &Connection, effects: &[Effect]) -> Result<HashSet<Handled>> {
    let mut mark = connection
        .prepare_cached(
            "INSERT INTO sillok_inbox (group_name, event, handled_at)
             VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) ON CONFLICT DO NOTHING",
        )
        .map_err(away)?;
    let mut fresh = HashSet::new();
    for handled in marks(effects) {
        if mark.execute(params![handled.group.as_str(), handled.event]).map_err(away)? == 1 {
            fresh.insert(handled.clone());
        }
    }
    Ok(fresh)
}

/// Where the signatures stand that these effects change.
fn states(connection: &Connection, effects: &[Effect]) -> Result<HashMap<[u8; 32], SignatureState>> {
    let mut select =
        connection.prepare_cached("SELECT state FROM sillok_signatures WHERE id = ?1").map_err(away)?;
    let mut states = HashMap::new();
    for id in touched(effects) {
        let state: Option<String> = select.query_row([id], |row| row.get(0)).optional().map_err(away)?;
        if let Some(state) = state {
            states.insert(*id, state.parse().map_err(|_| corrupt("a signature's state"))?);
        }
    }
    Ok(states)
}

/// Tells events, in order; what was told before is not told again.
pub(in crate::records::sqlite) fn tell(connection: &Connection, events: &[NewEvent]) -> Result<()> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO sillok_events (id, topic, partition, subject, time, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
        )
        .map_err(away)?;
    for event in events {
        let NewEvent { id, topic, subject, time, .. } = event;
        insert
            .execute(params![id, topic.name(), event.partition(), subject, time, stored_data(event)?])
            .map_err(away)?;
    }
    Ok(())
}

//! The whole ledger, checked against itself: the chain, every signature, and the state that follows from the blocks.

use sillok_contract::digest::sha256;
use std::collections::BTreeMap;

use redb::ReadableTable as _;
use sillok_proto::embedded as wire;

use super::{
    DamagedError,
    block::{Broken, Head, follow},
    envelope::check_transaction,
    identities::Identities,
    store::{BLOCKS, PRIVATE, PRIVATE_HASHES, STATE, Store, TRANSACTIONS, Version},
};

/// How many blocks are checked when a ledger is opened.
const RECENT: u64 = 100;

/// Checks the last blocks' chain; gives the head.
pub(super) fn recent(store: &Store) -> Result<Option<Head>, DamagedError> {
    let Some((last, _)) = store.last_block()? else { return Ok(None) };
    let first = last.saturating_sub(RECENT);
    let mut head: Option<Head> = None;
    for number in first..=last {
        let bytes = store.block(number)?.ok_or(Broken::Missing(number))?;
        follow(number, &bytes, head.map(|head| head.hash))?;
        head = Some(Head::of(number, &bytes));
    }
    Ok(head)
}

/// What the blocks say the state is.
#[derive(Default)]
struct Replayed {
    transactions: BTreeMap<String, (u64, u32, i32)>,
    state: BTreeMap<String, (Version, Vec<u8>)>,
    private_hashes: BTreeMap<(String, Vec<u8>), (Version, Vec<u8>)>,
}

/// Checks everything; gives the number of the last block.
pub(super) fn whole(store: &Store, identities: &Identities) -> Result<u64, DamagedError> {
    let snapshot = store.snapshot()?;
    let mut replayed = Replayed::default();
    let mut previous = [0; 32];
    let mut next = 0;
    for row in snapshot.open_table(BLOCKS)?.iter()? {
        let (number, bytes) = row?;
        if number.value() != next {
            return Err(Broken::Missing(next).into());
        }
        let block = follow(next, bytes.value(), Some(previous))?;
        if next == 0 && block.roots != identities.root_certificates() {
            return Err(DamagedError::Identities);
        }
        for (position, committed) in (0..).zip(&block.transactions) {
            replayed.replay(identities, (next, position), committed)?;
        }
        previous = sha256(&[bytes.value()]);
        next += 1;
    }
    replayed.compare(&snapshot)?;
    next.checked_sub(1).ok_or_else(|| Broken::Missing(0).into())
}

impl Replayed {
    fn replay(
        &mut self,
        identities: &Identities,
        version: Version,
        committed: &wire::Committed,
    ) -> Result<(), DamagedError> {
        let unsound = |why: String| DamagedError::Transaction { block: version.0, position: version.1, why };
        let (id, effect, endorsed) =
            check_transaction(identities, &committed.transaction, &committed.signature)
                .map_err(|error| unsound(error.to_string()))?;
        let status = committed.status();
        if (status == wire::Status::EndorsementPolicyFailure) == endorsed {
            return Err(unsound("its status is not what its endorsements say".to_owned()));
        }
        if self.transactions.insert(id, (version.0, version.1, status.into())).is_some() {
            return Err(unsound("its id is used twice".to_owned()));
        }
        if status == wire::Status::Valid {
            self.write(effect, version);
        }
        Ok(())
    }

    fn write(&mut self, effect: wire::Effect, version: Version) {
        for write in effect.writes {
            match write.deleted {
                true => drop(self.state.remove(&write.key)),
                false => drop(self.state.insert(write.key, (version, write.value))),
            }
        }
        for write in effect.private_writes {
            let key = (write.collection, write.key_hash);
            match write.purged {
                true => drop(self.private_hashes.remove(&key)),
                false => drop(self.private_hashes.insert(key, (version, write.value_hash))),
            }
        }
    }

    fn compare(mut self, snapshot: &redb::ReadTransaction) -> Result<(), DamagedError> {
        for row in snapshot.open_table(TRANSACTIONS)?.iter()? {
            let (id, place) = row?;
            if self.transactions.remove(id.value()) != Some(place.value()) {
                return Err(DamagedError::State(format!("transaction {}", id.value())));
            }
        }
        for row in snapshot.open_table(PRIVATE)?.iter()? {
            let (key, value) = row?;
            let (collection, name) = key.value();
            let hash = self.private_hashes.get(&(collection.to_owned(), sha256(&[name.as_bytes()]).to_vec()));
            if hash.is_none_or(|(_, hash)| *hash != sha256(&[value.value()])) {
                return Err(DamagedError::State(format!("private key {name} of {collection}")));
            }
        }
        self.compare_state(snapshot)
    }

    fn compare_state(mut self, snapshot: &redb::ReadTransaction) -> Result<(), DamagedError> {
        for row in snapshot.open_table(STATE)?.iter()? {
            let (key, value) = row?;
            let (version, value) = value.value();
            if self.state.remove(key.value()) != Some((version, value.to_vec())) {
                return Err(DamagedError::State(format!("key {}", key.value())));
            }
        }
        for row in snapshot.open_table(PRIVATE_HASHES)?.iter()? {
            let (key, value) = row?;
            let (collection, hash) = key.value();
            let (version, value) = value.value();
            if self.private_hashes.remove(&(collection.to_owned(), hash.to_vec()))
                != Some((version, value.to_vec()))
            {
                return Err(DamagedError::State(format!("a private key of {collection}")));
            }
        }
        let missing = self.transactions.keys().chain(self.state.keys()).next().cloned();
        let missing = missing.or(self.private_hashes.keys().next().map(|(collection, _)| collection.clone()));
        missing.map_or(Ok(()), |key| Err(DamagedError::State(key)))
    }
}

//! G5: nothing personal is on the channel.

use std::{collections::BTreeSet, fs, path::Path};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use sillok_contract::function;
use sillok_gateway::ledger::Call;

use super::book::Book;
use crate::{school::School, world::World};

/// What a statement shows.
const STATEMENTS: [&str; 4] = ["INSERT INTO", "SELECT ", "UPDATE grades", "DELETE FROM"];

/// Searches what anyone on the channel can read of a school: its batches' records, and what the offices signed.
pub(super) async fn of_channel(world: &World, school: &School, book: &Book, searched: &mut BTreeSet<String>) {
    let ledger = world.consortium().gateway().unwrap();
    for batch in &book.batches {
        if !searched.insert(batch.transaction.clone()) {
            continue;
        }
        let arguments = [school.id.to_string(), batch.sequence.to_string()];
        let record = ledger.evaluate(Call::new(function::GET_BATCH, arguments)).await.unwrap();
        search(world, &record, "a batch's record");
        let receipt =
            ledger.receipt(&batch.transaction).await.unwrap().expect("the ledger has the transaction");
        search(world, &receipt.payload, "what the offices signed");
    }
}

/// Searches the files in which the ledger keeps its blocks. No gateway of this process may hold them.
pub fn of_files(world: &World) {
    match &world.site.nodes {
        Some(nodes) => {
            let files = nodes.block_files();
            assert!(!files.is_empty(), "the network has block files");
            files
                .iter()
                .for_each(|file| search(world, &fs::read(file).unwrap(), &file.display().to_string()));
        }
        None => of_embedded(world, &world.settings.ledger_file()),
    }
}

/// The blocks of the embedded ledger; beside them its file holds the bodies, which are the offices' own.
fn of_embedded(world: &World, file: &Path) {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
    let database = Database::open(file).unwrap();
    let transaction = database.begin_read().unwrap();
    let mut count = 0;
    for row in transaction.open_table(BLOCKS).unwrap().iter().unwrap() {
        search(world, row.unwrap().1.value(), "a block");
        count += 1;
    }
    assert!(count > 1, "the ledger has blocks");
}

fn search(world: &World, bytes: &[u8], place: &str) {
    let text = String::from_utf8_lossy(bytes);
    let secret = world.secret();
    for needle in STATEMENTS.into_iter().chain([secret.as_str()]) {
        assert!(!text.contains(needle), "G5: {place} shows {needle:?}");
    }
}

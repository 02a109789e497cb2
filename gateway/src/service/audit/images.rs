//! Digests of the last image of each row of a school, and of its rows as they are: what differs is suspect.

use std::collections::{BTreeSet, HashMap};

use sillok_contract::{batch::BatchLeaf, digest::sha256, id::LearnerId};
use sillok_proto::ledger::entry::Result as Outcome;

use super::registered::Pupil;
use crate::{
    drift::images,
    ledger::story::{Chapter, Content},
    records::Row,
};

/// Enough of a SHA-256 that nobody finds two with the same.
type Digest = [u8; 16];

fn digest(parts: &[&[u8]]) -> Digest {
    *sha256(parts).first_chunk().expect("32 bytes are more than 16")
}

/// Of a table and a key; a table's name holds no zero byte.
fn key_of(table: &str, key: &[u8]) -> Digest {
    digest(&[table.as_bytes(), &[0], key])
}

/// A row's last image.
struct Image {
    /// None where it was deleted.
    digest: Option<Digest>,
    pupil: usize,
}

#[derive(Default)]
struct State {
    /// The number of the last entry.
    number: u64,
    /// How many rows should be there, and how many are as they should be.
    live: u64,
    matching: u64,
    suspect: bool,
}

/// What a school's batches say of its pupils' rows.
pub(super) struct Images {
    pupils: HashMap<LearnerId, usize>,
    states: Vec<State>,
    rows: HashMap<Digest, Image>,
}

impl Images {
    /// Of these pupils; those who came from another school are suspects from the beginning.
    pub(super) fn of(pupils: &[Pupil]) -> Self {
        let state = |pupil: &Pupil| State { suspect: pupil.moved, ..State::default() };
        Self {
            pupils: pupils.iter().enumerate().map(|(index, pupil)| (pupil.id.clone(), index)).collect(),
            states: pupils.iter().map(state).collect(),
            rows: HashMap::new(),
        }
    }

    /// The school's next batch.
    pub(super) fn take(&mut self, chapter: &Chapter) {
        for (leaf, content) in chapter.batch.leaves.iter().zip(&chapter.contents) {
            self.take_leaf(leaf, content);
        }
    }

    fn take_leaf(&mut self, leaf: &BatchLeaf, content: &Content) {
        let Some(&pupil) = self.pupils.get(&leaf.learner) else { return };
        let state = &mut self.states[pupil];
        // A gap: an entry that stands elsewhere, or nowhere.
        state.suspect |= leaf.number != state.number + 1;
        state.number = leaf.number;
        let Content::Entry(entry, _) = content else {
            state.suspect = true;
            return;
        };
        let adopts = matches!(entry.result, Outcome::Adopted(_));
        for image in images(&entry.result) {
            let digest = (!image.deleted).then(|| digest(&[&image.image]));
            let (key, image) = (key_of(&image.table, &image.key), Image { digest, pupil });
            // What was adopted counts as a row's first image alone.
            if !adopts || !self.rows.contains_key(&key) {
                self.rows.insert(key, image);
            }
        }
    }

    /// Something about a learner has to be looked at precisely.
    pub(super) fn suspect(&mut self, learner: &LearnerId) {
        if let Some(&pupil) = self.pupils.get(learner) {
            self.states[pupil].suspect = true;
        }
    }

    /// All batches have been taken; now come the rows.
    pub(super) fn count(&mut self) {
        for image in self.rows.values().filter(|image| image.digest.is_some()) {
            self.states[image.pupil].live += 1;
        }
    }

    /// A row of one of the pupils.
    pub(super) fn compare(&mut self, learner: &LearnerId, row: &Row) {
        let Some(&pupil) = self.pupils.get(learner) else { return };
        // Taken out: a second row with the same key has no image.
        let image = self.rows.remove(&key_of(&row.table, &row.key));
        let same =
            image.is_some_and(|image| image.pupil == pupil && image.digest == Some(digest(&[&row.image])));
        let state = &mut self.states[pupil];
        state.matching += u64::from(same);
        state.suspect |= !same;
    }

    /// Who has to be looked at precisely.
    pub(super) fn suspects(&self) -> BTreeSet<LearnerId> {
        let is_suspect = |state: &State| state.suspect || state.live != state.matching;
        let suspects = self.pupils.iter().filter(|(_, pupil)| is_suspect(&self.states[**pupil]));
        suspects.map(|(id, _)| id.clone()).collect()
    }
}

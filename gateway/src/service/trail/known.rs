//! What is known of one learner's trail.

use std::collections::VecDeque;

use sillok_contract::{
    batch::{Entries, Place},
    entry::EntryId,
    id::LearnerId,
};

use crate::ledger::{LedgerError, contract::Contract};

/// How many entries the ledger is asked for at once: few where few are expected.
const FEW: u32 = 8;
const MANY: u32 = 100;

/// The newest entries of a learner, without a gap, down to some number. What is on the ledger never changes, so neither
/// does what is known.
#[derive(Default)]
pub(super) struct Known {
    /// The newest one's number.
    count: u64,
    /// In the order of their numbers; the last one's is `count`.
    entries: VecDeque<EntryId>,
    /// Where the ledger goes on below the first; empty where there is nothing.
    older: String,
}

impl Known {
    /// How many entries the learner has, as far as is known.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many are not known, below those that are.
    fn below(&self) -> u64 {
        self.count - self.entries.len() as u64
    }

    /// Whether a page is known whole, so that nobody need be asked.
    pub(super) fn holds(&self, after: u64, limit: u32) -> bool {
        after >= self.below() && self.count.saturating_sub(after) >= limit.into()
    }

    /// The entries with numbers greater than `after`, at most `limit`, of those that are known.
    pub(super) fn page(&self, after: u64, limit: u32) -> Vec<(u64, EntryId)> {
        let skipped = usize::try_from(after.saturating_sub(self.below())).unwrap_or(usize::MAX);
        let first = self.below() + 1;
        let numbered = (first..).zip(self.entries.iter().copied()).skip(skipped);
        numbered.take(limit as usize).collect()
    }

    /// Reads what came since, and then down to the number after `after`.
    pub(super) async fn read_on(
        &mut self,
        contract: &Contract,
        learner: &LearnerId,
        after: u64,
    ) -> Result<(), LedgerError> {
        match self.entries.is_empty() {
            true => self.begin(contract.entries(learner, MANY, "").await?)?,
            false => self.catch_up(contract, learner).await?,
        }
        while self.below() > after && !self.older.is_empty() {
            let page = contract.entries(learner, MANY, &self.older).await?;
            self.go_below(page)?;
        }
        Ok(())
    }

    fn begin(&mut self, page: Entries) -> Result<(), LedgerError> {
        let Entries { count, items, bookmark, .. } = page;
        let ids = numbered_down(&items, count)?;
        *self = Self { count, entries: ids.into_iter().rev().collect(), older: bookmark };
        Ok(())
    }

    /// Reads from the newest down to those that are known.
    async fn catch_up(&mut self, contract: &Contract, learner: &LearnerId) -> Result<(), LedgerError> {
        let mut page = contract.entries(learner, FEW, "").await?;
        let count = page.count;
        let mut newer = Vec::new();
        loop {
            let before = newer.len() as u64;
            newer.extend(numbered_down(&page.items, count.saturating_sub(before))?);
            if count.saturating_sub(newer.len() as u64) <= self.count {
                break;
            }
            if page.bookmark.is_empty() {
                return Err(broken());
            }
            page = contract.entries(learner, MANY, &page.bookmark).await?;
        }
        // A peer that is behind the one that was asked before tells nothing new.
        newer.truncate(usize::try_from(count.saturating_sub(self.count)).unwrap_or(usize::MAX));
        self.entries.extend(newer.into_iter().rev());
        self.count = self.count.max(count);
        Ok(())
    }

    fn go_below(&mut self, page: Entries) -> Result<(), LedgerError> {
        for id in numbered_down(&page.items, self.below())? {
            self.entries.push_front(id);
        }
        self.older = page.bookmark;
        Ok(())
    }
}

/// The ids of a page, whose numbers must fall by one from `highest`.
fn numbered_down(items: &[Place], highest: u64) -> Result<Vec<EntryId>, LedgerError> {
    let fall = (1..=highest).rev().zip(items).all(|(number, place)| place.number == number);
    match fall && items.len() as u64 <= highest {
        true => Ok(items.iter().map(|place| place.entry).collect()),
        false => Err(broken()),
    }
}

fn broken() -> LedgerError {
    LedgerError::Malformed("a learner's trail has a gap".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::{batch::Position, id::SchoolId};

    use super::*;

    fn place(number: u64) -> Place {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let position = Position { school: SchoolId::new("s").unwrap(), sequence: number, index: 0 };
        Place { entry: EntryId(id), number, position, transaction: String::new() }
    }

    fn page(numbers: impl DoubleEndedIterator<Item = u64>, count: u64) -> Entries {
        let items: Vec<_> = numbers.rev().map(place).collect();
        let lowest = items.last().map_or(0, |place| place.number);
        let bookmark = if lowest > 1 { lowest.to_string() } else { String::new() };
        Entries { learner: LearnerId::new("l").unwrap(), count, items, bookmark }
    }

    fn numbers(known: &Known, after: u64, limit: u32) -> Vec<u64> {
        let page = known.page(after, limit);
        assert!(page.iter().all(|(number, id)| *id == place(*number).entry));
        page.into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn a_page_is_what_is_known_of_it_and_nobody_is_asked_for_a_whole_one() {
        let mut known = Known::default();
        assert!(!known.holds(0, 1) && numbers(&known, 0, 9).is_empty());
        known.begin(page(7..=10, 10)).unwrap();
        assert_eq!(numbers(&known, 6, 2), [7, 8]);
        assert_eq!(numbers(&known, 8, 9), [9, 10]);
        assert!(known.holds(6, 4) && !known.holds(6, 5), "an eleventh may have come");
        assert!(!known.holds(5, 1), "the sixth is not known");
        assert!(!known.holds(10, 1) && numbers(&known, 12, 3).is_empty());
        known.go_below(page(3..=6, 10)).unwrap();
        known.go_below(page(1..=2, 10)).unwrap();
        assert!(known.holds(0, 10) && known.older.is_empty());
        assert_eq!(numbers(&known, 0, 100), (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn a_gap_is_an_error_and_changes_nothing() {
        let mut known = Known::default();
        assert!(known.begin(page([7, 9, 10].into_iter(), 10)).is_err());
        known.begin(page(7..=10, 10)).unwrap();
        assert!(known.go_below(page(3..=5, 10)).is_err());
        assert!(known.go_below(page(6..=7, 10)).is_err());
        assert_eq!(numbers(&known, 0, 100), [7, 8, 9, 10]);
    }
}

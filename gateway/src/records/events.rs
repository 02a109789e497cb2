//! Events in the records database: what tells of a change is written in the transaction that makes it, and is read from
//! there by whoever handles it.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sillok_contract::{entry::Entry, id::SchoolId};
use tokio::sync::watch;

use super::{
    Alert, DeadLetter, Discarded, LetterCount, LettersWanted, NewDeadLetter, RecordsError, Result,
    SignatureList, SignatureState, StoredSignature,
};
use crate::{
    clock,
    events::{Effect, Group, Handled, NewEvent, Topic},
    monitor::{EntriesRecorded, RecordedEntry},
};

/// The most bytes of an event's data.
pub const MAX_DATA: usize = 4 * 1024 * 1024;

/// Signatures and events in the records database.
#[async_trait]
pub trait Events: Send + Sync {
    /// Writes an effect in one transaction: that its event was handled, the changes of signatures, the events that tell of
    /// it. Gives false, and changes nothing, where that was done before: the group has handled the event, a new signature
    /// is there already, or one that is to go on does not stand where it should. The event counts as handled then, too.
    ///
    /// After [`RecordsError::InDoubt`] do the same again.
    async fn commit(&self, effect: &Effect) -> Result<bool> {
        let done = self.commit_all(std::slice::from_ref(effect)).await?;
        Ok(done.first() == Some(&true))
    }
    /// The same for several, in order, in one transaction: for one price.
    async fn commit_all(&self, effects: &[Effect]) -> Result<Vec<bool>>;
    /// Changes whenever this process has written events. Others' are to be looked for.
    fn told(&self) -> watch::Receiver<()>;

    /// What is kept of a signature.
    async fn signature(&self, id: &[u8; 32]) -> Result<Option<StoredSignature>>;
    /// Signatures in the order in which they came in.
    async fn signatures(&self, list: &SignatureList) -> Result<Vec<StoredSignature>>;

    /// Takes part in a group's work for `ttl_ms`: gives the member its share of the ways that are free, and takes from it
    /// what is more than its share, but for those it is busy with: these it is asked to leave. All that it has after this.
    async fn hold(&self, ask: &Ask) -> Result<Vec<Held>>;
    /// A member takes part no more; what it held is free at once.
    async fn leave(&self, group: &Group, member: &str) -> Result<()>;
    /// Events behind these places, at most `most` of each way, each way in order. An event that is given has no event
    /// before it that is still to be committed.
    async fn events(&self, after: &[(Way, Cursor)], most: u32) -> Result<Vec<StoredEvent>>;
    /// All up to these places is done. What is not held any more is passed over.
    async fn advance(&self, group: &Group, done: &[Held]) -> Result<()>;
    /// How far each group is behind.
    async fn behind(&self) -> Result<Vec<Behind>>;
    /// Deletes events from before this time that every group has passed, or this one group if it alone counts; and marks
    /// of what was handled that are twice as old as that against `now`. At most `most` of each.
    async fn prune(&self, before: i64, now: i64, only: Option<&Group>, most: u32) -> Result<u64>;
    /// Forgets how far a group is: it is there no more. Should it come again, it begins anew.
    async fn forget(&self, group: &Group) -> Result<()>;

    /// Puts an event aside that a group cannot handle, and tells of it. The same again adds up its tries.
    async fn bury(&self, letter: &NewDeadLetter) -> Result<()>;
    /// Events that were put aside, in order, without their contents: [`Events::dead_letter`] has them.
    async fn dead_letters(&self, wanted: &LettersWanted) -> Result<Vec<DeadLetter>>;
    /// The dead letter of this number, with its content.
    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>>;
    /// How many dead letters there are, by group and topic.
    async fn count_letters(&self) -> Result<Vec<LetterCount>>;
    /// Has a dead letter handled once more, by its group; whether there is one of this number.
    async fn revive(&self, id: i64) -> Result<bool>;
    /// The group's dead letters that are to be handled once more. They are this caller's for `ttl_ms`.
    async fn revived(&self, group: &Group, ttl_ms: u64, limit: u32) -> Result<Vec<DeadLetter>>;
    /// Takes a dead letter away that was handled, or of which somebody decided that it need not be: that is told of.
    /// Whether there was one.
    async fn discard(&self, id: i64, decided: Option<&Discarded>) -> Result<bool>;
}

/// A part of a topic's events: those whose subjects go this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The topic.
    pub topic: Topic,
    /// Below [`crate::events::PARTITIONS`].
    pub partition: u16,
}

/// A place in the order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// PostgreSQL's transaction that wrote the event; 0 in SQLite. Numbers alone are in the order of writing, and who
    /// wrote first may commit last.
    pub xid: i64,
    /// The event's number.
    pub position: i64,
}

impl Cursor {
    /// Before all events.
    pub const START: Self = Self { xid: i64::MIN, position: 0 };
}

/// A way that a member of a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub way: Way,
    /// Grows with each owner.
    pub token: i64,
    /// All up to here is done.
    pub at: Cursor,
    /// Whether another waits for it.
    pub leaving: bool,
}

/// A member takes part in its group's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The group.
    pub group: Group,
    /// Which of its members.
    pub member: String,
    /// What the group handles.
    pub topics: Vec<Topic>,
    /// What the member cannot give up at the moment.
    pub busy: Vec<Way>,
    /// For how long.
    pub ttl_ms: u64,
}

/// An event with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its way.
    pub way: Way,
    /// Its place there.
    pub at: Cursor,
    /// The event.
    pub event: NewEvent,
}

/// How far a group is behind in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The group.
    pub group: Group,
    /// The topic.
    pub topic: Topic,
    /// How many events it has not handled. It is not counted further than [`MOST_BEHIND`] a way.
    pub events: u64,
    /// When the oldest of them happened.
    pub oldest: Option<i64>,
}

/// How far events are counted.
pub const MOST_BEHIND: u32 = 10_000;

/// What tells of an alert.
pub(super) fn raised_event(alert: &Alert) -> NewEvent {
    let data = serde_json::to_value(alert).unwrap_or_default();
    NewEvent::new(Topic::Alerts, &alert.finding.kind, &alert.id.to_string(), alert.seen_at, data)
}

/// What tells of a batch that came to rest, whose entries these are. One that cannot be read is left out: verification
/// finds it.
pub(super) fn recorded_event(
    school: &SchoolId,
    sequence: u64,
    (transaction, block): (&str, u64),
    entries: &[Vec<u8>],
) -> NewEvent {
    let entries = entries.iter().filter_map(|bytes| Some(RecordedEntry::of(&Entry::parse(bytes).ok()?)));
    let recorded = EntriesRecorded {
        school: school.clone(),
        sequence,
        transaction: transaction.to_owned(),
        block,
        entries: entries.collect(),
    };
    let data = serde_json::to_value(recorded).unwrap_or_default();
    let which = format!("{school}/{sequence}");
    NewEvent::new(Topic::RecordsEntries, school.as_str(), &which, clock::now(), data)
}

/// The marks of these effects, each once, in order.
pub(super) fn marks(effects: &[Effect]) -> Vec<&Handled> {
    let mut marks: Vec<_> = effects.iter().filter_map(|effect| effect.of.as_ref()).collect();
    marks.sort_unstable();
    marks.dedup();
    marks
}

/// The signatures that these effects change, each once, in order.
pub(super) fn touched(effects: &[Effect]) -> Vec<&[u8; 32]> {
    let changes = effects.iter().flat_map(|effect| &effect.signatures);
    let mut touched: Vec<_> = changes.map(|change| change.id()).collect();
    touched.sort_unstable();
    touched.dedup();
    touched
}

/// Which of the effects are to be written: those whose marks are `fresh`, and whose changes fit, one after the other.
pub(super) fn decide(
    effects: &[Effect],
    mut fresh: HashSet<Handled>,
    mut states: HashMap<[u8; 32], SignatureState>,
) -> Vec<bool> {
    let mut is_done = |effect: &Effect| {
        if effect.of.as_ref().is_some_and(|handled| !fresh.remove(handled)) {
            return false;
        }
        let mut after = HashMap::new();
        for change in &effect.signatures {
            let now = after.get(change.id()).or_else(|| states.get(change.id())).copied();
            if !change.fits(now) {
                return false;
            }
            after.insert(*change.id(), change.state());
        }
        states.extend(after);
        true
    };
    effects.iter().map(&mut is_done).collect()
}

/// An event's data as it is stored.
pub(super) fn stored_data(event: &NewEvent) -> Result<String> {
    let data = event.data.to_string();
    if data.len() > MAX_DATA {
        return Err(RecordsError::Corrupt(format!(
            "the event {} has more than {MAX_DATA} bytes of data",
            event.id
        )));
    }
    Ok(data)
}

/// One way as it lies in the database.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) held: Held,
    /// Who has it, if anybody still does.
    pub(super) owner: Option<String>,
}

/// What a member does about its group's ways.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// It goes on holding these.
    pub(super) keep: Vec<Way>,
    /// It takes these, which nobody has.
    pub(super) take: Vec<Way>,
    /// It gives these up, for it has more than its share.
    pub(super) give: Vec<Way>,
    /// It keeps these for as long as it is busy with them.
    pub(super) leave: Vec<Way>,
}

impl Share {
    /// Each of so many members gets as many ways as the others, or one more.
    pub(super) fn of(ask: &Ask, kept: &[Kept], members: usize) -> Self {
        let most = kept.len().div_ceil(members.max(1));
        let way = |kept: &Kept| kept.held.way;
        let mine = kept.iter().filter(|kept| kept.owner.as_deref() == Some(&ask.member)).map(way);
        let mut share = Self { keep: mine.collect(), ..Self::default() };
        // What it is busy with comes first, so that the rest is given up.
        share.keep.sort_by_key(|way| !ask.busy.contains(way));
        for way in share.keep.split_off(most.min(share.keep.len())) {
            if ask.busy.contains(&way) { share.leave.push(way) } else { share.give.push(way) }
        }
        let free = kept.iter().filter(|kept| kept.owner.is_none()).map(way);
        share.take = free.take(most - share.keep.len()).collect();
        share
    }
}

/// A number of `sillok_events` as it is stored, by its topic's name.
pub(super) fn stored_way(topic: &str, partition: i64) -> Result<Way> {
    let topic = topic.parse().map_err(|_| super::execution::corrupt("an event's topic"))?;
    let partition = partition.try_into().map_err(|_| super::execution::corrupt("an event's partition"))?;
    Ok(Way { topic, partition })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn way(partition: u16) -> Way {
        Way { topic: Topic::Alerts, partition }
    }

    fn kept(owners: &[&str]) -> Vec<Kept> {
        let kept = |(partition, owner): (usize, &&str)| Kept {
            held: Held { way: way(partition as u16), token: 1, at: Cursor::START, leaving: false },
            owner: (!owner.is_empty()).then(|| (*owner).to_owned()),
        };
        owners.iter().enumerate().map(kept).collect()
    }

    fn share(owners: &[&str], busy: &[u16], members: usize) -> Share {
        let ask = Ask {
            group: Group::new("g").unwrap(),
            member: "me".to_owned(),
            topics: vec![Topic::Alerts],
            busy: busy.iter().map(|partition| way(*partition)).collect(),
            ttl_ms: 1,
        };
        Share::of(&ask, &kept(owners), members)
    }

    #[test]
    fn a_member_alone_takes_all() {
        assert_eq!(share(&["", "", ""], &[], 1).take, [way(0), way(1), way(2)]);
        assert_eq!(share(&["", "you", ""], &[], 1).take, [way(0), way(2)]);
    }

    #[test]
    fn members_share_evenly_and_what_is_busy_is_left_when_it_is_done() {
        let even = share(&["me", "me", "me", "me"], &[], 2);
        assert_eq!((even.keep, even.give, even.take), (vec![way(0), way(1)], vec![way(2), way(3)], vec![]));
        let busy = share(&["me", "me", "me", "me"], &[3], 2);
        assert_eq!((busy.keep, busy.give), (vec![way(3), way(0)], vec![way(1), way(2)]));
        let all = share(&["me", "me", "me", "me"], &[0, 1, 2, 3], 2);
        assert_eq!((all.keep.len(), all.give.len(), all.leave), (2, 0, vec![way(2), way(3)]));
        assert_eq!(share(&["me", "", "you", "you"], &[], 2).take, [way(1)]);
        assert_eq!(share(&["", "", ""], &[], 2).take.len(), 2);
        assert_eq!(share(&["me", "you"], &[], 5).keep, [way(0)]);
    }
}

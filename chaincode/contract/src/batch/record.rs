//! `RecordBatch`: the one way anything is recorded.

use std::collections::BTreeMap;

use prost::Message;
use sillok_proto::ledger::{BatchHeader, BatchRecord, Leaf, LearnerHead, Position, RequestRecord};

use super::{
    contents::Contents,
    read,
    reply::{Head, Recorded},
    standing::Standing,
};
use crate::{
    Code, Ledger, Refusal, digest::sha256, id::SchoolId, json, key, message, refusal::blame,
    request::SignedRequest, snapshot::Snapshot,
};

/// The event of a recorded batch; its payload is [`Head`].
pub const EVENT: &str = "BatchRecorded";
/// The transient value that holds the body.
pub const TRANSIENT: &str = "body";
/// The longest header, in bytes.
const MAX_HEADER: usize = 1024;

/// A header that says where its batch belongs.
struct Header<'a> {
    bytes: &'a [u8],
    hash: [u8; 32],
    school: SchoolId,
    sequence: u64,
    previous: [u8; 32],
}

/// Checks a batch and records it. A batch that stands on the ledger already, with this very header, is answered with
/// its first transaction and changes nothing.
pub(crate) fn record(ledger: &mut dyn Ledger, header: &[u8]) -> Result<Recorded, Refusal> {
    let header = Header::read(header)?;
    let body = ledger
        .transient(TRANSIENT)
        .ok_or_else(|| Refusal::new(Code::ArgumentMalformed, "the transient value body is missing"))?;
    let contents = Contents::unpack(&header.school, &body)?;
    header.check(&contents)?;
    let snapshot = Snapshot::read(ledger, keys(&header.school, &contents))?;
    let head = read::head(&header.school, &snapshot)?;
    if header.sequence <= head.sequence {
        return header.repeated(ledger);
    }
    header.follows(&head)?;
    Standing::read(&header.school, &contents, &snapshot)?.check(&contents, ledger.timestamp())?;
    let requests = mark_requests(&contents, &snapshot)?;
    let (leaves, trails) = extend_trails(&header, &contents, &snapshot)?;
    header.write(ledger, body, leaves)?;
    write_messages(ledger, requests)?;
    write_messages(ledger, trails)?;
    Ok(header.recorded(ledger.transaction_id().to_owned(), false))
}

fn keys(school: &SchoolId, contents: &Contents) -> Vec<String> {
    let mut keys = Standing::keys(school, contents);
    keys.push(key::head(school));
    keys.extend(contents.entries.iter().map(|entry| key::trail(&entry.learner)));
    keys.extend(contents.requests.iter().map(|request| key::request(&request.replay_key())));
    keys
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let malformed =
            |why: &str| Refusal::new(Code::BatchMalformed, format!("the header is malformed: {why}"));
        if bytes.len() > MAX_HEADER {
            return Err(malformed("it is too long"));
        }
        let message: BatchHeader = message::canonical(bytes).map_err(malformed)?;
        Ok(Self {
            bytes,
            hash: sha256(&[bytes]),
            school: SchoolId::new(message.school)?,
            sequence: message.sequence,
            previous: message.previous.try_into().map_err(|_| malformed("previous has 32 bytes"))?,
        })
    }

    /// Root, count and times must be those of the entries.
    fn check(&self, contents: &Contents) -> Result<(), Refusal> {
        let expected = contents.header(&self.school, self.sequence, self.previous)?;
        match expected.encode_to_vec() == self.bytes {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::BatchHeader,
                format!(
                    "root, count or times are not those of the entries: {} entries from {} to {} with the root {}",
                    expected.count,
                    expected.first_time,
                    expected.last_time,
                    hex::encode(expected.root),
                ),
            )),
        }
    }

    fn follows(&self, head: &Head) -> Result<(), Refusal> {
        if self.sequence != head.sequence + 1 {
            return Err(Refusal::new(
                Code::BatchGap,
                format!("the school's next batch is {}, not {}", head.sequence + 1, self.sequence),
            ));
        }
        if self.previous != head.header_hash {
            return Err(Refusal::new(
                Code::BatchPrevious,
                format!(
                    "previous is not the hash of header {}, {}",
                    head.sequence,
                    hex::encode(head.header_hash)
                ),
            ));
        }
        Ok(())
    }

    fn repeated(&self, ledger: &mut dyn Ledger) -> Result<Recorded, Refusal> {
        let standing = read::record(ledger, &self.school, self.sequence)?;
        match standing.header == self.bytes {
            true => Ok(self.recorded(standing.transaction, true)),
            false => Err(Refusal::new(
                Code::BatchTaken,
                format!("another batch stands under {}, recorded by {}", self.sequence, standing.transaction),
            )),
        }
    }

    fn recorded(&self, transaction: String, repeated: bool) -> Recorded {
        let (school, sequence) = (self.school.clone(), self.sequence);
        Recorded { school, sequence, header_hash: self.hash, transaction, repeated }
    }

    fn write(&self, ledger: &mut dyn Ledger, body: Vec<u8>, leaves: Vec<Leaf>) -> Result<(), Refusal> {
        let head = Head { school: self.school.clone(), sequence: self.sequence, header_hash: self.hash };
        let head = json::canonical(&head);
        let transaction = ledger.transaction_id().to_owned();
        let record = BatchRecord { header: self.bytes.to_vec(), leaves, transaction };
        ledger.put(&key::batch(&self.school, self.sequence), record.encode_to_vec())?;
        ledger.put(&key::head(&self.school), head.clone())?;
        ledger.private_put(key::BODIES, &key::body(&self.school, self.sequence), body)?;
        ledger.set_event(EVENT, head)
    }
}

/// The records of the batch's requests, by their keys, with its queries marked in them. Refuses a query that is marked
/// already, and a `jti` that stands for other content.
fn mark_requests(contents: &Contents, snapshot: &Snapshot) -> Result<Vec<(String, RequestRecord)>, Refusal> {
    let hashes: Vec<_> = contents.requests.iter().map(SignedRequest::content).collect();
    let standing = |(request, content): (&SignedRequest, &[u8; 32])| {
        let key = key::request(&request.replay_key());
        let size = request.payload.queries.len().div_ceil(8);
        let fresh = || RequestRecord { content: content.to_vec(), recorded: vec![0; size] };
        let record = snapshot.message(&key)?.unwrap_or_else(fresh);
        Ok((key, record))
    };
    let mut records =
        contents.requests.iter().zip(&hashes).map(standing).collect::<Result<Vec<_>, Refusal>>()?;
    for (index, (entry, &of)) in contents.entries.iter().zip(&contents.request_of).enumerate() {
        mark(&mut records[of].1, &hashes[of], entry.query_index).map_err(blame(index))?;
    }
    Ok(records)
}

fn mark(record: &mut RequestRecord, content: &[u8; 32], query: u32) -> Result<(), Refusal> {
    if record.content != content {
        return Err(Refusal::new(
            Code::RequestReused,
            "the educator's jti stands on the ledger for another request; give each request its own",
        ));
    }
    let (byte, bit) = (query as usize / 8, 1 << (query % 8));
    let byte = record.recorded.get_mut(byte).ok_or_else(|| {
        Refusal::new(Code::LedgerCorrupt, "the ledger's record of the request is shorter than the request")
    })?;
    if *byte & bit != 0 {
        return Err(Refusal::new(Code::EntryRecorded, "an earlier batch holds this query of the request"));
    }
    *byte |= bit;
    Ok(())
}

/// The leaves, each numbered and linked to its learner's entry before, and each learner's new head.
fn extend_trails(
    header: &Header<'_>,
    contents: &Contents,
    snapshot: &Snapshot,
) -> Result<(Vec<Leaf>, BTreeMap<String, LearnerHead>), Refusal> {
    let mut trails: BTreeMap<String, LearnerHead> = BTreeMap::new();
    let mut leaves = Vec::with_capacity(contents.entries.len());
    for (index, entry) in contents.entries.iter().enumerate() {
        let key = key::trail(&entry.learner);
        if !trails.contains_key(&key) {
            trails.insert(key.clone(), snapshot.message(&key)?.unwrap_or_default());
        }
        let trail = trails.get_mut(&key).expect("it was just inserted");
        let position =
            Position { school: header.school.to_string(), sequence: header.sequence, index: index as u32 };
        trail.count += 1;
        leaves.push(Leaf {
            hash: entry.id.0.to_vec(),
            learner: entry.learner.to_string(),
            number: trail.count,
            previous: trail.last.replace(position),
        });
    }
    Ok((leaves, trails))
}

fn write_messages(
    ledger: &mut dyn Ledger,
    messages: impl IntoIterator<Item = (String, impl Message)>,
) -> Result<(), Refusal> {
    messages.into_iter().try_for_each(|(key, message)| ledger.put(&key, message.encode_to_vec()))
}

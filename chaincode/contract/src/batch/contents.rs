//! What is in a batch: the checks that need nothing but its bytes.

use std::collections::{HashMap, HashSet};

use prost::Message;
use sillok_proto::ledger::{BatchBody, BatchHeader};

use crate::{
    Code, Refusal,
    digest::sha256,
    entry::{Entry, EntryId},
    id::{EducatorId, LearnerId, SchoolId},
    merkle, message,
    purpose::{self, ResultKind},
    query::query_hash,
    refusal::blame,
    request::SignedRequest,
};

/// The most entries in a batch.
pub const MAX_ENTRIES: usize = 1000;
/// The longest body as it travels, in bytes.
pub const MAX_COMPRESSED: usize = 2 * 1024 * 1024;
/// The longest body once decompressed, in bytes.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
/// The last number a batch may have: keys hold twelve digits.
pub const MAX_SEQUENCE: u64 = 999_999_999_999;

/// A body whose entries and requests have been read and belong together.
pub(crate) struct Contents {
    /// In the order of the leaves.
    pub(crate) entries: Vec<Claim>,
    /// In the body's order.
    pub(crate) requests: Vec<SignedRequest>,
    /// For each entry, which request it rests on.
    pub(crate) request_of: Vec<usize>,
}

/// What is left to decide on once an entry's form has been checked. Its query and images are let go: they are most of a
/// batch, and this is held while the ledger is asked.
pub(crate) struct Claim {
    pub(crate) id: EntryId,
    query_hash: [u8; 32],
    request_digest: [u8; 32],
    pub(crate) query_index: u32,
    pub(crate) educator: EducatorId,
    pub(crate) learner: LearnerId,
    pub(crate) executed_at: i64,
    result: ResultKind,
}

impl From<Entry> for Claim {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            query_hash: query_hash(&entry.query),
            result: (&entry.result).into(),
            request_digest: entry.request_digest,
            query_index: entry.query_index,
            educator: entry.educator,
            learner: entry.learner,
            executed_at: entry.executed_at,
        }
    }
}

impl Contents {
    /// Decompresses and reads a body.
    pub(crate) fn unpack(school: &SchoolId, compressed: &[u8]) -> Result<Self, Refusal> {
        Self::read(school, &read_body(compressed)?)
    }

    /// Reads a body and checks that every entry is the school's, that its query is the one the request names, that its
    /// result is one that the request's purpose allows, and that nothing is there twice or in vain.
    pub(crate) fn read(school: &SchoolId, body: &BatchBody) -> Result<Self, Refusal> {
        check_counts(body)?;
        let entries = read_entries(school, &body.entries)?;
        let request_of = link(&entries, &body.requests)?;
        let requests = read_requests(school, &body.requests, &request_of)?;
        check_queries(&entries, &requests, &request_of)?;
        Ok(Self { entries, requests, request_of })
    }

    /// Each entry with the request it rests on.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Claim, &SignedRequest)> {
        self.entries.iter().zip(&self.request_of).map(|(entry, &of)| (entry, &self.requests[of]))
    }

    /// The header that follows from the entries.
    pub(crate) fn header(
        &self,
        school: &SchoolId,
        sequence: u64,
        previous: [u8; 32],
    ) -> Result<BatchHeader, Refusal> {
        if !(1..=MAX_SEQUENCE).contains(&sequence) {
            return Err(malformed(format!("a batch's sequence is 1 to {MAX_SEQUENCE}")));
        }
        let leaves: Vec<_> = self.entries.iter().map(|entry| entry.id.0).collect();
        let times = self.entries.iter().map(|entry| entry.executed_at);
        Ok(BatchHeader {
            school: school.to_string(),
            sequence,
            previous: previous.to_vec(),
            root: merkle::root(&leaves).to_vec(),
            count: leaves.len() as u32,
            first_time: times.clone().min().unwrap_or_default(),
            last_time: times.max().unwrap_or_default(),
        })
    }
}

/// Refuses a compressed body that is too long.
pub(crate) fn check_compressed(body: &[u8]) -> Result<(), Refusal> {
    match body.len() <= MAX_COMPRESSED {
        true => Ok(()),
        false => Err(too_large(format!("a batch's compressed body has at most {MAX_COMPRESSED} bytes"))),
    }
}

/// Reads a compressed body, within the limits of one. The message alone: what it was read from is gone when this returns.
pub fn read_body(compressed: &[u8]) -> Result<BatchBody, Refusal> {
    let bytes = decompress(compressed)?;
    message::canonical(&bytes).map_err(|why| malformed(format!("the body is malformed: {why}")))
}

/// A frame tells its size, so that it is unpacked into as much memory as it needs and no more: nothing is looked back on
/// but what it gave, and nothing grows.
fn decompress(compressed: &[u8]) -> Result<Vec<u8>, Refusal> {
    check_compressed(compressed)?;
    let not_zstd = || malformed("the body is not one whole zstd frame that tells its size");
    let size = zstd::decompressed_size(compressed).ok_or_else(not_zstd)?;
    if size > MAX_BODY as u64 {
        return Err(too_large(format!("a batch's body has at most {MAX_BODY} bytes")));
    }
    match zstd::zstd_safe::find_frame_compressed_size(compressed) {
        Ok(length) if length == compressed.len() => {
            zstd::bulk::decompress(compressed, size as usize).map_err(|_| not_zstd())
        }
        Ok(_) => Err(malformed("there are bytes after the body")),
        Err(_) => Err(not_zstd()),
    }
}

fn check_counts(body: &BatchBody) -> Result<(), Refusal> {
    if !body.erased.is_empty() {
        return Err(malformed("nothing is erased of a batch before it is recorded"));
    }
    if body.entries.is_empty() {
        return Err(malformed("a batch has at least one entry"));
    }
    if body.entries.len() > MAX_ENTRIES {
        return Err(too_large(format!("a batch has at most {MAX_ENTRIES} entries")));
    }
    match body.encoded_len() <= MAX_BODY {
        true => Ok(()),
        false => Err(too_large(format!("a batch's body has at most {MAX_BODY} bytes"))),
    }
}

fn read_entries(school: &SchoolId, entries: &[Vec<u8>]) -> Result<Vec<Claim>, Refusal> {
    let read = |(index, bytes): (usize, &Vec<u8>)| {
        let entry = Entry::parse(bytes).map_err(blame(index))?;
        match entry.school == *school {
            true => Ok(Claim::from(entry)),
            false => Err(blame(index)(Refusal::new(
                Code::EntrySchool,
                format!("the entry is not of the school {school}"),
            ))),
        }
    };
    entries.iter().enumerate().map(read).collect()
}

/// For each entry, which request it rests on. Every request is there once, and for some entry.
fn link(entries: &[Claim], requests: &[String]) -> Result<Vec<usize>, Refusal> {
    let digests: HashMap<_, _> =
        requests.iter().enumerate().map(|(index, jws)| (sha256(&[jws.as_bytes()]), index)).collect();
    let find = |(index, entry): (usize, &Claim)| {
        let request = digests.get(&entry.request_digest).copied();
        request.ok_or_else(|| blame(index)(malformed("the batch does not hold the entry's request")))
    };
    let request_of = entries.iter().enumerate().map(find).collect::<Result<Vec<_>, _>>()?;
    match request_of.iter().collect::<HashSet<_>>().len() == requests.len() {
        true => Ok(request_of),
        false => Err(malformed("the batch holds a request twice, or one that none of its entries rests on")),
    }
}

fn read_requests(
    school: &SchoolId,
    requests: &[String],
    request_of: &[usize],
) -> Result<Vec<SignedRequest>, Refusal> {
    let mut single = HashSet::new();
    let mut read = |(index, jws): (usize, &String)| {
        let request = SignedRequest::parse(jws)?;
        if request.payload.school != *school {
            return Err(Refusal::new(
                Code::EntrySchool,
                format!("the request is not for the school {school}"),
            ));
        }
        match single.insert(request.replay_key()) {
            true => Ok(request),
            false => Err(Refusal::new(
                Code::RequestReused,
                format!("the jti of request {index} stands in the batch already"),
            )),
        }
    };
    let first_entry = |request: usize| request_of.iter().position(|&of| of == request).unwrap_or_default();
    requests
        .iter()
        .enumerate()
        .map(|(index, jws)| read((index, jws)).map_err(|refusal| blame(first_entry(index))(refusal)))
        .collect()
}

fn check_queries(entries: &[Claim], requests: &[SignedRequest], request_of: &[usize]) -> Result<(), Refusal> {
    let mut single = HashSet::new();
    for (index, (entry, &request)) in entries.iter().zip(request_of).enumerate() {
        let named = requests[request].payload.queries.get(entry.query_index as usize);
        if named != Some(&entry.query_hash) {
            return Err(blame(index)(Refusal::new(
                Code::QueryNotRequested,
                "the request does not name the entry's query at its index",
            )));
        }
        purpose::check(requests[request].payload.purpose, entry.result).map_err(blame(index))?;
        if !single.insert((request, entry.query_index)) {
            return Err(blame(index)(Refusal::new(
                Code::EntryRepeated,
                "the batch holds this query of the request twice",
            )));
        }
    }
    Ok(())
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BatchMalformed, message)
}

fn too_large(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BatchTooLarge, message)
}

//! One batch with its body, each part held against the others. What fails here is not told.

use std::{collections::HashMap, sync::Arc};

use sillok_contract::{
    batch::{Batch, read_body},
    digest::sha256,
    entry::Entry,
    erasure::Erasure,
    merkle, message, purpose,
    request::{SignedRequest, query_hash},
};
use sillok_proto::ledger::BatchHeader;

use super::fault::{Fault, FaultCode};

/// What a leaf of a batch stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// This entry, under this request. Whether the signature is its signer's is asked of [`super::Verifier`].
    Entry(Box<Entry>, Arc<SignedRequest>),
    /// An entry whose body was erased on legal grounds.
    Erased,
    /// Nothing that could be proved: a fault says why.
    Unproven,
}

/// A batch that has been read and checked.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// As it stands on the channel.
    pub batch: Batch,
    /// What each leaf stands for.
    pub contents: Vec<Content>,
    /// What was erased of its body: whose entries, by whom, when and on what grounds.
    pub erasures: Vec<Erasure>,
    /// What does not hold.
    pub faults: Vec<Fault>,
}

impl Chapter {
    /// Holds a batch against its body: the header's hash and members, the root over the leaves, each entry's hash, the
    /// request that asks for it.
    pub fn open(batch: Batch, body: Option<&[u8]>) -> Self {
        let mut chapter = Self { contents: Vec::new(), erasures: Vec::new(), faults: Vec::new(), batch };
        match check_header(&chapter.batch).and_then(|()| chapter.read(body)) {
            Ok((contents, faults)) => (chapter.contents, chapter.faults) = (contents, faults),
            Err(fault) => {
                chapter.contents = vec![Content::Unproven; chapter.batch.leaves.len()];
                chapter.faults.push(fault);
            }
        }
        chapter
    }

    fn read(&self, body: Option<&[u8]>) -> Result<(Vec<Content>, Vec<Fault>), Fault> {
        let batch = &self.batch;
        let fault = |code, why: &str| Fault::of_batch(code, &batch.school, batch.sequence, why);
        let body = body.ok_or_else(|| fault(FaultCode::BodyMissing, "no office has the batch's body"))?;
        let body = read_body(body).map_err(|refusal| fault(FaultCode::Body, &refusal.message))?;
        if body.entries.len() != batch.leaves.len() {
            return Err(fault(FaultCode::Body, "the body has not as many entries as the batch has leaves"));
        }
        let requests = read_requests(&body.requests);
        let mut faults = Vec::new();
        let contents = body.entries.iter().enumerate().map(|(index, bytes)| {
            let erased = bytes.is_empty() && body.erased.iter().any(|&erased| erased as usize == index);
            if erased {
                return Content::Erased;
            }
            content(batch, index, bytes, &requests).unwrap_or_else(|fault| {
                faults.push(fault);
                Content::Unproven
            })
        });
        let contents = contents.collect();
        Ok((contents, faults))
    }

    /// The same with what the ledger says was erased of it. What is blank and nobody has erased is a fault.
    pub fn erased_by(mut self, erasures: Vec<Erasure>) -> Self {
        self.erasures = erasures;
        for index in 0..self.contents.len() {
            if self.contents[index] == Content::Erased && self.erasure_of(index).is_none() {
                let why = "the entry is blank, and the ledger names nobody who erased it".to_owned();
                self.faults.push(Fault::of_leaf(FaultCode::Body, &self.batch, index, why));
                self.contents[index] = Content::Unproven;
            }
        }
        self
    }

    /// Who erased the entry at a leaf.
    pub fn erasure_of(&self, index: usize) -> Option<&Erasure> {
        self.erasures.iter().find(|erasure| erasure.indices.iter().any(|&erased| erased as usize == index))
    }

    /// The fault that this batch's header is not the one that its successor names, if so.
    pub(super) fn check_next(&self, next: &[u8; 32]) -> Option<Fault> {
        let Batch { school, sequence, header_hash, .. } = &self.batch;
        let why = "the next header, or the school's head, names another header than this batch's";
        (next != header_hash).then(|| Fault::of_batch(FaultCode::Chain, school, *sequence, why))
    }
}

/// The header's bytes are the batch's in every member, and its root is the one over the leaves.
fn check_header(batch: &Batch) -> Result<(), Fault> {
    let fault = |code, why| Err(Fault::of_batch(code, &batch.school, batch.sequence, why));
    let Ok(header) = message::canonical::<BatchHeader>(&batch.header) else {
        return fault(FaultCode::Header, "the header is not of its form");
    };
    let same = header.school == batch.school.as_str()
        && header.sequence == batch.sequence
        && header.previous == batch.previous
        && header.root == batch.root
        && header.count == batch.count
        && (header.first_time, header.last_time) == (batch.first_time, batch.last_time)
        && sha256(&[&batch.header]) == batch.header_hash;
    if !same || batch.count as usize != batch.leaves.len() {
        return fault(FaultCode::Header, "the header is not that of its batch");
    }
    let leaves: Vec<_> = batch.leaves.iter().map(|leaf| leaf.entry.0).collect();
    match merkle::root(&leaves) == batch.root {
        true => Ok(()),
        false => fault(FaultCode::Root, "the root in the header is not the one over the batch's leaves"),
    }
}

/// The requests of a body by their digests; those that cannot be read are missed where an entry rests on them.
fn read_requests(requests: &[String]) -> HashMap<[u8; 32], Arc<SignedRequest>> {
    let read = requests.iter().filter_map(|jws| SignedRequest::parse(jws).ok());
    read.map(|request| (request.digest, Arc::new(request))).collect()
}

fn content(
    batch: &Batch,
    index: usize,
    bytes: &[u8],
    requests: &HashMap<[u8; 32], Arc<SignedRequest>>,
) -> Result<Content, Fault> {
    let fault = |code, why: String| Fault::of_leaf(code, batch, index, why);
    let leaf = &batch.leaves[index];
    let entry = Entry::parse(bytes).map_err(|refusal| fault(FaultCode::Body, refusal.message))?;
    if entry.id != leaf.entry {
        return Err(fault(FaultCode::Body, "the entry's bytes do not hash to its leaf".to_owned()));
    }
    let of_batch = entry.school == batch.school
        && entry.learner == leaf.learner
        && (batch.first_time..=batch.last_time).contains(&entry.executed_at);
    if !of_batch {
        let why = "the entry names another school, learner or time than the batch";
        return Err(fault(FaultCode::Body, why.to_owned()));
    }
    let request = requests.get(&entry.request_digest).filter(|request| asks_for(request, &entry));
    match request {
        Some(request) => Ok(Content::Entry(Box::new(entry), request.clone())),
        None => {
            let why = "the request that the entry rests on is not there, or does not ask for its query";
            Err(fault(FaultCode::Request, why.to_owned()))
        }
    }
}

/// Whether the request asks for the entry's query, in its school, and for a result like the entry's.
pub fn asks_for(request: &SignedRequest, entry: &Entry) -> bool {
    let named = request.payload.queries.get(entry.query_index as usize);
    request.digest == entry.request_digest
        && request.payload.school == entry.school
        && named == Some(&query_hash(&entry.query))
        && purpose::check(request.payload.purpose, (&entry.result).into()).is_ok()
}

//! A school on a ledger, and the batches it records.

use std::sync::Arc;

use prost::Message as _;
use sillok_contract::{
    batch::{self, Recorded},
    certificate::Certificate,
    id::{LearnerId, SchoolId},
    merkle::leaf_hash,
    registry,
    request::SignedRequest,
};
use sillok_gateway::{
    clock::now,
    keys::{Asked, Authority, SignedQueries, Validity},
    ledger::{
        Call, Ledger, Receipt,
        contract::{Contract, answer},
        school::{self, Educator, Plan, School},
        transact,
    },
    proof::{Parts, Proof},
};
use sillok_proto::ledger::{Entry, Read, entry::Result as Outcome};

use super::engines::Network;

/// A school with its people that stands on a ledger; nobody else has its ids.
pub(crate) struct Registered {
    school: School,
    gateway: Arc<dyn Ledger>,
}

/// A batch that stands on a ledger.
pub(crate) struct Batch {
    entries: Vec<Vec<u8>>,
    request: String,
    header: Vec<u8>,
    pub(crate) receipt: Receipt,
    certificate: Certificate,
}

/// A school with an educator and three learners that no other run registers.
fn plan(name: &str) -> Plan {
    Plan::new(SchoolId::new(format!("{name}-{:016x}", rand::random::<u64>())).unwrap(), 1, 3).unwrap()
}

/// The document of a school that no other run registers.
pub(crate) fn document(name: &str) -> registry::School {
    let authority = Authority::generate("School CA", "School", Validity::days(now(), 30)).unwrap();
    plan(name).document(authority.certificate().to_pem())
}

impl Registered {
    pub(crate) async fn new(network: &dyn Network, name: &str) -> Self {
        let school = school::register(&network.consortium(), &plan(name), "gateway").await.unwrap();
        Self { school, gateway: network.gateway() }
    }

    pub(crate) fn id(&self) -> &SchoolId {
        &self.school.id
    }

    fn educator(&self) -> &Educator {
        &self.school.educators[0]
    }

    pub(crate) fn learner(&self, index: usize) -> &LearnerId {
        &self.school.learners[index % self.school.learners.len()]
    }

    /// The next batch, of so many entries under one request; not yet endorsed.
    pub(crate) async fn next_batch(&self, count: usize) -> (Call, Vec<Vec<u8>>, String, Vec<u8>) {
        let asked = (0..count).map(|n| Asked {
            learner: self.learner(n).clone(),
            sql: "SELECT grade FROM grades WHERE subject = ?".into(),
            params: vec!["한국사".into(), n.into()],
        });
        let SignedQueries { request, queries } = self.educator().signs(asked).unwrap();
        let digest = SignedRequest::parse(&request).unwrap().digest;
        let entries: Vec<_> =
            queries.iter().enumerate().map(|(n, query)| self.entry(query, n, digest)).collect();
        let head = Contract::new(self.gateway.clone()).head(self.id()).await.unwrap();
        let formed = batch::build(
            self.id(),
            head.sequence + 1,
            head.header_hash,
            std::slice::from_ref(&request),
            &entries,
        );
        let formed = formed.unwrap();
        (Contract::record_batch(formed.header.clone(), formed.body), entries, request, formed.header)
    }

    fn entry(&self, query: &str, index: usize, digest: [u8; 32]) -> Vec<u8> {
        Entry {
            query: query.as_bytes().to_vec(),
            request_digest: digest.to_vec(),
            query_index: index.try_into().unwrap(),
            school: self.id().to_string(),
            educator: self.educator().id.to_string(),
            learner: self.learner(index).to_string(),
            executed_at: now(),
            result: Some(Outcome::Read(Read { rows: 1, digest: vec![7; 32] })),
        }
        .encode_to_vec()
    }

    /// Records a batch.
    pub(crate) async fn record(&self, count: usize) -> Batch {
        let (call, entries, request, header) = self.next_batch(count).await;
        let (recorded, _) = transact(self.gateway.as_ref(), call).await.unwrap();
        let recorded: Recorded = answer(&recorded).unwrap();
        let receipt = self.gateway.receipt(&recorded.transaction).await.unwrap().unwrap();
        Batch { entries, request, header, receipt, certificate: self.educator().certificate.clone() }
    }
}

impl Batch {
    /// The proof of the entry at an index.
    pub(crate) fn proof(&self, index: usize) -> Proof {
        Proof::assemble(Parts {
            entry: self.entries[index].clone(),
            request: self.request.clone(),
            certificate: self.certificate.clone(),
            index: index.try_into().unwrap(),
            leaves: self.entries.iter().map(|entry| leaf_hash(entry)).collect(),
            header: self.header.clone(),
            receipt: self.receipt.clone(),
        })
    }
}

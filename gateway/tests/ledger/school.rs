//! A school with an educator and learners, registered on a ledger, and the batches it records.

use std::sync::Arc;

use prost::Message as _;
use sillok_contract::{
    batch::{self, Recorded},
    certificate::Certificate,
    id::{EducatorId, EducatorRole, LearnerId, SchoolId},
    merkle::leaf_hash,
    registry::{BatchSettings, Educator, Enrolment, Learner, School},
    request::SignedRequest,
};
use sillok_gateway::{
    clock::now,
    keys::{Asked, Authority, RequestSigner, SignedQueries, Validity},
    ledger::{
        Call, Ledger, Receipt,
        contract::{Contract, answer},
        transact,
    },
    proof::{Parts, Proof},
};
use sillok_proto::ledger::{Entry, Read, entry::Result as Outcome};

use super::engines::Network;

/// A school that stands on a ledger; nobody else has its ids.
pub(crate) struct Registered {
    pub(crate) id: SchoolId,
    educator: EducatorId,
    learners: Vec<LearnerId>,
    certificate: Certificate,
    signer: RequestSigner,
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

/// A school document that no other run registers.
pub(crate) fn document(name: &str) -> (School, Authority) {
    let authority = Authority::generate("School CA", "School", Validity::days(now(), 30)).unwrap();
    let unique = hex::encode(&authority.certificate().thumbprint()[..8]);
    let school = School {
        id: SchoolId::new(format!("{name}-{unique}")).unwrap(),
        name: name.into(),
        district: "Jongno".into(),
        office: None,
        authority: authority.certificate().to_pem(),
        batch: BatchSettings::default(),
        closed_since: None,
    };
    (school, authority)
}

impl Registered {
    pub(crate) async fn new(network: &dyn Network, name: &str) -> Self {
        let office = Contract::new(network.as_identity("OfficeMSP", "admin"));
        let support = Contract::new(network.as_identity("SupportMSP", "admin"));
        let (school, authority) = document(name);
        let id = school.id.clone();
        office.register_school(&school).await.unwrap();

        let educator = EducatorId::new(format!("T-{id}")).unwrap();
        let issued = authority.issue_educator(&educator, Validity::days(now(), 20)).unwrap();
        let from = now() - 3_600_000_000;
        let entry = Educator {
            id: educator.clone(),
            school: id.clone(),
            role: EducatorRole::new("teacher").unwrap(),
            certificate: issued.certificate.to_pem(),
            thumbprint: String::new(),
            from,
            until: None,
            revoked_since: None,
        };
        office.register_educators(&[entry]).await.unwrap();

        let learners: Vec<_> = (0..3).map(|n| LearnerId::new(format!("L{n}-{id}")).unwrap()).collect();
        let enrolled = |learner: &LearnerId| Learner {
            id: learner.clone(),
            enrolments: vec![Enrolment { school: id.clone(), since: from }],
            wallet_key: None,
        };
        support.register_learners(&learners.iter().map(enrolled).collect::<Vec<_>>()).await.unwrap();

        let signer = RequestSigner::new(id.clone(), "gateway", &issued.certificate, issued.key).unwrap();
        let gateway = network.gateway();
        Self { id, educator, learners, certificate: issued.certificate, signer, gateway }
    }

    /// The next batch, of so many entries under one request; not yet endorsed.
    pub(crate) async fn next_batch(&self, count: usize) -> (Call, Vec<Vec<u8>>, String, Vec<u8>) {
        let asked = (0..count).map(|n| Asked {
            learner: self.learners[n % self.learners.len()].clone(),
            sql: "SELECT grade FROM grades WHERE subject = ?".into(),
            params: vec!["한국사".into(), n.into()],
        });
        let SignedQueries { request, queries } = self.signer.sign(asked, now()).unwrap();
        let digest = SignedRequest::parse(&request).unwrap().digest;
        let entries: Vec<_> =
            queries.iter().enumerate().map(|(n, query)| self.entry(query, n, digest)).collect();
        let head = Contract::new(self.gateway.clone()).head(&self.id).await.unwrap();
        let formed = batch::build(
            &self.id,
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
            school: self.id.to_string(),
            educator: self.educator.to_string(),
            learner: self.learners[index % self.learners.len()].to_string(),
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
        Batch { entries, request, header, receipt, certificate: self.certificate.clone() }
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

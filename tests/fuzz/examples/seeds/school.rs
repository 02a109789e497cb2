//! A school on an embedded ledger, and the batches it records there.

use std::sync::Arc;

use prost::Message;
use sillok_contract::{
    batch::{self, Formed, Recorded},
    certificate::Certificate,
    id::{EducatorId, EducatorRole, LearnerId, SchoolId},
    merkle::leaf_hash,
    registry::{self, BatchSettings, Educator, Enrolment, Learner},
    request::SignedRequest,
};
use sillok_gateway::{
    keys::{Asked, Authority, Issued, PrivateKey, RequestSigner, SignedQueries, Validity},
    ledger::{
        Ledger, Receipt,
        contract::{Contract, answer},
        embedded::Embedded,
        transact,
    },
    proof::{Parts, Proof},
};
use sillok_proto::ledger::{BatchBody, Entry, Read, RowImage, Written, entry::Result as Outcome};

use super::{NOW, Result};

/// The row that is written.
pub(super) const IMAGE: &str =
    r#"{"content":"한국사","learner":"L0001","number":1,"weight":0.5,"written_at":null}"#;
const HOUR: i64 = 3_600_000_000;

/// A school that stands on the ledger, with one educator and one learner.
pub(super) struct School {
    id: SchoolId,
    pub(super) certificate: Certificate,
    pub(super) key: PrivateKey,
    signer: RequestSigner,
    gateway: Arc<dyn Ledger>,
    sequence: u64,
    previous: [u8; 32],
}

/// A batch that stands on the ledger.
pub(super) struct Batch {
    pub(super) request: String,
    pub(super) queries: Vec<String>,
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) formed: Formed,
    pub(super) sequence: u64,
    pub(super) receipt: Receipt,
    school: SchoolId,
    certificate: Certificate,
}

fn learner() -> Result<LearnerId> {
    Ok(LearnerId::new("L0001")?)
}

fn educator() -> Result<EducatorId> {
    Ok(EducatorId::new("T0001")?)
}

impl School {
    /// Registers them by those who may.
    pub(super) async fn register(ledger: &Embedded) -> Result<Self> {
        let identity = |msp, role| ledger.as_identity(msp, role).ok_or("the ledger has this identity");
        let office = Contract::new(identity("OfficeMSP", "admin")?);
        let support = Contract::new(identity("SupportMSP", "admin")?);
        let (id, from) = (SchoolId::new("school-1")?, NOW - HOUR);
        let authority = Authority::generate("School CA", "School", Validity::days(NOW, 30))?;
        let issued = authority.issue_educator(&educator()?, Validity::days(NOW, 20))?;
        let school = registry::School {
            id: id.clone(),
            name: "한강고등학교".into(),
            district: "Jongno".into(),
            office: None,
            authority: authority.certificate().to_pem(),
            batch: BatchSettings::default(),
            closed_since: None,
        };
        office.register_school(&school).await?;
        let teacher = Educator {
            id: educator()?,
            school: id.clone(),
            role: EducatorRole::new("teacher")?,
            certificate: issued.certificate.to_pem(),
            thumbprint: String::new(),
            from,
            until: None,
            revoked_since: None,
        };
        office.register_educators(&[teacher]).await?;
        let enrolments = vec![Enrolment { school: id.clone(), since: from }];
        support.register_learners(&[Learner { id: learner()?, enrolments, wallets: Vec::new() }]).await?;
        let signer = RequestSigner::new(id.clone(), "gateway", &issued.certificate, issued.key.clone())?;
        let gateway = identity("SupportMSP", "client")?;
        let Issued { certificate, key } = issued;
        Ok(Self { id, certificate, key, signer, gateway, sequence: 0, previous: [0; 32] })
    }

    /// Records the next batch, of so many queries under one request.
    pub(super) async fn record(&mut self, count: usize) -> Result<Batch> {
        let asked = (0..count).map(asked).collect::<Result<Vec<_>>>()?;
        let SignedQueries { request, queries } = self.signer.sign(asked, NOW)?;
        let digest = SignedRequest::parse(&request)?.digest;
        let entry = |(index, query): (usize, &String)| self.entry(index, query, digest);
        let entries = queries.iter().enumerate().map(entry).collect::<Result<Vec<_>>>()?;
        let sequence = self.sequence + 1;
        let requests = std::slice::from_ref(&request);
        let formed = batch::build(&self.id, sequence, self.previous, requests, &entries)?;
        let call = Contract::record_batch(formed.header.clone(), formed.body.clone());
        let (recorded, _) = transact(self.gateway.as_ref(), call).await?;
        let recorded: Recorded = answer(&recorded)?;
        let receipt = self.gateway.receipt(&recorded.transaction).await?.ok_or("it is committed")?;
        (self.sequence, self.previous) = (sequence, formed.header_hash);
        let (school, certificate) = (self.id.clone(), self.certificate.clone());
        Ok(Batch { request, queries, entries, formed, sequence, receipt, school, certificate })
    }

    fn entry(&self, index: usize, query: &str, digest: [u8; 32]) -> Result<Vec<u8>> {
        let entry = Entry {
            query: query.into(),
            request_digest: digest.to_vec(),
            query_index: index.try_into()?,
            school: self.id.to_string(),
            educator: educator()?.to_string(),
            learner: learner()?.to_string(),
            executed_at: NOW + i64::try_from(index)?,
            result: Some(outcome(index)),
        };
        Ok(entry.encode_to_vec())
    }
}

/// A read, a write and a deletion.
fn asked(index: usize) -> Result<Asked> {
    let sql = match index {
        0 => "SELECT score FROM grades WHERE subject = $1 AND score > $2",
        1 => "UPDATE notes SET content = $1 WHERE year = 2026 AND number = $2",
        _ => "DELETE FROM notes WHERE content <> $1 AND number = $2",
    };
    Ok(Asked { learner: learner()?, sql: sql.into(), params: vec!["한국사".into(), index.into()] })
}

fn outcome(index: usize) -> Outcome {
    if index == 0 {
        return Outcome::Read(Read { rows: 1, digest: vec![7; 32] });
    }
    let image = RowImage {
        table: "notes".into(),
        key: br#"{"learner":"L0001","number":1}"#.into(),
        image: IMAGE.into(),
        deleted: index > 1,
    };
    Outcome::Written(Written { rows: 1, images: vec![image] })
}

impl Batch {
    /// The key of its record on the ledger.
    pub(super) fn key(&self) -> String {
        sillok_contract::key::batch(&self.school, self.sequence)
    }

    /// The body before it is compressed.
    pub(super) fn body(&self) -> Vec<u8> {
        BatchBody { requests: vec![self.request.clone()], entries: self.entries.clone(), erased: vec![] }
            .encode_to_vec()
    }

    /// The header behind its length, and the body as it travels.
    pub(super) fn header_and_body(&self) -> Result<Vec<u8>> {
        let length = u8::try_from(self.formed.header.len())?;
        Ok([&[length], self.formed.header.as_slice(), &self.formed.body].concat())
    }

    /// The proof of an entry, with this receipt.
    pub(super) fn proof(&self, index: usize, receipt: Receipt) -> Proof {
        Proof::assemble(Parts {
            entry: self.entries[index].clone(),
            request: self.request.clone(),
            certificate: self.certificate.clone(),
            index: index.try_into().expect("a batch is small"),
            leaves: self.entries.iter().map(|entry| leaf_hash(entry)).collect(),
            header: self.formed.header.clone(),
            receipt,
        })
    }
}

//! What the ledger and the database hold about one learner.

use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value, json};
use sillok_contract::{
    batch::Position,
    entry::{Entry, EntryId},
    id::{EducatorId, LearnerId, SchoolId},
    purpose::Purpose,
    registry::Learner,
    request::SignedRequest,
};
use sillok_proto::ledger::{self, Read, RowImage, Written, entry::Result as Outcome};

use crate::{
    drift::{Difference, Report, judge},
    keys::{Asked, Authority, OfficeSigner, RequestSigner, SignedQueries, Validity},
    ledger::{
        receipt::Roots,
        story::{Content, Signer, Signers, Story, Told},
    },
    records::{OutboxRow, Picture, Row},
};

const NOW: i64 = 1_790_000_000_000_000;

/// A school's educator, and both sides of one learner.
pub(super) struct Case {
    signer: RequestSigner,
    pub(super) signers: Signers,
    pub(super) story: Story,
    pub(super) picture: Picture,
    /// The requests of what was recorded.
    pub(super) signed: Vec<([u8; 32], String)>,
}

fn learner() -> LearnerId {
    LearnerId::new("L1").unwrap()
}

fn school() -> SchoolId {
    SchoolId::new("north").unwrap()
}

pub(super) fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

/// A mark in a subject.
pub(super) fn mark(subject: &str, score: i64) -> RowImage {
    let key = canonical(&json!({ "learner": "L1", "subject": subject }));
    let image = canonical(&json!({ "learner": "L1", "subject": subject, "score": score, "remark": null }));
    RowImage { table: "grades".to_owned(), key, image, deleted: false }
}

pub(super) fn row(image: &RowImage) -> Row {
    let (table, learner) = (image.table.clone(), learner().to_string());
    Row { table, learner, key: image.key.clone(), image: image.image.clone() }
}

pub(super) fn written(images: &[RowImage]) -> Outcome {
    Outcome::Written(Written { rows: images.len() as u64, images: images.to_vec() })
}

/// Music 70, then 75; art 80, deleted; law 90; and a read.
pub(super) fn year() -> Case {
    let mut case = Case::new();
    case.recorded(written(&[mark("music", 70), mark("art", 80)]));
    case.recorded(Outcome::Read(Read { rows: 2, digest: vec![1; 32] }));
    case.recorded(written(&[mark("music", 75)]));
    case.recorded(written(&[RowImage { deleted: true, ..mark("art", 80) }]));
    case.recorded(written(&[mark("law", 90)]));
    case.has_rows(&[mark("music", 75), mark("law", 90)]);
    case
}

impl Case {
    pub(super) fn new() -> Self {
        let authority = Authority::generate("ca", "School", Validity::days(NOW, 10)).unwrap();
        let id = EducatorId::new("T1").unwrap();
        let issued = authority.issue_educator(&id, Validity::days(NOW, 10)).unwrap();
        let thumbprint = issued.certificate.thumbprint();
        let signer = RequestSigner::new(school(), "sillok", &issued.certificate, issued.key).unwrap();
        let signers = [(thumbprint, Signer { id, certificate: issued.certificate })].into_iter().collect();
        let learner = serde_json::from_value::<Learner>(json!({ "id": "L1", "enrolments": [] })).unwrap();
        let story = Story { learner, count: 0, heads: Vec::new(), entries: Vec::new(), faults: Vec::new() };
        Self { signer, signers, story, picture: Picture::default(), signed: Vec::new() }
    }

    pub(super) fn signs(&self) -> SignedQueries {
        self.signer.sign([Asked { learner: learner(), sql: "…".to_owned(), params: vec![] }], NOW).unwrap()
    }

    /// The next entry of the outbox.
    pub(super) fn executes(&mut self, signed: &SignedQueries, result: Outcome) -> OutboxRow {
        let request = SignedRequest::parse(&signed.request).unwrap();
        let entry = ledger::Entry {
            query: signed.queries[0].clone().into_bytes(),
            request_digest: request.digest.to_vec(),
            query_index: 0,
            school: school().to_string(),
            educator: "T1".to_owned(),
            learner: learner().to_string(),
            executed_at: NOW,
            result: Some(result),
        };
        let bytes = entry.encode_to_vec();
        let row = OutboxRow {
            number: self.picture.entries.len() as i64 + 1,
            id: EntryId::of(&bytes).0.to_vec(),
            school: school().to_string(),
            learner: learner().to_string(),
            educator: "T1".to_owned(),
            request: request.digest.to_vec(),
            bytes,
            executed_at: NOW,
            batch: None,
            leaf: None,
            code: None,
        };
        self.picture.entries.push(row.clone());
        row
    }

    /// An entry that is on its way to the ledger.
    pub(super) fn pending(&mut self, images: &[RowImage]) -> OutboxRow {
        let signed = self.signs();
        let row = self.executes(&signed, written(images));
        self.picture.requests.insert(row.request.clone(), signed.request);
        row
    }

    /// An entry that both hold.
    pub(super) fn recorded(&mut self, result: Outcome) {
        let signed = self.signs();
        let entry = Entry::parse(&self.executes(&signed, result).bytes).unwrap();
        self.story.count += 1;
        let (number, sequence) = (self.story.count, self.story.count);
        let row = self.picture.entries.last_mut().unwrap();
        (row.batch, row.leaf) = (Some(sequence as i64), Some(0));
        let request = Arc::new(SignedRequest::parse(&signed.request).unwrap());
        self.signed.push((request.digest, signed.request));
        self.story.entries.push(Told {
            erasure: None,
            id: entry.id,
            number,
            position: Position { school: school(), sequence, index: 0 },
            transaction: format!("t{sequence}"),
            content: Content::Entry(Box::new(entry), request),
        });
    }

    /// An entry that both hold, under an officer's request to adopt.
    pub(super) fn adopts(&mut self, result: Outcome) {
        let signer = self.signer.clone();
        self.signer = signer.clone().with_purpose(Purpose::Baseline);
        self.recorded(result);
        self.signer = signer;
    }

    pub(super) fn has_rows(&mut self, images: &[RowImage]) {
        self.picture.rows = images.iter().map(row).collect();
    }

    pub(super) fn report(&self) -> Report {
        judge(&self.story.clone().verified(&self.signers), &self.picture, &self.signers, NOW)
    }

    /// The differences as text: code, subject, and each column with both sides.
    pub(super) fn found(&self) -> Vec<String> {
        let report = self.report();
        assert_eq!(report.agrees, report.differences.is_empty() && report.faults.is_empty());
        report.differences.iter().map(text).collect()
    }
}

fn text(difference: &Difference) -> String {
    let side = |side: &Option<Value>| side.as_ref().map_or("-".to_owned(), Value::to_string);
    let subject = difference.key.get("subject").and_then(Value::as_str).unwrap_or_default();
    let mut words = vec![difference.code.as_str().to_owned(), subject.to_owned()];
    let columns = difference.columns.iter();
    words.extend(columns.map(|c| format!("{}: {} / {}", c.column, side(&c.database), side(&c.ledger))));
    words.join(" ")
}

/// The offices' roots, one who signs for the support office, and one who pretends to.
pub(super) struct Offices {
    pub(super) roots: Roots,
    pub(super) support: OfficeSigner,
    pub(super) stranger: OfficeSigner,
}

pub(super) fn offices() -> Offices {
    let [office, support, stranger] = ["OfficeMSP", "SupportMSP", "SupportMSP"]
        .map(|msp| Authority::generate("ca", msp, Validity::days(NOW, 10)).unwrap());
    let pem =
        |msp: &str, authority: &Authority| (msp.to_owned(), authority.certificate().to_pem().into_bytes());
    let roots = Roots::new([pem("OfficeMSP", &office), pem("SupportMSP", &support)]).unwrap();
    let signer = |authority: &Authority| {
        let issued = authority.issue("gateway", "client", Validity::days(NOW, 10)).unwrap();
        OfficeSigner::new(issued.certificate, issued.key).unwrap()
    };
    Offices { roots, support: signer(&support), stranger: signer(&stranger) }
}

//! A batch on its way: signed, endorsed, recorded, proven.

use prost::Message as _;
use sillok_contract::{
    batch::{self, Head, Recorded},
    digest::sha256,
    id::{EducatorId, EducatorRole, LearnerId},
    registry::{Educator, Enrolment, Learner, School},
};
use sillok_gateway::{
    clock::now,
    keys::{Asked, RequestSigner, Validity},
    ledger::{
        Ledger, LedgerError,
        contract::{Contract, answer},
        fabric::Fabric,
        receipt::{self, Roots},
        transact,
    },
};
use sillok_proto::ledger::{BatchRecord, Entry, Read, entry};

use crate::network::{authority, client, contract, directory, new_school};

/// A school with an educator and a learner, and what the educator signs with.
struct Cast {
    school: School,
    educator: EducatorId,
    learner: LearnerId,
    signer: RequestSigner,
}

async fn cast(office: &Contract, support: &Contract) -> Cast {
    let authority = authority();
    let school = School { authority: authority.certificate().to_pem(), ..new_school("recorded") };
    let issued = authority.issue("T1", "client", Validity::days(now(), 10)).unwrap();
    let (id, since) = (school.id.clone(), now() - 60_000_000);
    let educator = Educator {
        id: EducatorId::new(format!("T-{id}")).unwrap(),
        school: id.clone(),
        role: EducatorRole::new("teacher").unwrap(),
        certificate: issued.certificate.to_pem(),
        thumbprint: String::new(),
        from: since,
        until: None,
        revoked_since: None,
    };
    let learner = Learner {
        id: LearnerId::new(format!("L-{id}")).unwrap(),
        enrolments: vec![Enrolment { school: id.clone(), since }],
        wallet_key: None,
    };
    office.register_school(&school).await.unwrap();
    office.register_educators(std::slice::from_ref(&educator)).await.unwrap();
    support.register_learners(std::slice::from_ref(&learner)).await.unwrap();
    let signer = RequestSigner::new(id, "gateway", &issued.certificate, issued.key).unwrap();
    Cast { school, educator: educator.id, learner: learner.id, signer }
}

impl Cast {
    /// The school's next batch: one read.
    fn next_batch(&self, head: &Head) -> batch::Formed {
        let asked = Asked { learner: self.learner.clone(), sql: "SELECT 1".into(), params: Vec::new() };
        let signed = self.signer.sign([asked], now()).unwrap();
        let entry = Entry {
            query: signed.queries[0].clone().into_bytes(),
            request_digest: sha256(&[signed.request.as_bytes()]).to_vec(),
            query_index: 0,
            school: self.school.id.to_string(),
            educator: self.educator.to_string(),
            learner: self.learner.to_string(),
            executed_at: now(),
            result: Some(entry::Result::Read(Read { rows: 1, digest: vec![7; 32] })),
        };
        let (sequence, previous) = (head.sequence + 1, head.header_hash);
        batch::build(&self.school.id, sequence, previous, &[signed.request], &[entry.encode_to_vec()])
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_recorded_once_and_its_receipt_holds_the_header() {
    let directory = directory!();
    let gateway = client(&directory, "SupportMSP", "Gateway");
    let office = contract(&client(&directory, "OfficeMSP", "Admin"));
    let support = contract(&client(&directory, "SupportMSP", "Admin"));
    let cast = cast(&office, &support).await;
    let ledger = contract(&gateway);
    let head = ledger.head(&cast.school.id).await.unwrap();
    assert_eq!(head.sequence, 0);

    let formed = cast.next_batch(&head);
    let call = || Contract::record_batch(formed.header.clone(), formed.body.clone());
    let (first, _) = transact(gateway.as_ref(), call()).await.unwrap();
    let first: Recorded = answer(&first).unwrap();
    assert!(!first.repeated);
    let again: Recorded = answer(&gateway.endorse(call()).await.unwrap().answer).unwrap();
    assert!(again.repeated && again.transaction == first.transaction);

    let head = ledger.head(&cast.school.id).await.unwrap();
    assert_eq!((head.sequence, head.header_hash), (1, formed.header_hash));
    let body = ledger.body(&cast.school.id, 1).await.unwrap().unwrap();
    assert_eq!(body.body, formed.body);
    prove(&gateway, &directory, &cast, &first.transaction, &formed).await;
    refuse_a_gap(&gateway, &cast, &head).await;
}

async fn prove(
    gateway: &Fabric,
    directory: &std::path::Path,
    cast: &Cast,
    transaction: &str,
    formed: &batch::Formed,
) {
    let found = gateway.receipt(transaction).await.unwrap().unwrap();
    let endorsed = receipt::verify(&found, &Roots::read_dir(&directory.join("roots")).unwrap()).unwrap();
    let key = sillok_contract::key::batch(&cast.school.id, 1);
    let record = BatchRecord::decode(endorsed.writes[&key].as_deref().unwrap()).unwrap();
    assert_eq!(
        (record.header.as_slice(), record.transaction.as_str()),
        (formed.header.as_slice(), transaction)
    );
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("SELECT"), "the query itself is not on the channel");
}

async fn refuse_a_gap(gateway: &Fabric, cast: &Cast, head: &Head) {
    let skipped = Head { sequence: head.sequence + 1, ..head.clone() };
    let formed = cast.next_batch(&skipped);
    match gateway.endorse(Contract::record_batch(formed.header, formed.body)).await {
        Err(LedgerError::Refused(refusal)) => assert_eq!(refusal.code, sillok_contract::Code::BatchGap),
        other => panic!("{other:?}"),
    }
}

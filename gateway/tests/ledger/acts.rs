//! Signed acts, on every engine: certificates, objections, erasure.

use prost::Message as _;
use sillok_contract::{
    Code,
    act::{
        Act, Acted, CertificateCountersign, CertificateIssue, CertificateRequest, CertificateRevoke, Erase,
        Grounds, ObjectionDismiss, ObjectionFile, Place, RevocationReason,
    },
    batch::read_body,
    credential::{Credential, CredentialStatus, State},
    digest::Digest,
    erasure::redacted,
    id::{CertificateId, LearnerId, MspId, ObjectionId, OfficerId},
    key,
    objection::{self, TRANSIENT},
};
use sillok_gateway::{
    clock::now,
    keys::{ActSigner, PrivateKey},
    ledger::{
        LedgerError,
        consortium::Consortium,
        contract::Contract,
        officer::Officer,
        receipt,
        school::{RegisterError, register_offices},
    },
};

use super::{
    conformance::{PATIENCE, on_every_engine},
    engines::Network,
    school::Registered,
};

pub(super) const DAY: i64 = 86_400_000_000;

on_every_engine!(
    a_certificate_goes_its_way_and_its_status_is_attested,
    an_objection_is_filed_and_dismissed_with_reasons_in_private,
    what_is_erased_is_gone_from_every_office_and_the_rest_verifies,
);

/// A school with a batch of three entries, one about each learner; the first learner and an officer, who sign.
struct Case {
    school: Registered,
    contract: Contract,
    learner: LearnerId,
    wallet: ActSigner,
    officer: ActSigner,
}

pub(super) fn tag() -> String {
    format!("{:016x}", rand::random::<u64>())
}

impl Case {
    async fn new(network: &dyn Network, name: &str) -> Self {
        let school = Registered::new(network, name).await;
        let consortium = network.consortium();
        offices_stand(&consortium).await;
        let (office, id) =
            (MspId::new("OfficeMSP").unwrap(), OfficerId::new(format!("O-{}", tag())).unwrap());
        let officer = Officer::register(&consortium, office, id).await.unwrap();
        let officer = ActSigner::of_officer(&officer.certificate, "gateway", officer.key).unwrap();
        let (learner, key) = (school.learner(0).clone(), PrivateKey::generate().unwrap());
        let administrator = Contract::new(network.as_identity("SupportMSP", "admin"));
        administrator.register_wallet_key(&learner, &key.public_key().of_wallet(0)).await.unwrap();
        let wallet = ActSigner::of_learner(learner.clone(), "gateway", key);
        let contract = Contract::new(network.gateway());
        Self { school, contract, learner, wallet, officer }
    }

    async fn learner_does(&self, act: impl Into<Act>, beside: Vec<(String, Vec<u8>)>) -> Acted {
        self.submits(&self.wallet.sign(act, now()).unwrap(), beside).await
    }

    async fn officer_does(&self, act: impl Into<Act>, beside: Vec<(String, Vec<u8>)>) -> Acted {
        self.submits(&self.officer.sign(act, now()).unwrap(), beside).await
    }

    /// Submits it, and again: the second time it is the same.
    async fn submits(&self, act: &str, beside: Vec<(String, Vec<u8>)>) -> Acted {
        let (acted, commit) = self.contract.act(act, beside).await.unwrap();
        assert!(commit.valid && !acted.repeated);
        let (again, _) =
            settled(async || self.contract.act(act, []).await, |(again, _)| again.repeated).await;
        assert_eq!((&again.transaction, again.act), (&acted.transaction, acted.act));
        let kept = self.contract.recorded_act(&acted.act).await.unwrap().unwrap();
        assert_eq!((kept.jws.as_str(), &kept.transaction), (act, &acted.transaction));
        acted
    }
}

/// Cases that begin at once on a new network all register the offices; of two, one takes effect.
pub(super) async fn offices_stand(consortium: &Consortium) {
    while let Err(error) = register_offices(consortium).await {
        assert!(matches!(error, RegisterError::Ledger(LedgerError::Invalid { .. })), "{error}");
    }
}

/// A peer may learn of a block a moment after the one that told of the commit.
pub(super) async fn settled<T>(ask: impl AsyncFn() -> Result<T, LedgerError>, so: impl Fn(&T) -> bool) -> T {
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) if so(&answer) => return answer,
                _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap()
}

async fn a_certificate_goes_its_way_and_its_status_is_attested(network: &dyn Network) {
    let case = Case::new(network, "certified").await;
    let certificate = CertificateId::new(tag()).unwrap();
    let (digest, expires_at, nonce) = (Digest([7; 32]), now() + DAY, "0123456789abcdef".repeat(2));
    assert_eq!(case.contract.certificate(&certificate).await.unwrap(), None);
    assert!(case.contract.certificate_status(&certificate, &nonce).await.unwrap().is_none());
    case.learner_does(CertificateRequest { certificate: certificate.clone() }, vec![]).await;
    let issue = CertificateIssue { certificate: certificate.clone(), digest, expires_at };
    let issued = case.officer_does(issue, vec![]).await;
    let receipt =
        settled(async || network.gateway().receipt(&issued.transaction).await, Option::is_some).await;
    let proven = receipt::verify(&receipt.unwrap(), &network.roots()).unwrap();
    let written = proven.writes[&key::credential(&certificate)].as_deref().unwrap();
    let written: Credential = serde_json::from_slice(written).unwrap();
    assert_eq!((written.state, written.issued.unwrap().digest), (State::Issued, digest));
    case.learner_does(CertificateCountersign { certificate: certificate.clone(), digest }, vec![]).await;
    let status = async |state: State| {
        let told = async || {
            let receipt = case.contract.certificate_status(&certificate, &nonce).await?.unwrap();
            let proven = receipt::verify(&receipt, &network.roots()).unwrap();
            let status: CredentialStatus = serde_json::from_slice(&proven.answer).unwrap();
            assert_eq!((&status.transaction, &status.nonce), (&receipt.transaction, &nonce));
            Ok(status)
        };
        settled(told, |status| status.state == state).await
    };
    let told = status(State::Countersigned).await;
    assert_eq!((told.digest, told.expires_at), (Some(digest), Some(expires_at)));
    let reason = RevocationReason::Erroneous;
    case.officer_does(CertificateRevoke { certificate: certificate.clone(), reason }, vec![]).await;
    assert_eq!(status(State::Revoked).await.reason, Some(reason));
    let listed = case.contract.certificates(&case.learner, 9, "").await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

async fn an_objection_is_filed_and_dismissed_with_reasons_in_private(network: &dyn Network) {
    let case = Case::new(network, "objected").await;
    case.school.record(3).await;
    let place = case.contract.entries(&case.learner, 1, "").await.unwrap().items.remove(0);
    let reason = |text: &str| {
        let bytes = serde_json::json!({"text": text, "salt": "AAECAwQFBgcICQoLDA0ODw"}).to_string();
        (Digest::of(bytes.as_bytes()), bytes.into_bytes())
    };
    let ((digest, why), id) = (reason("점수가 다릅니다"), ObjectionId::new(tag()).unwrap());
    let file = ObjectionFile {
        objection: id.clone(),
        entry: place.entry,
        school: place.position.school.clone(),
        sequence: place.position.sequence,
        index: place.position.index,
        digest,
    };
    let foreign = ObjectionFile { objection: ObjectionId::new(tag()).unwrap(), index: 1, ..file.clone() };
    let foreign = case.wallet.sign(foreign, now()).unwrap();
    let told = case.contract.act(&foreign, [(TRANSIENT.to_owned(), why.clone())]).await;
    assert!(matches!(told, Err(LedgerError::Refused(ref refusal)) if refusal.code == Code::ObjectionEntry));
    case.learner_does(file, vec![(TRANSIENT.to_owned(), why.clone())]).await;
    let (digest, answer) = reason("다시 보았습니다");
    let dismiss = ObjectionDismiss { objection: id.clone(), digest };
    case.officer_does(dismiss, vec![(TRANSIENT.to_owned(), answer.clone())]).await;
    let whole = async || case.contract.objection_texts(&id).await;
    let texts =
        settled(whole, |texts| texts.as_ref().is_some_and(|texts| texts.answer.is_some())).await.unwrap();
    assert_eq!((texts.reason, texts.answer), (Some(why), Some(answer)));
    let objection = case.contract.objection(&id).await.unwrap().unwrap();
    assert_eq!((objection.state, objection.number), (objection::State::Dismissed, 1));
    assert_eq!(case.contract.objections(&case.learner, 9, "").await.unwrap().items, [objection]);
}

async fn what_is_erased_is_gone_from_every_office_and_the_rest_verifies(network: &dyn Network) {
    let case = Case::new(network, "erased").await;
    let batch = case.school.record(3).await;
    let school = case.school.id().clone();
    let body = async || case.contract.body(&school, 1).await;
    let whole = read_body(&settled(body, Option::is_some).await.unwrap().body).unwrap();
    let erase = Erase {
        learner: case.learner.clone(),
        grounds: Grounds::DataSubjectRequest,
        places: vec![Place { school: school.clone(), sequence: 1 }],
    };
    let blank = redacted(whole.clone(), &[0]);
    let packed = zstd::bulk::compress(&blank.encode_to_vec(), 3).unwrap();
    let acted = case.officer_does(erase, vec![(key::body(&school, 1), packed.clone())]).await;
    for office in ["OfficeMSP", "SupportMSP"] {
        let contract = Contract::new(network.as_identity(office, "client"));
        let told = settled(
            async || contract.body(&school, 1).await,
            |body| body.as_ref().is_some_and(|body| body.body == packed),
        );
        let told = told.await.unwrap();
        assert_eq!(told.erasures.len(), 1);
        assert_eq!(told.erasures[0].step.transaction, acted.transaction);
        assert_eq!(contract.erasures(&school, 1).await.unwrap().revision, 1);
    }
    assert_eq!(blank.entries[1..], whole.entries[1..]);
    for index in 0..3 {
        batch.proof(index).verify(&network.roots()).unwrap();
    }
    // What a batch has lost does not keep the next from being recorded.
    case.school.record(1).await;
}

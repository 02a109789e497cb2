//! The office signs what its signers approved, and nothing else.

use std::sync::Arc;

use serde_json::json;
use sillok_contract::{
    act::{DocumentDecline, SignatureApprove},
    digest::Digest,
    id::{DocumentId, MspId, SignerId},
    signature::{Commitment, Signature, Statement, Subject},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::town::{AUDIENCE, Town, settings, until};
use crate::{
    clock::now,
    events::{Effect, Event, Group, HandleError, Handler as _, NewEvent, SignatureChange, Topic},
    keys::{ActSigner, PrivateKey, Unsigned, held::HeldKeys as _},
    ledger::{consortium::Consortium, signer::Signer},
    problem::Problem,
    records::{Cursor, SignatureState, StoredSignature, Way},
    service::{
        Caller, Roles, Service, SignatureRequested, SignatureStatus, SigningRequest, signatures::OfficeSigner,
    },
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A town whose office holds the key of cha.
struct Office {
    town: Town,
    cha: Signer,
}

impl Office {
    async fn found() -> Self {
        let town = Town::found(40, 2_000).await;
        town.make_office_key();
        let held = town.held().generate(&"cha".parse().unwrap()).unwrap();
        let cha = register(&town, "cha", &held).await;
        Self { town, cha }
    }

    /// A service that works in these roles, until it is told to stop.
    fn serves(&self, roles: &str) -> (Service, CancellationToken, JoinHandle<()>) {
        self.serves_by(now, roles)
    }

    /// The same by this clock.
    fn serves_by(&self, clock: fn() -> i64, roles: &str) -> (Service, CancellationToken, JoinHandle<()>) {
        let (records, ledger) = (self.town.records.clone(), Arc::new(self.town.ledger.clone()));
        let service = self.town.service_on(records, ledger, settings(), Arc::new(clock));
        let stop = CancellationToken::new();
        let roles: Roles = roles.parse().unwrap();
        let running = tokio::spawn({
            let (service, stop) = (service.clone(), stop.clone());
            async move { service.run_as(&roles, stop).await }
        });
        (service, stop, running)
    }

    /// Where the signature comes to rest.
    async fn rests(&self, id: &[u8; 32]) -> StoredSignature {
        let stored = async || self.town.records.signature(id).await.unwrap().unwrap();
        until("the signature rests", async || stored().await.state.is_at_rest()).await;
        stored().await
    }

    /// Stores what somebody with the database's password could: that this approval asks for the signature with this digest.
    async fn slipped_in(&self, digest: Digest, statement: &Statement, approval: String) {
        let stored = StoredSignature {
            id: digest.0,
            hash: statement.hash.0,
            signer: self.cha.id.clone(),
            subject: statement.subject.to_string(),
            document: None,
            state: SignatureState::Requested,
            verdict: None,
            recorded: None,
            refusal: None,
            created_at: now(),
            updated_at: now(),
        };
        let requested = SignatureRequested {
            signature: digest.to_string(),
            hash: statement.hash.to_string(),
            subject: statement.subject.to_string(),
            signer: self.cha.id.to_string(),
            approval,
            source: "nobody".to_owned(),
            received_at: now(),
        };
        let which = digest.to_string();
        let event = NewEvent::new(Topic::SignaturesRequested, &*which, &which, now(), json!(requested));
        let effect = Effect::default().change(SignatureChange::New(stored)).tell(event);
        assert!(self.town.records.commit(&effect).await.unwrap());
    }

    /// The events of a topic.
    async fn told(&self, topic: Topic) -> Vec<NewEvent> {
        let ways = (0..crate::events::PARTITIONS).map(|partition| (Way { topic, partition }, Cursor::START));
        let told = self.town.records.events(&ways.collect::<Vec<_>>(), 100).await.unwrap();
        told.into_iter().map(|stored| stored.event).collect()
    }

    fn digest(&self, statement: &Statement) -> Digest {
        let unsigned = Unsigned::new(statement, &self.cha.certificate, &self.cha.authority);
        Digest::of(unsigned.as_bytes())
    }
}

async fn register(town: &Town, id: &str, held: &crate::keys::PublicKey) -> Signer {
    let (office, id) = (MspId::new("OfficeMSP").unwrap(), SignerId::new(id).unwrap());
    let own = PrivateKey::generate().unwrap();
    let consortium = Consortium::Embedded(town.ledger.clone());
    Signer::register_held(&consortium, office, id, held, own).await.unwrap()
}

fn statement(text: &str) -> Statement {
    let hash = Digest::of(text.as_bytes());
    let purpose = Some(Commitment::ProofOfApproval);
    Statement { hash, subject: Subject::Hash(hash), purpose, iat: now() / SECOND }
}

fn caller(signer: &Signer) -> Caller {
    Caller::Signer { id: signer.id.clone() }
}

async fn asks(service: &Service, signer: &Signer, approval: String) -> Result<SignatureStatus, Problem> {
    service.request_signing(&caller(signer), SigningRequest { approval }).await
}

fn id(status: &SignatureStatus) -> [u8; 32] {
    Digest::try_from(status.signature.clone()).unwrap().0
}

#[tokio::test]
async fn what_is_approved_is_made_once_and_recorded() {
    let office = Office::found().await;
    let (service, stop, running) = office.serves("all");
    let (statement, cha) = (statement("a consent"), &office.cha);
    let approval = cha.approves(&statement, AUDIENCE).unwrap();
    let asked = asks(&service, cha, approval.clone()).await.unwrap();
    assert_eq!(asks(&service, cha, approval.clone()).await.unwrap().signature, asked.signature);
    let rested = office.rests(&id(&asked)).await;
    assert_eq!(rested.state, SignatureState::Recorded, "{rested:?}");
    let [created] = &office.told(Topic::SignaturesCreated).await[..] else { panic!("one is made") };
    let made = Signature::parse(created.data["jws"].as_str().unwrap()).unwrap();
    made.verify().unwrap();
    assert_eq!(made.digest.to_string(), asked.signature, "it was known before it was made");
    assert_eq!(created.data["approval"], json!(approval));
    assert_eq!(asks(&service, cha, approval).await.unwrap().state, SignatureState::Recorded);
    assert_eq!(office.told(Topic::SignaturesRequested).await.len(), 1);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_its_signer_did_not_approve_here_and_now_is_not_taken_in() {
    let office = Office::found().await;
    let (service, stop, running) = office.serves("api");
    let (cha, statement) = (&office.cha, statement("a consent"));
    let (id, own) = (cha.id.clone(), cha.own.clone().unwrap());
    let by = |id: &SignerId, key: &PrivateKey, audience: &str, at: i64| {
        ActSigner::of_approver(id.clone(), audience, key.clone()).sign(statement.approval(), at).unwrap()
    };
    let (other, nobody) = (PrivateKey::generate().unwrap(), SignerId::new("nobody").unwrap());
    let consortium = Consortium::Embedded(office.town.ledger.clone());
    let holder = SignerId::new("ahn").unwrap();
    let msp = MspId::new("OfficeMSP").unwrap();
    Signer::register(&consortium, msp, holder.clone(), None).await.unwrap();
    let unlike = Digest::of(b"another");
    let unlike = SignatureApprove { subject: Subject::Hash(unlike), ..statement.approval() };
    let declined = DocumentDecline { document: DocumentId::new("d").unwrap() };
    let cases = [
        (by(&id, &other, AUDIENCE, now()), "approval.signature_invalid"),
        (by(&nobody, &own, AUDIENCE, now()), "signer.unknown"),
        (by(&holder, &other, AUDIENCE, now()), "approval.unexpected"),
        (by(&id, &own, "another", now()), "act.audience"),
        (by(&id, &own, AUDIENCE, now() - 400 * SECOND), "approval.time_out_of_bounds"),
        (by(&id, &own, AUDIENCE, now() + 200 * SECOND), "approval.time_out_of_bounds"),
        (cha.acts(AUDIENCE).unwrap().sign(declined, now()).unwrap(), "approval.mismatch"),
        (cha.acts(AUDIENCE).unwrap().sign(unlike, now()).unwrap(), "signature.malformed"),
        ("?".to_owned(), "act.malformed"),
    ];
    for (approval, code) in cases {
        assert_eq!(asks(&service, cha, approval).await.unwrap_err().code, code);
    }
    assert!(office.told(Topic::SignaturesRequested).await.is_empty());
    let administrator = consortium.administrator("OfficeMSP").unwrap();
    administrator.revoke_signer(&id, now() - SECOND).await.unwrap();
    until("the revocation acts", async || {
        let refused = asks(&service, cha, by(&id, &own, AUDIENCE, now())).await;
        refused.is_err_and(|problem| problem.code == "signer.revoked")
    })
    .await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn whoever_writes_the_database_gets_nothing_signed() {
    let office = Office::found().await;
    let (cha, own) = (&office.cha, office.cha.own.clone().unwrap());
    let (forged, swapped, old) = (statement("forged"), statement("swapped"), statement("old"));
    let other = PrivateKey::generate().unwrap();
    let by = |key: &PrivateKey, statement: &Statement, at: i64| {
        ActSigner::of_approver(cha.id.clone(), AUDIENCE, key.clone()).sign(statement.approval(), at).unwrap()
    };
    let cases = [
        (&forged, by(&other, &forged, forged.iat * SECOND), "approval.signature_invalid"),
        (&swapped, by(&own, &statement("what cha did approve"), swapped.iat * SECOND), "approval.mismatch"),
        (&old, by(&own, &old, old.iat * SECOND), "approval.time_out_of_bounds"),
    ];
    for (statement, approval, _) in &cases {
        office.slipped_in(office.digest(statement), statement, approval.clone()).await;
    }
    let (_, stop, running) = office.serves_by(|| now() + 2 * DAY, "signer");
    for (statement, _, code) in &cases {
        let rested = office.rests(&office.digest(statement).0).await;
        assert_eq!(rested.state, SignatureState::Refused);
        assert_eq!(rested.refusal.unwrap().code, *code);
    }
    assert!(office.told(Topic::SignaturesCreated).await.is_empty());
    let told = office.told(Topic::SignaturesVerified).await;
    assert!(told.len() == 3 && told.iter().all(|event| event.data["failure"]["code"].is_string()));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_not_there_or_anothers_is_told() {
    let office = Office::found().await;
    let other = PrivateKey::generate().unwrap();
    let none = register(&office.town, "none", other.public_key()).await;
    let wrong = register(&office.town, "wrong", other.public_key()).await;
    office.town.held().generate(&"wrong".parse().unwrap()).unwrap();
    let (service, stop, running) = office.serves("api,signer,verifier,recorder");
    for (signer, code) in [(&none, "held.unknown"), (&wrong, "held.other_key")] {
        let approval = signer.approves(&statement("a consent"), AUDIENCE).unwrap();
        let asked = asks(&service, signer, approval.clone()).await.unwrap();
        let rested = office.rests(&id(&asked)).await;
        assert_eq!((rested.state, &*rested.refusal.unwrap().code), (SignatureState::Refused, code));
        let again = asks(&service, signer, approval).await.unwrap();
        assert_eq!(again.refusal.unwrap().code, code, "asked again, it is told again");
    }
    // What is not made keeps nobody from what is.
    let approval = office.cha.approves(&statement("a consent"), AUDIENCE).unwrap();
    let asked = asks(&service, &office.cha, approval).await.unwrap();
    assert_eq!(office.rests(&id(&asked)).await.state, SignatureState::Recorded);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn while_the_keys_are_away_what_was_approved_waits() {
    let town = Town::found(40, 2_000).await;
    town.make_office_key();
    let held = town.held().generate(&"cha".parse().unwrap()).unwrap();
    let cha = register(&town, "cha", &held).await;
    let (office, hidden) = (Office { town, cha }, tempfile::tempdir().unwrap());
    let away = hidden.path().join("away");
    std::fs::rename(office.town.office_keys(), &away).unwrap();
    let service = office.town.service(settings());
    let approval = office.cha.approves(&statement("a consent"), AUDIENCE).unwrap();
    let asked = asks(&service, &office.cha, approval).await.unwrap();
    let signer = OfficeSigner { core: service.core.clone(), group: Group::new("signer").unwrap() };
    let told = office.told(Topic::SignaturesRequested).await;
    let events: Vec<_> = told.into_iter().map(|event| Event::told("here", event)).collect();
    let stored = async || office.town.records.signature(&id(&asked)).await.unwrap().unwrap().state;
    for _ in 0..2 {
        assert!(matches!(signer.handle(&events).await, Err(HandleError::Later(_))));
        assert_eq!(stored().await, SignatureState::Requested);
    }
    std::fs::rename(&away, office.town.office_keys()).unwrap();
    for _ in 0..2 {
        signer.handle(&events).await.unwrap();
        assert_eq!(stored().await, SignatureState::Created);
    }
    assert_eq!(office.told(Topic::SignaturesCreated).await.len(), 1);
}

#[tokio::test]
async fn without_a_signer_it_is_delayed_and_not_lost() {
    let office = Office::found().await;
    let (service, stop, running) = office.serves("api,verifier,recorder");
    let approval = office.cha.approves(&statement("a consent"), AUDIENCE).unwrap();
    let asked = asks(&service, &office.cha, approval).await.unwrap();
    assert_eq!(asked.state, SignatureState::Requested);
    let (_, stop_signer, signer) = office.serves("signer");
    assert_eq!(office.rests(&id(&asked)).await.state, SignatureState::Recorded);
    for (stop, running) in [(stop, running), (stop_signer, signer)] {
        stop.cancel();
        running.await.unwrap();
    }
}

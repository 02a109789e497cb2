//! Certificates, from the learner's asking to the verdict of a third party, and every forgery of one.

mod forged;
mod refused;
mod way;

use std::sync::{Arc, atomic::Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sillok_contract::{
    act::{
        Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest as Request,
        CertificateRevoke, RevocationReason,
    },
    credential::State,
    digest::Digest,
    entry::EntryId,
    id::{LearnerId, MspId, OfficerId},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    faults::{Faults, FaultyLedger},
    town::{AUDIENCE, Town, mark, officer as caller, settings, until},
};
use crate::{
    certificate::{
        Asked, CertificateFile, CertificateId, Draft, Link, Outcome, Second, SignedCredential, Verdict,
    },
    clock::now,
    keys::{ActSigner, PrivateKey},
    ledger::{consortium::Consortium, officer::Officer, receipt::Roots},
    problem::Problem,
    proof::Proof,
    records::EntryStatus,
    service::{Caller, CertificateAct, CertificateRequest, CertificateState, Service, system_clock},
};

/// A learner with their wallet's key, an officer, and a gateway that records.
struct Scene {
    town: Town,
    service: Service,
    learner: LearnerId,
    wallet: PrivateKey,
    officer: Officer,
    roots: Roots,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Scene {
    async fn set() -> Self {
        let town = Town::found(2, 50).await;
        let service = town.service(settings());
        let consortium = Consortium::Embedded(town.ledger.clone());
        let office = MspId::new("OfficeMSP").unwrap();
        let officer = Officer::register(&consortium, office, OfficerId::new("han").unwrap()).await.unwrap();
        let (learner, wallet) = (town.schools[0].learners[0].clone(), PrivateKey::generate().unwrap());
        let support = consortium.administrator("SupportMSP").unwrap();
        support.register_wallet_key(&learner, &wallet.public_key().of_wallet(0)).await.unwrap();
        let roots = Roots::read_dir(&consortium.roots().unwrap()).unwrap();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let (service, shutdown) = (service.clone(), shutdown.clone());
            async move { service.run(shutdown).await }
        });
        let scene = Self { town, service, learner, wallet, officer, roots, shutdown, running };
        scene.marks(&["수학", "국어"]).await;
        scene
    }

    /// Marks of the learner in these subjects, one after the other, seen on the ledger.
    async fn marks(&self, subjects: &[&str]) {
        for subject in subjects {
            self.does(mark(&self.learner, subject)).await;
        }
    }

    async fn does(&self, asked: crate::keys::Asked) {
        let sent: super::town::Sent = self.town.schools[0].educators[0].signs([asked]).unwrap().into();
        let entry = sent.to(&self.service).await.unwrap().results[0].entry.entry;
        until("the entry is recorded", || async {
            let stored = self.town.records.entry(&entry).await.unwrap().unwrap();
            matches!(stored.status, EntryStatus::Recorded { .. })
        })
        .await;
    }

    fn as_learner(&self) -> Caller {
        Caller::Learner { id: self.learner.clone() }
    }

    fn by_learner(&self, act: impl Into<Act>) -> String {
        let signer = ActSigner::of_learner(self.learner.clone(), AUDIENCE, self.wallet.clone());
        signer.sign(act, now()).unwrap()
    }

    fn by_officer(&self, act: impl Into<Act>) -> String {
        let Officer { certificate, key, .. } = &self.officer;
        ActSigner::of_officer(certificate, AUDIENCE, key.clone()).unwrap().sign(act, now()).unwrap()
    }

    /// What the wallet holds.
    async fn held(&self) -> Vec<EntryId> {
        let page = self.town.office.entries(&self.learner, 100, "").await.unwrap();
        page.items.iter().rev().map(|entry| entry.entry).collect()
    }

    async fn asks(&self, id: CertificateId) -> Result<CertificateState, Problem> {
        let act = self.by_learner(Request { certificate: id.named() });
        let asked = CertificateRequest { act, wallet: self.held().await };
        self.service.request_certificate(&self.as_learner(), asked).await
    }

    async fn draft(&self, id: CertificateId) -> Result<Draft, Problem> {
        self.service.certificate_draft(&caller(), id).await
    }

    /// What the officer sends, once they have checked the draft on their own machine.
    fn signed(&self, id: CertificateId, draft: &Draft) -> CertificateAct {
        draft.check(&self.roots).unwrap();
        let jwt = SignedCredential::sign(&draft.credential, &self.officer.certificate, &self.officer.key);
        let jwt = jwt.unwrap();
        let digest = Digest::of(jwt.as_bytes());
        let expires_at = draft.credential.valid_until.micros();
        let act = self.by_officer(CertificateIssue { certificate: id.named(), digest, expires_at });
        CertificateAct { act, credential: Some(jwt) }
    }

    async fn does_as(
        &self,
        caller: &Caller,
        id: CertificateId,
        act: String,
    ) -> Result<CertificateState, Problem> {
        let asked = CertificateAct { act, credential: None };
        self.service.act_on_certificate(caller, id, asked).await
    }

    async fn countersigns(&self, id: CertificateId) -> Result<CertificateState, Problem> {
        let digest = Digest::of(self.file(id).await.credential.as_bytes());
        let act = self.by_learner(CertificateCountersign { certificate: id.named(), digest });
        self.does_as(&self.as_learner(), id, act).await
    }

    async fn file(&self, id: CertificateId) -> CertificateFile {
        let file = self.service.certificate_file(&self.as_learner(), id).await.unwrap();
        CertificateFile::parse(file.as_bytes()).unwrap()
    }

    /// A certificate, all the way to both signatures.
    async fn certified(&self) -> CertificateId {
        let id = CertificateId::draw().unwrap();
        self.asks(id).await.unwrap();
        let signed = self.signed(id, &self.draft(id).await.unwrap());
        self.service.act_on_certificate(&caller(), id, signed).await.unwrap();
        self.countersigns(id).await.unwrap();
        id
    }

    async fn verdict(&self, file: &CertificateFile) -> Verdict {
        self.service.judge_certificate(file.to_json().into_bytes()).await.unwrap()
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> &'static str {
    result.unwrap_err().code
}

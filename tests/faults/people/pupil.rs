//! Learners with wallets: they fetch what is recorded about them, ask for certificates, agree to them, and show them.

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use sillok_contract::{
    act::{
        Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest as Request,
        CertificateRevoke, RevocationReason,
    },
    digest::Digest,
    id::LearnerId,
};
use sillok_gateway::{
    certificate::{Asked, CertificateFile, CertificateId, Outcome, SignedCredential, Verdict},
    keys::ActSigner,
    service::{CertificateRequest, CertificateState},
    wallet::{Attestation, Complete, Nonce, Wallet},
};
use sillok_tests::{
    call::{AUDIENCE, Caller, Face},
    patience::until,
    school::now,
    world::World,
};

use super::{
    Shared,
    asking::{Asking, Ended},
    cases::{Step, Told},
};

/// How many entries are asked for at once.
const PAGE: u32 = 20;
/// A draft that begins so much later was made by a clock that is wrong: no officer signs it. Microseconds.
const SKEW: i64 = 30_000_000;

/// A learner, and the officer who certifies their record.
pub(super) struct Holder {
    shared: Shared,
    wallet: Wallet,
    /// As the learner, and as the officer.
    own: Asking,
    office: Asking,
    random: StdRng,
}

impl Holder {
    pub(super) fn new(shared: &Shared, who: u64, wallet: Wallet) -> Self {
        let face = if who.is_multiple_of(2) { Face::Rest } else { Face::Grpc };
        let (access, officer) = (wallet.access(), shared.officer.access().unwrap());
        Self {
            shared: shared.clone(),
            wallet,
            own: shared.asking(300 + who, |addresses| Caller::new(face, addresses, access.clone())),
            office: shared.asking(400 + who, |addresses| Caller::new(face, addresses, officer.clone())),
            random: shared.random(500 + who),
        }
    }

    pub(super) async fn run(mut self) -> Self {
        while !self.shared.is_over() {
            self.shared.pause(&mut self.random).await;
            match self.random.random_range(0..10) {
                0..3 => drop(self.sync().await),
                3..7 => self.certifies().await,
                _ => self.shows().await,
            }
        }
        self
    }

    fn learner(&self) -> LearnerId {
        self.wallet.learner().clone()
    }

    /// G8: fetches all there is, as far as the gateways answer; what they give holds, and is all of it.
    async fn sync(&mut self) -> Option<Complete> {
        let (nonce, learner) = (Nonce::draw().unwrap(), self.learner());
        let receipt =
            self.own.ask(async |caller| caller.trail(&learner, &nonce.to_string()).await).await.done()?;
        let count = self.wallet.attest(Attestation { nonce, receipt }).expect("G8: both offices attest");
        while self.wallet.count() < count {
            let after = self.wallet.count();
            let page = self
                .own
                .ask(async |caller| caller.learner_entries(&learner, after, PAGE).await)
                .await
                .done()?;
            for told in page.entries.iter().filter(|told| told.number <= count) {
                let id = told.entry.entry;
                let proof = self.own.ask(async |caller| caller.proof(id).await).await.done()?;
                self.wallet.add(&proof).expect("G8: what the gateway gives is the learner's next entry");
            }
            if page.entries.is_empty() {
                return None;
            }
        }
        Some(self.wallet.verify(&self.shared.roots).expect("G8: the wallet is complete"))
    }

    /// Asks for a certificate, has it issued or refused, agrees to it; and now and then it is revoked.
    async fn certifies(&mut self) {
        let Some(complete) = self.sync().await else { return };
        let (id, learner) = (CertificateId::draw().unwrap(), self.learner());
        self.shared.cases.borrow_mut().open(id, &learner);
        let act = self.own_act(Request { certificate: id.named() });
        let wallet: Vec<_> = complete.entries.iter().map(|entry| entry.id).collect();
        let before = self.shared.tampers.borrow().seen(&learner);
        self.shared.cases.borrow_mut().tries(id, Step::Requested, &act);
        let asked = async |caller: &Caller| {
            caller.ask(CertificateRequest { act: act.clone(), wallet: wallet.clone() }).await
        };
        let ended = self.own.ask(asked).await;
        self.shared.cases.borrow_mut().told(id, Step::Requested, Told::of(&ended));
        let Some(state) = ended.done() else { return };
        let after = self.shared.tampers.borrow().seen(&learner);
        if let Some(changed) = before.all_the_time(&after) {
            assert_eq!(
                state.agrees,
                changed.is_none(),
                "G9: whether they agree about {learner}: {changed:?}"
            );
        }
        if !self.is_issued(id, &state).await {
            return;
        }
        self.fetch(id).await;
        self.countersigns(id).await;
        self.fetch(id).await;
        if self.random.random_bool(0.3) {
            let reason = RevocationReason::Erroneous;
            let act = self.officers_act(CertificateRevoke { certificate: id.named(), reason });
            self.acts(Step::Revoked, id, act, None).await;
        }
    }

    /// G9: the officer issues it, where database and ledger agree, or refuses. Whether it may be issued.
    async fn is_issued(&mut self, id: CertificateId, state: &CertificateState) -> bool {
        let learner = self.learner();
        let before = self.shared.tampers.borrow().seen(&learner);
        let draft = match self.office.ask(async |caller| caller.draft(id).await).await {
            Ended::Done(draft) => draft,
            Ended::Refused(refusal) => {
                if refusal.code == "certificate.drift" && self.random.random_bool(0.5) {
                    let digest = Digest::of(state.report.as_bytes());
                    let act = self.officers_act(CertificateRefuse { certificate: id.named(), digest });
                    self.acts(Step::Refused, id, act, None).await;
                }
                return false;
            }
            Ended::Unclear => return false,
        };
        draft.check(&self.shared.roots).expect("G9: a draft is proven");
        if draft.credential.valid_from.micros() > now() + SKEW {
            return false;
        }
        let officer = &self.shared.officer;
        let jwt = SignedCredential::sign(&draft.credential, &officer.certificate, &officer.key).unwrap();
        let digest = Digest::of(jwt.as_bytes());
        let expires_at = draft.credential.valid_until.micros();
        let act = self.officers_act(CertificateIssue { certificate: id.named(), digest, expires_at });
        let told = self.acts(Step::Issued, id, act, Some(jwt)).await;
        let after = self.shared.tampers.borrow().seen(&learner);
        if let Some(Some(tamper)) = before.all_the_time(&after) {
            assert_ne!(told, Told::Done, "G9: issued while {tamper:?} of {learner} stood");
        }
        told != Told::Refused
    }

    async fn countersigns(&mut self, id: CertificateId) {
        let file = self.shared.cases.borrow_mut().case(id).file.clone();
        let Some(file) = file else { return };
        let digest = Digest::of(CertificateFile::parse(&file).unwrap().credential.as_bytes());
        let act = self.own_act(CertificateCountersign { certificate: id.named(), digest });
        self.shared.cases.borrow_mut().tries(id, Step::Countersigned, &act);
        let ended = self.own.ask(async |caller| caller.decide(id, act.clone(), None).await).await;
        self.shared.cases.borrow_mut().told(id, Step::Countersigned, Told::of(&ended));
    }

    async fn fetch(&mut self, id: CertificateId) {
        if let Some(file) = self.own.ask(async |caller| caller.file(id).await).await.done() {
            self.shared.cases.borrow_mut().case(id).file = Some(file);
        }
    }

    /// An officer's act.
    async fn acts(&mut self, step: Step, id: CertificateId, act: String, jwt: Option<String>) -> Told {
        self.shared.cases.borrow_mut().tries(id, step, &act);
        let ended = self.office.ask(async |caller| caller.decide(id, act.clone(), jwt.clone()).await).await;
        let told = Told::of(&ended);
        self.shared.cases.borrow_mut().told(id, step, told);
        told
    }

    /// G9: somebody is shown a certificate, and asks for its status once. Where the gateways cannot reach the ledger, they
    /// cannot tell.
    async fn shows(&mut self) {
        let ids = self.shared.cases.borrow().with_files(&self.learner());
        let Some(&id) = ids.choose(&mut self.random) else { return };
        let before = self.shared.cases.borrow_mut().case(id).clone();
        let (file, away) = (before.file.clone().expect("it was had"), self.shared.away.count());
        let nonce = Nonce::draw().unwrap().to_string();
        let asked = match self.own.ask(async |caller| caller.status(id, &nonce).await).await {
            Ended::Done(receipt) => Asked::Answered { receipt, nonce: nonce.clone() },
            _ => Asked::Unanswered { code: "unanswered".to_owned(), detail: String::new() },
        };
        let outcome = Verdict::of(&file, &self.shared.roots, &asked, now()).outcome;
        let mut cases = self.shared.cases.borrow_mut();
        let case = cases.case(id);
        assert!(case.allows(outcome, &before), "G9: {outcome:?} of {case:?}");
        if self.shared.away.is_so_since(away) {
            assert_eq!(outcome, Outcome::CannotTell, "G9: the ledger is away, and it is told");
        }
        cases.was_shown(outcome);
    }

    fn own_act(&self, act: impl Into<Act>) -> String {
        self.wallet.acts(AUDIENCE).sign(act, now()).unwrap()
    }

    fn officers_act(&self, act: impl Into<Act>) -> String {
        let officer = &self.shared.officer;
        ActSigner::of_officer(&officer.certificate, AUDIENCE, officer.key.clone())
            .unwrap()
            .sign(act, now())
            .unwrap()
    }

    /// G8: the wallet comes to hold every entry of the learner that the ledger has.
    pub(super) async fn finish(mut self, world: &World) {
        let (contract, learner) = (world.contract(), self.learner());
        until("G8: the wallet has all that the ledger has", async || {
            let complete = self.sync().await?;
            let recorded = contract.entries(&learner, 1, "").await.unwrap().count;
            (complete.entries.len() as u64 == recorded).then_some(())
        })
        .await;
        let codes = self.own.codes.iter().chain(&self.office.codes);
        let codes: Vec<_> = codes.map(|(code, count)| format!("{code} {count}")).collect();
        self.shared.journal.note(format!(
            "{learner}: {} proofs; told: {}",
            self.wallet.count(),
            codes.join(", ")
        ));
    }
}

//! Certificates, as learners, officers and third parties handle them through either face.

use sillok_contract::{
    act::{
        self, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRevoke,
        RevocationReason,
    },
    digest::Digest,
    id::{LearnerId, MspId, OfficerId},
};
use sillok_gateway::{
    certificate::{Asked, CertificateFile, CertificateId, Draft, Language, SignedCredential, Verdict},
    keys::ActSigner,
    ledger::{Receipt, officer::Officer, receipt::Roots},
    service::{CertificateAct, CertificateRequest, CertificateState, WaitingCertificate},
    wallet::Nonce,
};
use sillok_proto::gateway::{
    self as message, ActOnCertificateRequest, GetCertificateRequest, GetCertificateStatusRequest,
    ListWaitingCertificatesRequest, PrintCertificateRequest, RequestCertificateRequest,
};

use crate::{
    call::{AUDIENCE, Answer, Caller, Face},
    pupil::Pupil,
    refusal::{Failed, Refusal},
    school::now,
    world::World,
};

/// An officer of an office, who signs certificates on their own machine.
pub struct Registrar {
    officer: Officer,
    roots: Roots,
    caller: Caller,
}

impl Registrar {
    /// A new one, of the education office.
    pub async fn new(world: &World) -> Self {
        let office = MspId::new("OfficeMSP").unwrap();
        let id = OfficerId::new(format!("officer-{:016x}", rand::random::<u64>())).unwrap();
        let officer = Officer::register(world.consortium(), office, id).await.unwrap();
        Self { officer, roots: roots(world), caller: world.as_seen_by_the_office() }
    }

    fn act(&self, act: impl Into<act::Act>) -> String {
        let Officer { certificate, key, .. } = &self.officer;
        ActSigner::of_officer(certificate, AUDIENCE, key.clone()).unwrap().sign(act, now()).unwrap()
    }

    /// Signs the draft that the gateway makes, once it is checked.
    pub async fn signs(&self, id: CertificateId) -> Result<CertificateState, Refusal> {
        let draft = self.caller.draft(id).await.map_err(Failed::refused)?;
        draft.check(&self.roots).expect("G9: a draft is proven");
        let Officer { certificate, key, .. } = &self.officer;
        let jwt = SignedCredential::sign(&draft.credential, certificate, key).unwrap();
        let digest = Digest::of(jwt.as_bytes());
        let expires_at = draft.credential.valid_until.micros();
        let act = self.act(CertificateIssue { certificate: id.named(), digest, expires_at });
        self.caller.decide(id, act, Some(jwt)).await.map_err(Failed::refused)
    }

    /// The learners' certificates that wait for an office, in its list's order.
    pub async fn sees_waiting(&self, learner: &LearnerId) -> Vec<CertificateId> {
        let waiting = self.caller.waiting().await.map_err(Failed::refused).unwrap();
        assert!(waiting.is_sorted_by_key(|one| one.requested_at), "{waiting:?}");
        let theirs = waiting.into_iter().filter(|one| one.learner == *learner);
        theirs.map(|one| one.certificate).collect()
    }

    /// Has it printed.
    pub async fn prints(&self, id: CertificateId) -> Vec<u8> {
        self.caller.printed(id).await.map_err(Failed::refused).unwrap()
    }

    /// Refuses, for what the report says.
    pub async fn refuses(&self, state: &CertificateState) -> CertificateState {
        let (id, digest) = (state.certificate, Digest::of(state.report.as_bytes()));
        let act = self.act(CertificateRefuse { certificate: id.named(), digest });
        self.caller.decide(id, act, None).await.map_err(Failed::refused).unwrap()
    }

    /// Withdraws it.
    pub async fn revokes(&self, id: CertificateId) -> CertificateState {
        let act = CertificateRevoke { certificate: id.named(), reason: RevocationReason::Erroneous };
        self.caller.decide(id, self.act(act), None).await.map_err(Failed::refused).unwrap()
    }
}

impl Pupil {
    /// Asks for a certificate, with all that the wallet holds.
    pub async fn asks(&mut self, world: &World) -> CertificateState {
        let entries = self.sync(world).await.entries;
        let id = CertificateId::draw().unwrap();
        let act = self.wallet.acts(AUDIENCE).sign(act::CertificateRequest { certificate: id.named() }, now());
        let asked =
            CertificateRequest { act: act.unwrap(), wallet: entries.iter().map(|entry| entry.id).collect() };
        self.caller(world).ask(asked).await.map_err(Failed::refused).unwrap()
    }

    /// The certificate's file.
    pub async fn file(&self, world: &World, id: CertificateId) -> Vec<u8> {
        self.caller(world).file(id).await.map_err(Failed::refused).unwrap()
    }

    /// Agrees to it.
    pub async fn countersigns(&self, world: &World, id: CertificateId) -> CertificateState {
        let file = CertificateFile::parse(&self.file(world, id).await).unwrap();
        let digest = Digest::of(file.credential.as_bytes());
        let act = CertificateCountersign { certificate: id.named(), digest };
        let act = self.wallet.acts(AUDIENCE).sign(act, now()).unwrap();
        self.caller(world).decide(id, act, None).await.map_err(Failed::refused).unwrap()
    }
}

/// What a third party finds who asks the gateway for both offices' answer and believes nothing else.
pub async fn found(world: &World, anybody: &Caller, file: &[u8]) -> Verdict {
    let id = CertificateFile::parse(file).unwrap().read().unwrap().credential.id();
    let nonce = Nonce::draw().unwrap().to_string();
    let asked = match anybody.status(id, &nonce).await {
        Ok(receipt) => Asked::Answered { receipt, nonce },
        Err(failed) => Asked::Unanswered { code: failed.refused().code, detail: String::new() },
    };
    Verdict::of(file, &roots(world), &asked, now())
}

fn roots(world: &World) -> Roots {
    Roots::read_dir(&world.consortium().roots().unwrap()).unwrap()
}

impl Caller {
    /// A learner asks for a certificate.
    pub async fn ask(&self, asked: CertificateRequest) -> Answer<CertificateState> {
        match self.face {
            Face::Rest => Ok(self.rest.request_certificate(&asked).await?),
            Face::Grpc => {
                let wallet = asked.wallet.iter().map(ToString::to_string).collect();
                let wanted = RequestCertificateRequest { act: asked.act, wallet };
                let call = self.with_token("RequestCertificate", wanted);
                Ok(state(self.grpc.clone().request_certificate(call).await?.into_inner()))
            }
        }
    }

    /// Where a certificate stands.
    pub async fn certificate(&self, id: CertificateId) -> Answer<CertificateState> {
        match self.face {
            Face::Rest => Ok(self.rest.certificate(id).await?),
            Face::Grpc => {
                let call = self.with_token("GetCertificate", named(id));
                Ok(state(self.grpc.clone().get_certificate(call).await?.into_inner()))
            }
        }
    }

    /// What an officer is to sign.
    pub async fn draft(&self, id: CertificateId) -> Answer<Draft> {
        match self.face {
            Face::Rest => Ok(self.rest.certificate_draft(id).await?),
            Face::Grpc => {
                let call = self.with_token("GetCertificateDraft", named(id));
                let reply = self.grpc.clone().get_certificate_draft(call).await?.into_inner();
                Ok(serde_json::from_str(&reply.json).unwrap())
            }
        }
    }

    /// A certificate's file.
    pub async fn file(&self, id: CertificateId) -> Answer<Vec<u8>> {
        match self.face {
            Face::Rest => Ok(self.rest.certificate_file(id).await?),
            Face::Grpc => {
                let call = self.with_token("GetCertificateFile", named(id));
                Ok(self.grpc.clone().get_certificate_file(call).await?.into_inner().json.into_bytes())
            }
        }
    }

    /// The certificates that wait for an office: all pages of them.
    async fn waiting(&self) -> Answer<Vec<WaitingCertificate>> {
        let (mut waiting, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = match self.face {
                Face::Rest => self.rest.waiting_certificates(&bookmark).await?,
                Face::Grpc => {
                    let wanted = ListWaitingCertificatesRequest { bookmark };
                    let call = self.with_token("ListWaitingCertificates", wanted);
                    let reply = self.grpc.clone().list_waiting_certificates(call).await?.into_inner();
                    serde_json::from_str(&reply.json).unwrap()
                }
            };
            waiting.extend(page.certificates);
            bookmark = page.bookmark;
            if bookmark.is_empty() {
                return Ok(waiting);
            }
        }
    }

    /// A certificate as it is printed.
    pub async fn printed(&self, id: CertificateId) -> Answer<Vec<u8>> {
        match self.face {
            Face::Rest => Ok(self.rest.printed_certificate(id, Language::Ko).await?),
            Face::Grpc => {
                let wanted =
                    PrintCertificateRequest { certificate: id.to_string(), language: "ko".to_owned() };
                let call = self.with_token("PrintCertificate", wanted);
                Ok(self.grpc.clone().print_certificate(call).await?.into_inner().pdf)
            }
        }
    }

    /// An officer refuses, issues or revokes it, or its learner agrees to it.
    pub async fn decide(
        &self,
        id: CertificateId,
        act: String,
        credential: Option<String>,
    ) -> Answer<CertificateState> {
        match self.face {
            Face::Rest => Ok(self.rest.act_on_certificate(id, &CertificateAct { act, credential }).await?),
            Face::Grpc => {
                let credential = credential.unwrap_or_default();
                let wanted = ActOnCertificateRequest { certificate: id.to_string(), act, credential };
                let call = self.with_token("ActOnCertificate", wanted);
                Ok(state(self.grpc.clone().act_on_certificate(call).await?.into_inner()))
            }
        }
    }

    /// What both offices say of it now.
    pub async fn status(&self, id: CertificateId, nonce: &str) -> Answer<Receipt> {
        match self.face {
            Face::Rest => Ok(self.rest.certificate_status(id, nonce).await?),
            Face::Grpc => {
                let wanted =
                    GetCertificateStatusRequest { certificate: id.to_string(), nonce: nonce.to_owned() };
                let reply = self.grpc.clone().get_certificate_status(wanted).await?.into_inner();
                Ok(serde_json::from_str(&reply.json).unwrap())
            }
        }
    }

    /// The gateway's own verdict on a certificate's file.
    pub async fn judge(&self, file: &[u8]) -> Answer<Verdict> {
        match self.face {
            Face::Rest => Ok(self.rest.judge_certificate(file.to_vec()).await?),
            Face::Grpc => {
                let json = String::from_utf8(file.to_vec()).unwrap();
                let reply = self.grpc.clone().verify_certificate(message::CertificateFile { json }).await?;
                let reply = reply.into_inner();
                let verdict: Verdict = serde_json::from_str(&reply.json).unwrap();
                assert_eq!(reply.outcome, verdict.outcome.as_str());
                Ok(verdict)
            }
        }
    }
}

fn named(id: CertificateId) -> GetCertificateRequest {
    GetCertificateRequest { certificate: id.to_string() }
}

fn state(state: message::CertificateState) -> CertificateState {
    CertificateState {
        certificate: state.certificate.parse().unwrap(),
        learner: state.learner.parse().unwrap(),
        state: serde_json::from_value(state.state.into()).unwrap(),
        agrees: state.agrees,
        report: state.report,
        digest: Some(state.digest).filter(|digest| !digest.is_empty()),
        expires_at: Some(state.expires_at).filter(|time| *time != 0),
        transaction: state.transaction,
    }
}

//! Signatures, documents and claims, as signers make them and callers see them through either face.

use sillok_contract::{
    act::{Act, DocumentDecline, DocumentOpen, DocumentWithdraw, WorkClaim},
    digest::Digest,
    id::{DocumentId, MspId, SignerId},
    signature::{Commitment, Statement, Subject},
};
use sillok_gateway::{
    keys::{PrivateKey, Unsigned, new_id},
    ledger::signer::Signer,
    service::{
        ClaimState, DocumentState, RecordedSignatures, SignatureStatus, SignatureSubmission, SignerAct,
        SigningRequest,
    },
};
use sillok_proto::gateway::{
    ActOnDocumentRequest, ClaimWorkRequest, GetClaimRequest, GetDocumentRequest, GetSignatureRequest,
    ListSignaturesRequest, OpenDocumentRequest, RequestSigningRequest, SubmitSignatureRequest,
};

use crate::{
    call::{AUDIENCE, Answer, Caller, Face},
    patience::until,
    refusal::Failed,
    school::now,
    world::World,
};

/// A registered signer of the education office.
pub async fn signer(world: &World, name: &str) -> Signer {
    let id = SignerId::new(format!("{name}.{}", world.tag)).unwrap();
    Signer::register(world.consortium(), MspId::new("OfficeMSP").unwrap(), id, None).await.unwrap()
}

/// One whose certificate is issued, and who is not registered yet.
pub fn unregistered_signer(world: &World, name: &str) -> Signer {
    let id = SignerId::new(format!("{name}.{}", world.tag)).unwrap();
    Signer::issue(world.consortium(), MspId::new("OfficeMSP").unwrap(), id).unwrap()
}

/// One whose key the office holds, and who approves each use of it with their own.
pub async fn signer_by_approval(world: &World, name: &str) -> Signer {
    let (id, own) =
        (SignerId::new(format!("{name}.{}", world.tag)).unwrap(), PrivateKey::generate().unwrap());
    Signer::register(world.consortium(), MspId::new("OfficeMSP").unwrap(), id, Some(own)).await.unwrap()
}

/// An administrator revokes a signer, now.
pub async fn revoke(world: &World, signer: &Signer) {
    let administrator = world.consortium().administrator(signer.office.as_str()).unwrap();
    administrator.revoke_signer(&signer.id, now()).await.unwrap();
}

/// The bytes of a document that nobody else has, and their hash.
pub fn paper(world: &World, name: &str) -> (Vec<u8>, Digest) {
    let bytes = format!("{name} of {}", world.tag).into_bytes();
    let hash = Digest::of(&bytes);
    (bytes, hash)
}

/// What is sent of a signature of any document.
pub fn signed(signer: &Signer, hash: Digest) -> SignatureSubmission {
    signed_as(signer, hash, Subject::Hash(hash), None)
}

/// What is sent of a signature of a part in a document of several parties.
pub fn signed_part(signer: &Signer, document: &DocumentState) -> SignatureSubmission {
    let hash = Digest::try_from(document.hash.clone()).unwrap();
    signed_as(signer, hash, Subject::Document(document.document.clone()), Some(document.purpose))
}

/// What is sent of a signature, approved where the office holds the key.
pub fn signed_as(
    signer: &Signer,
    hash: Digest,
    subject: Subject,
    purpose: Option<Commitment>,
) -> SignatureSubmission {
    let (_, presented) = signer.presents(&statement(hash, subject, purpose), AUDIENCE).unwrap();
    SignatureSubmission { signature: presented.jws, approval: presented.approval }
}

/// What is sent to have the office sign any document.
pub fn approving(signer: &Signer, hash: Digest) -> SigningRequest {
    let approval = signer.approves(&statement(hash, Subject::Hash(hash), None), AUDIENCE).unwrap();
    SigningRequest { approval }
}

/// What is sent to have the office sign a part in a document of several parties.
pub fn approving_part(signer: &Signer, document: &DocumentState) -> SigningRequest {
    let hash = Digest::try_from(document.hash.clone()).unwrap();
    let subject = Subject::Document(document.document.clone());
    let statement = statement(hash, subject, Some(document.purpose));
    SigningRequest { approval: signer.approves(&statement, AUDIENCE).unwrap() }
}

/// A signature of any document that names one signer and is another's.
pub fn forged(named: &Signer, by: &Signer, hash: Digest) -> SignatureSubmission {
    let unsigned =
        Unsigned::new(&statement(hash, Subject::Hash(hash), None), &named.certificate, &named.authority);
    let signature = by.key.as_ref().unwrap().sign_fixed(unsigned.as_bytes());
    SignatureSubmission { signature: unsigned.signed(&signature), approval: None }
}

/// A signature of any document from so many microseconds ago.
pub fn signed_before(signer: &Signer, hash: Digest, ago: i64) -> SignatureSubmission {
    let now = statement(hash, Subject::Hash(hash), None);
    let statement = Statement { iat: now.iat - ago / 1_000_000, ..now };
    SignatureSubmission { signature: signer.signs(&statement).unwrap(), approval: None }
}

/// What is signed, now.
pub fn statement(hash: Digest, subject: Subject, purpose: Option<Commitment>) -> Statement {
    Statement { hash, subject, purpose, iat: now().div_euclid(1_000_000) }
}

/// The act that opens a document for these to sign within a minute, or so many microseconds.
pub fn opening(opener: &Signer, hash: Digest, parties: &[&Signer], ordered: bool, lasts: i64) -> SignerAct {
    let open = DocumentOpen {
        document: DocumentId::new(new_id().unwrap()).unwrap(),
        digest: hash,
        purpose: Commitment::ProofOfApproval,
        ordered,
        deadline: now() + lasts,
        parties: parties.iter().map(|signer| signer.id.clone()).collect(),
    };
    act(opener, open)
}

/// The act by which a party declines.
pub fn declining(signer: &Signer, document: &DocumentState) -> SignerAct {
    act(signer, DocumentDecline { document: document.document.clone() })
}

/// The act by which who opened it takes it back.
pub fn withdrawing(signer: &Signer, document: &DocumentState) -> SignerAct {
    act(signer, DocumentWithdraw { document: document.document.clone() })
}

/// The act that claims a work.
pub fn claiming(signer: &Signer, work: Digest) -> SignerAct {
    act(signer, WorkClaim { digest: work })
}

fn act(signer: &Signer, act: impl Into<Act>) -> SignerAct {
    SignerAct { act: signer.acts(AUDIENCE).unwrap().sign(act, now()).unwrap() }
}

impl World {
    /// The gateway as a signer sees it.
    pub fn as_seen_by_signer(&self, signer: &Signer) -> Caller {
        self.as_seen_by_holder(signer.access().unwrap())
    }

    /// A signer hands a signature in, and it comes to rest.
    pub async fn signature_rests(&self, signer: &Signer, sent: &SignatureSubmission) -> SignatureStatus {
        let caller = self.as_seen_by_signer(signer);
        let status = caller.submit_signature(sent).await.map_err(Failed::refused).unwrap();
        let digest = Digest::try_from(status.signature).unwrap();
        until("the signature rests", async || {
            let status = caller.signature(&digest).await.ok()?;
            status.state.is_at_rest().then_some(status)
        })
        .await
    }
}

impl Caller {
    /// Hands a signature in.
    pub async fn submit_signature(&self, sent: &SignatureSubmission) -> Answer<SignatureStatus> {
        match self.face {
            Face::Rest => Ok(self.rest.submit_signature(sent).await?),
            Face::Grpc => {
                let SignatureSubmission { signature, approval } = sent.clone();
                let message = SubmitSignatureRequest { signature, approval: approval.unwrap_or_default() };
                let call = self.signed_call("Signatures", "SubmitSignature", message);
                let answer = self.signatures.clone().submit_signature(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Has the office sign.
    pub async fn request_signing(&self, sent: &SigningRequest) -> Answer<SignatureStatus> {
        match self.face {
            Face::Rest => Ok(self.rest.request_signing(sent).await?),
            Face::Grpc => {
                let message = RequestSigningRequest { approval: sent.approval.clone() };
                let call = self.signed_call("Signatures", "RequestSigning", message);
                let answer = self.signatures.clone().request_signing(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Where a signature stands.
    pub async fn signature(&self, digest: &Digest) -> Answer<SignatureStatus> {
        match self.face {
            Face::Rest => Ok(self.rest.signature(digest).await?),
            Face::Grpc => {
                let call = self.signed_call(
                    "Signatures",
                    "GetSignature",
                    GetSignatureRequest { signature: digest.to_string() },
                );
                let answer = self.signatures.clone().get_signature(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// The signatures that the ledger has of a document.
    pub async fn recorded_signatures(&self, hash: &Digest) -> Answer<RecordedSignatures> {
        match self.face {
            Face::Rest => Ok(self.rest.recorded_signatures(hash, "").await?),
            Face::Grpc => {
                let message = ListSignaturesRequest { hash: hash.to_string(), bookmark: String::new() };
                let answer = self.signatures.clone().list_signatures(message).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Opens a document.
    pub async fn open_document(&self, sent: &SignerAct) -> Answer<DocumentState> {
        match self.face {
            Face::Rest => Ok(self.rest.open_document(sent).await?),
            Face::Grpc => {
                let call = self.signed_call(
                    "Signatures",
                    "OpenDocument",
                    OpenDocumentRequest { act: sent.act.clone() },
                );
                let answer = self.signatures.clone().open_document(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Declines or withdraws a document.
    pub async fn act_on_document(&self, id: &DocumentId, sent: &SignerAct) -> Answer<DocumentState> {
        match self.face {
            Face::Rest => Ok(self.rest.act_on_document(id, sent).await?),
            Face::Grpc => {
                let message = ActOnDocumentRequest { document: id.to_string(), act: sent.act.clone() };
                let call = self.signed_call("Signatures", "ActOnDocument", message);
                let answer = self.signatures.clone().act_on_document(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// A document of several parties.
    pub async fn document(&self, id: &DocumentId) -> Answer<DocumentState> {
        match self.face {
            Face::Rest => Ok(self.rest.document(id).await?),
            Face::Grpc => {
                let call = self.signed_call(
                    "Signatures",
                    "GetDocument",
                    GetDocumentRequest { document: id.to_string() },
                );
                let answer = self.signatures.clone().get_document(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Claims a work.
    pub async fn claim_work(&self, sent: &SignerAct) -> Answer<ClaimState> {
        match self.face {
            Face::Rest => Ok(self.rest.claim_work(sent).await?),
            Face::Grpc => {
                let call =
                    self.signed_call("Signatures", "ClaimWork", ClaimWorkRequest { act: sent.act.clone() });
                let answer = self.signatures.clone().claim_work(call).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }

    /// Who first claimed a work.
    pub async fn claim(&self, work: &Digest) -> Answer<ClaimState> {
        match self.face {
            Face::Rest => Ok(self.rest.claim(work).await?),
            Face::Grpc => {
                let message = GetClaimRequest { hash: work.to_string() };
                let answer = self.signatures.clone().get_claim(message).await?.into_inner();
                Ok(serde_json::from_str(&answer.json).unwrap())
            }
        }
    }
}

//! Documents of several parties, and claims of works: what signers decide goes to the ledger by acts of their own.

use sillok_contract::{
    act::{Act, SignedAct},
    digest::Digest,
    document::Document,
    id::{DocumentId, SignerId},
    registry::Listing,
};

use super::{ClaimState, DocumentState, Documents, PAGE, SignerAct};
use crate::{
    problem::{Kind, Problem},
    service::{Caller, Core, acts::Beside, problems},
};

impl Core {
    /// A signer opens a document.
    pub(in crate::service) async fn open_document(
        &self,
        caller: &Caller,
        sent: SignerAct,
    ) -> Result<DocumentState, Problem> {
        caller.check_signs("opens a document")?;
        let act = self.read_act(&sent.act)?;
        let Act::DocumentOpen(open) = &act.payload.act else { return Err(other_act()) };
        self.record_act(&act, Beside::new()).await?;
        self.document_state(&open.document).await
    }

    /// A party declines, or who opened it takes it back.
    pub(in crate::service) async fn act_on_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
        sent: SignerAct,
    ) -> Result<DocumentState, Problem> {
        caller.check_signs("declines or withdraws a document")?;
        let act = self.read_act(&sent.act)?;
        match document_of(&act) {
            Some(named) if named == id => {}
            Some(_) => {
                let detail = "the act is about another document than the address";
                return Err(Problem::new(Kind::Invalid, "document.other", detail));
            }
            None => return Err(other_act()),
        }
        self.record_act(&act, Beside::new()).await?;
        self.document_state(id).await
    }

    /// A document, for who opened it, its parties and the offices.
    pub(in crate::service) async fn document(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<DocumentState, Problem> {
        let document = self.document_on_ledger(id).await?;
        match may_see(caller, &document) {
            true => Ok(DocumentState::of(document, (self.clock)())),
            false => Err(problems::not_found("document")),
        }
    }

    /// The documents that a signer opened or is a party of; a signer gets their own.
    pub(in crate::service) async fn documents(
        &self,
        caller: &Caller,
        signer: Option<SignerId>,
        bookmark: &str,
    ) -> Result<Documents, Problem> {
        let signer = match (caller, signer) {
            (Caller::Signer { id }, None) => id.clone(),
            (_, Some(signer)) => caller.check_signer(&signer).map(|()| signer)?,
            (_, None) => caller.check_office().and_then(|()| {
                let detail = "name the signer whose documents you want";
                Err(Problem::new(Kind::Invalid, "query.malformed", detail))
            })?,
        };
        let page = self.contract().documents(&signer, PAGE, bookmark).await.map_err(problems::of_page)?;
        let (Listing { items, bookmark }, now) = (page, (self.clock)());
        let documents = items.into_iter().map(|document| DocumentState::of(document, now)).collect();
        Ok(Documents { documents, bookmark })
    }

    /// A signer claims a work.
    pub(in crate::service) async fn claim_work(
        &self,
        caller: &Caller,
        sent: SignerAct,
    ) -> Result<ClaimState, Problem> {
        caller.check_signs("claims a work")?;
        let act = self.read_act(&sent.act)?;
        let Act::WorkClaim(claim) = &act.payload.act else { return Err(other_act()) };
        self.record_act(&act, Beside::new()).await?;
        self.claim(&claim.digest).await
    }

    /// Who first claimed a work, for anybody.
    pub(in crate::service) async fn claim(&self, work: &Digest) -> Result<ClaimState, Problem> {
        let claim = self.contract().claim(work).await.map_err(problems::of_ledger)?;
        let unknown = || Problem::new(Kind::NotFound, "claim.not_found", "nobody has claimed this work");
        claim.map(ClaimState::from).ok_or_else(unknown)
    }

    pub(super) async fn document_on_ledger(&self, id: &DocumentId) -> Result<Document, Problem> {
        let document = self.contract().document(id).await.map_err(problems::of_ledger)?;
        document.ok_or_else(|| problems::not_found("document"))
    }

    async fn document_state(&self, id: &DocumentId) -> Result<DocumentState, Problem> {
        Ok(DocumentState::of(self.document_on_ledger(id).await?, (self.clock)()))
    }
}

fn document_of(act: &SignedAct) -> Option<&DocumentId> {
    match &act.payload.act {
        Act::DocumentDecline(it) => Some(&it.document),
        Act::DocumentWithdraw(it) => Some(&it.document),
        _ => None,
    }
}

fn may_see(caller: &Caller, document: &Document) -> bool {
    let mut parties = document.parties.iter().map(|part| &part.signer).chain([&document.opened_by]);
    parties.any(|signer| caller.check_signer(signer).is_ok())
}

fn other_act() -> Problem {
    Problem::new(Kind::Invalid, "document.other_act", "this is another act than this operation's")
}

//! What learner and officers decide about a certificate, carried to the ledger.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sillok_contract::{
    act::{Act, CertificateIssue, Named, SignedAct},
    entry::EntryId,
    id::MspId,
};

use super::{CertificateAct, CertificateRequest, CertificateState, draft::Terms, state};
use crate::{
    certificate::{CertificateError, CertificateFile, CertificateId, Countersigned, SignedCredential},
    problem::{Kind, Problem},
    proof::Proofs,
    records::StoredCertificate,
    service::{
        Caller, Core,
        acts::{Beside, check_signer},
        problems,
    },
};

impl Core {
    /// A learner asks. Database and ledger are compared, and the wallet with the ledger; the learner gets the report. That
    /// they asked stands on the ledger, whatever came of it.
    pub(in crate::service) async fn request_certificate(
        &self,
        caller: &Caller,
        asked: CertificateRequest,
    ) -> Result<CertificateState, Problem> {
        let learner = caller.learner("asks for their own certificate")?;
        let act = self.read_act(&asked.act)?;
        let Act::CertificateRequest(request) = &act.payload.act else { return Err(other_act()) };
        let id: CertificateId =
            request.certificate.as_str().parse().map_err(|error: crate::certificate::NotAnId| {
                Problem::new(Kind::Invalid, "certificate.id", error.to_string())
            })?;
        check_signer(&act, &Named::Learner(learner.clone()))?;
        let (story, _, report) = self.compared(learner).await?;
        check_wallet(&asked.wallet, story.entries.iter().map(|told| told.id))?;
        self.record_act(&act, Beside::new()).await?;
        let agrees = report.agrees;
        let report = report.signed(self.ledger.signer()).jws;
        let asked_at = (self.clock)();
        let stored = StoredCertificate { id, learner: learner.clone(), asked_at, agrees, report, file: None };
        let known = self.records.certificate(&id).await.map_err(problems::of_records)?;
        if known.is_none() {
            self.records.store_certificate(&stored).await.map_err(problems::of_records)?;
        }
        state(known.unwrap_or(stored), self.on_ledger(id).await?, asked_at)
    }

    /// An officer refuses, issues or revokes, or the learner countersigns.
    pub(in crate::service) async fn act_on_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        asked: CertificateAct,
    ) -> Result<CertificateState, Problem> {
        let stored = self.certificate_seen_by(caller, id).await?;
        let act = self.read_act(&asked.act)?;
        let named = match &act.payload.act {
            Act::CertificateRefuse(it) => &it.certificate,
            Act::CertificateIssue(it) => &it.certificate,
            Act::CertificateCountersign(it) => &it.certificate,
            Act::CertificateRevoke(it) => &it.certificate,
            _ => return Err(other_act()),
        };
        if named.as_str() != id.to_string() {
            let detail = "the act is about another certificate than the address";
            return Err(Problem::new(Kind::Invalid, "certificate.other", detail));
        }
        let stored = match (&act.payload.act, asked.credential, caller) {
            (Act::CertificateIssue(issue), Some(jwt), Caller::Officer { msp }) => {
                self.issue(msp, stored, &act, issue, &jwt).await?
            }
            (Act::CertificateIssue(_), ..) => {
                let detail = "send the credential that the officer signed beside the act";
                return Err(Problem::new(Kind::Invalid, "certificate.credential_missing", detail));
            }
            (Act::CertificateCountersign(_), ..) => self.countersign(stored, &act).await?,
            _ => {
                self.record_act(&act, Beside::new()).await?;
                stored
            }
        };
        state(stored, self.on_ledger(id).await?, (self.clock)())
    }

    /// Database, ledger and wallet must agree at this very time on what the officer signed.
    async fn issue(
        &self,
        msp: &MspId,
        stored: StoredCertificate,
        act: &SignedAct,
        issue: &CertificateIssue,
        jwt: &str,
    ) -> Result<StoredCertificate, Problem> {
        if let Some(known) = known_file(&stored).filter(|file| file.credential == jwt) {
            let receipt = self.record_act(act, Beside::new()).await?;
            return match receipt.transaction == known.issued.transaction {
                true => Ok(stored),
                false => Err(problems::internal(&"a certificate was issued twice")),
            };
        }
        let roots = self.office_roots().await?;
        let signed = SignedCredential::parse(jwt).map_err(refuted)?;
        signed.check_signature().and_then(|()| signed.check_issuer(&roots)).map_err(refuted)?;
        check_signer(act, &Named::Officer(signed.officer.thumbprint()))?;
        let proofs = self.check_agreed(msp, &stored, &signed).await?;
        if issue.digest.0 != signed.digest() || issue.expires_at != signed.credential.valid_until.micros() {
            let detail = "the act is for another credential than the one that comes with it";
            return Err(Problem::new(Kind::Invalid, "certificate.other_digest", detail));
        }
        let issued = self.record_act(act, Beside::new()).await?;
        let file = CertificateFile { credential: jwt.to_owned(), proofs, issued, countersigned: None };
        self.store_file(stored, &file).await
    }

    /// The proofs, if the credential is the one that would be drafted now.
    async fn check_agreed(
        &self,
        msp: &MspId,
        stored: &StoredCertificate,
        signed: &SignedCredential,
    ) -> Result<Proofs, Problem> {
        let (caller, roots) = (Caller::Officer { msp: msp.clone() }, self.office_roots().await?);
        let agreement = self.agreement(&caller, &stored.learner, &roots).await?;
        let proofs = agreement.proofs.clone();
        let credential = &signed.credential;
        let salt = URL_SAFE_NO_PAD.decode(&credential.credential_subject.salt).unwrap_or_default();
        let terms = Terms {
            id: stored.id,
            office: credential.issuer.name.clone(),
            valid: (credential.valid_from, credential.valid_until),
            salt: salt.try_into().unwrap_or_default(),
        };
        match self.credential(terms, &stored.learner, agreement).await? == *credential {
            true => Ok(proofs),
            false => {
                let detail = "what was signed is not what database and ledger agree on now; fetch the draft anew and sign it";
                Err(Problem::new(Kind::Conflict, "certificate.stale", detail))
            }
        }
    }

    async fn countersign(
        &self,
        stored: StoredCertificate,
        act: &SignedAct,
    ) -> Result<StoredCertificate, Problem> {
        let file = known_file(&stored).ok_or_else(|| {
            Problem::new(Kind::Conflict, "certificate.not_issued", "the certificate is not issued yet")
        })?;
        check_signer(act, &Named::Learner(stored.learner.clone()))?;
        let receipt = self.record_act(act, Beside::new()).await?;
        let countersigned = Some(Countersigned { act: act.as_str().to_owned(), receipt });
        match file.countersigned == countersigned {
            true => Ok(stored),
            false => self.store_file(stored, &CertificateFile { countersigned, ..file }).await,
        }
    }

    async fn store_file(
        &self,
        stored: StoredCertificate,
        file: &CertificateFile,
    ) -> Result<StoredCertificate, Problem> {
        let stored = StoredCertificate { file: Some(file.to_json().into_bytes()), ..stored };
        self.records.store_certificate(&stored).await.map_err(problems::of_records)?;
        Ok(stored)
    }
}

/// The file that is stored already.
fn known_file(stored: &StoredCertificate) -> Option<CertificateFile> {
    CertificateFile::parse(stored.file.as_deref()?).ok()
}

/// The wallet holds every entry of the ledger and no other.
fn check_wallet(wallet: &[EntryId], ledger: impl ExactSizeIterator<Item = EntryId>) -> Result<(), Problem> {
    let (held, recorded) = (wallet.len(), ledger.len());
    if let Some(number) = wallet.iter().zip(ledger).position(|(held, recorded)| *held != recorded) {
        tracing::error!(number = number + 1, "a wallet and the ledger do not agree");
        let detail = format!(
            "entry {} of the wallet is not the ledger's: verify the wallet, and tell the offices",
            number + 1
        );
        return Err(Problem::new(Kind::Unprocessable, "certificate.wallet_differs", detail));
    }
    match held == recorded {
        true => Ok(()),
        false => {
            let detail = format!(
                "the wallet has {held} entries and the ledger {recorded}; synchronise it and ask again"
            );
            Err(Problem::new(Kind::Unprocessable, "certificate.wallet_behind", detail))
        }
    }
}

fn refuted(error: CertificateError) -> Problem {
    Problem::new(Kind::Invalid, error.code(), error.to_string())
}

fn other_act() -> Problem {
    Problem::new(Kind::Invalid, "certificate.other_act", "this is another act than this operation's")
}

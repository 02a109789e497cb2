//! What anybody may ask: whether a certificate is in force. Nothing here says so without both offices' word.

use std::time::Duration;

use crate::{
    certificate::{Asked, CertificateError, CertificateFile, CertificateId, Verdict},
    keys::{KeyError, random},
    ledger::{LedgerError, Receipt},
    problem::{Kind, Problem},
    service::{Core, problems},
};

impl Core {
    /// What both offices say of a certificate now, marked with the asker's nonce: a receipt in no block.
    pub(in crate::service) async fn certificate_status(
        &self,
        id: CertificateId,
        nonce: &str,
    ) -> Result<Receipt, Problem> {
        let receipt = self.attested(id, nonce).await.map_err(problems::of_ledger)?;
        receipt.ok_or_else(|| problems::not_found("certificate"))
    }

    /// The verdict on a certificate's file. Where the offices cannot be asked it says so, and never that it is valid.
    pub(in crate::service) async fn judge_certificate(&self, file: Vec<u8>) -> Result<Verdict, Problem> {
        let malformed =
            |error: CertificateError| Problem::new(Kind::Invalid, error.code(), error.to_string());
        let read = CertificateFile::parse(&file).map_err(malformed)?;
        let roots = self.office_roots().await?;
        let asked = match read.read() {
            Ok(signed) => self.asked(signed.credential.id()).await?,
            // It will be refuted, whatever the ledger knows.
            Err(_) => unanswered("certificate.not_asked", "it is no certificate to ask about"),
        };
        let now = (self.clock)();
        let verdict = tokio::task::spawn_blocking(move || Verdict::of(&file, &roots, &asked, now));
        verdict.await.map_err(|error| problems::internal(&error))
    }

    pub(super) async fn asked(&self, id: CertificateId) -> Result<Asked, Problem> {
        let nonce = random::<32>().map_err(|error: KeyError| problems::internal(&error))?;
        let nonce = hex::encode(nonce);
        Ok(match self.attested(id, &nonce).await {
            Ok(Some(receipt)) => Asked::Answered { receipt, nonce },
            Ok(None) => {
                unanswered("certificate.unknown", "the ledger that was asked knows no certificate of this id")
            }
            Err(error) => {
                tracing::warn!(%error, "a certificate's status cannot be told");
                unanswered(
                    "ledger.unavailable",
                    "the ledger is not to be had, or the offices do not both answer; ask again",
                )
            }
        })
    }

    async fn attested(&self, id: CertificateId, nonce: &str) -> Result<Option<Receipt>, LedgerError> {
        let limit = Duration::from_millis(self.settings.standing.ask_ms.saturating_mul(2));
        let (contract, id) = (self.contract(), id.named());
        let asked = tokio::time::timeout(limit, contract.certificate_status(&id, nonce)).await;
        asked.unwrap_or_else(|_| Err(LedgerError::Evaluate("the offices did not answer in time".to_owned())))
    }
}

fn unanswered(code: &str, detail: &str) -> Asked {
    Asked::Unanswered { code: code.to_owned(), detail: detail.to_owned() }
}

//! A learner's wallet, and a certificate of their record, from the asking to the countersignature.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use sillok_contract::{
    act::{self, Act},
    digest::Digest,
    id::{LearnerId, MspId, OfficerId},
    registry,
};
use sillok_gateway::{
    certificate::{
        CertificateFile, CertificateId, Countersigned, Credential, Evidence, Issuer, Parts, Second,
        SignedCredential,
    },
    keys::{ActSigner, Issued, Validity},
    ledger::{Ledger, Receipt, contract::Contract, embedded::Embedded, receipt::Roots},
    proof::Proofs,
    wallet::{Attestation, Nonce, Wallet},
};

use super::{NOW, Result, school::Batch, write};

const DAY: i64 = 24 * 3_600_000_000;

/// Who takes part, and the ledger that takes their acts.
struct Scene {
    wallet: Wallet,
    officer: Issued,
    issuer: Issuer,
    gateway: Arc<dyn Ledger>,
}

/// Writes wallet, acts and certificate, about what these batches hold.
pub(super) async fn write_all(ledger: &Embedded, batches: &[Batch]) -> Result {
    let scene = Scene::set(ledger, batches).await?;
    write("fixed/wallet.pem", scene.wallet.public_key().to_pem()?)?;
    wallets(&scene.wallet)?;
    scene.certify(batches).await
}

impl Scene {
    async fn set(ledger: &Embedded, batches: &[Batch]) -> Result<Self> {
        let identity = |msp, role| ledger.as_identity(msp, role).ok_or("the ledger has this identity");
        let mut pem = BTreeMap::new();
        for msp in ["OfficeMSP", "SupportMSP"] {
            let authority = ledger.authority(msp).ok_or("the ledger has both offices")?;
            let certificate = authority.certificate().to_pem();
            let document =
                registry::Office { id: MspId::new(msp)?, name: msp.into(), authority: certificate.clone() };
            Contract::new(identity("OfficeMSP", "admin")?).register_office(&document).await?;
            pem.insert(msp.to_owned(), certificate.into_bytes());
        }
        let mut wallet = Wallet::new(LearnerId::new("L0001")?, Roots::new(pem)?)?;
        let key = wallet.public_key().of_wallet(NOW - DAY / 24);
        Contract::new(identity("SupportMSP", "admin")?).register_wallet_key(wallet.learner(), &key).await?;
        let (office, id) = (MspId::new("OfficeMSP")?, OfficerId::new("han")?);
        let authority = ledger.authority("OfficeMSP").ok_or("the ledger has both offices")?;
        let officer = authority.issue_officer(&id, Validity::days(NOW, 300))?;
        let document = registry::Officer {
            id,
            office: office.clone(),
            certificate: officer.certificate.to_pem(),
            thumbprint: String::new(),
            from: NOW - DAY / 24,
            until: None,
            revoked_since: None,
        };
        Contract::new(identity("OfficeMSP", "admin")?).register_officers(&[document]).await?;
        let gateway = identity("SupportMSP", "client")?;
        for batch in batches {
            for index in 0..batch.entries.len() {
                wallet.add(batch.proof(index, batch.receipt.clone()).to_json().as_bytes())?;
            }
        }
        let nonce = Nonce::draw()?;
        let receipt = Contract::new(gateway.clone()).trail(wallet.learner(), &nonce.to_string()).await?;
        wallet.attest(Attestation { nonce, receipt })?;
        Ok(Self { wallet, officer, issuer: Issuer::new(office, authority.certificate()), gateway })
    }

    async fn certify(&self, batches: &[Batch]) -> Result {
        let id = CertificateId::draw()?;
        let learner = self.wallet.acts("gateway");
        let officer = ActSigner::of_officer(&self.officer.certificate, "gateway", self.officer.key.clone())?;
        self.record("request", &learner, act::CertificateRequest { certificate: id.named() }).await?;
        let (credential, proofs) = self.credential(id, batches)?;
        let jwt = SignedCredential::sign(&credential, &self.officer.certificate, &self.officer.key)?;
        let digest = Digest::of(jwt.as_bytes());
        let expires_at = credential.valid_until.micros();
        let issue = act::CertificateIssue { certificate: id.named(), digest, expires_at };
        let (_, issued) = self.record("issue", &officer, issue).await?;
        let file = CertificateFile { credential: jwt.clone(), proofs, issued, countersigned: None };
        write("seeds/certificate/issued", file.to_json())?;
        write("seeds/certificate/jwt", jwt)?;
        let countersign = act::CertificateCountersign { certificate: id.named(), digest };
        let (act, receipt) = self.record("countersign", &learner, countersign).await?;
        let countersigned = Some(Countersigned { act, receipt });
        write("seeds/certificate/countersigned", CertificateFile { countersigned, ..file }.to_json())
    }

    /// The row that stands, and the proof of the entry that wrote it: the last of the last batch.
    fn credential(&self, id: CertificateId, batches: &[Batch]) -> Result<(Credential, Proofs)> {
        let batch = batches.last().ok_or("there are batches")?;
        let proof = batch.proof(batch.entries.len() - 1, batch.receipt.clone());
        let verified = proof.verify(self.wallet.roots())?;
        let row = serde_json::from_slice(super::school::IMAGE.as_bytes())?;
        let credential = Credential::new(Parts {
            id,
            issuer: self.issuer.clone(),
            valid: (Second::of(NOW), Second::of(NOW + 200 * DAY)),
            learner: self.wallet.learner().clone(),
            wallet: *self.wallet.public_key(),
            salt: [7; 16],
            record: [("notes".to_owned(), vec![row])].into(),
            evidence: vec![Evidence::new(&verified, &proof)],
            status_address: None,
        });
        Ok((credential, [proof].into_iter().collect()))
    }

    /// Writes the act, has the ledger take it, and gives both with the receipt.
    async fn record(&self, name: &str, by: &ActSigner, act: impl Into<Act>) -> Result<(String, Receipt)> {
        let jws = by.sign(act, NOW)?;
        write(&format!("seeds/act/{name}"), &jws)?;
        let (acted, _) = Contract::new(self.gateway.clone()).act(&jws, []).await?;
        let receipt = self.gateway.receipt(&acted.transaction).await?.ok_or("it is committed")?;
        Ok((jws, receipt))
    }
}

/// The contents without the key: a complete one, one that nobody attested, and an empty one.
fn wallets(wallet: &Wallet) -> Result {
    let without_key = |wallet: &Wallet| -> Result<Value> {
        let mut content: Value = serde_json::from_slice(&wallet.to_json()?)?;
        content["key"] = "".into();
        Ok(content)
    };
    let complete = without_key(wallet)?;
    let mut unattested = complete.clone();
    unattested.as_object_mut().ok_or("it is an object")?.remove("attestation");
    let empty = without_key(&Wallet::new(wallet.learner().clone(), wallet.roots().clone())?)?;
    for (name, content) in [("complete", complete), ("unattested", unattested), ("empty", empty)] {
        write(&format!("seeds/wallet/{name}"), serde_json_canonicalizer::to_vec(&content)?)?;
    }
    Ok(())
}

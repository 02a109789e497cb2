//! A new signer, as their office's administrator registers them: for the demo and the tests.
//!
//! Their keys are made here. Those of real ones are made where they stay, by `sillok keys signer`.

use sillok_contract::{
    Refusal,
    certificate::Certificate,
    digest::Digest,
    id::{MspId, SignerId},
    registry::{self, ApprovalKey},
    signature::{Presented, Signature, Statement},
};

use super::{consortium::Consortium, school::RegisterError};
use crate::{
    clock,
    keys::{AccessToken, ActSigner, DocumentSigner, KeyError, PrivateKey, PublicKey, Validity},
};

/// How long their certificates are good, in days.
const DAYS: u32 = 365;

/// A registered signer with what they sign with.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Their id.
    pub id: SignerId,
    /// Their office.
    pub office: MspId,
    /// Their certificate.
    pub certificate: Certificate,
    /// That of the authority that issued it.
    pub authority: Certificate,
    /// Its key, unless an office really holds it.
    pub key: Option<PrivateKey>,
    /// Where the office holds that: their own.
    pub own: Option<PrivateKey>,
}

impl Signer {
    /// Issues a certificate by the office's authority and registers it. The office must be registered; signers may sign
    /// from the beginning of time on. Where the office is to hold the key, `own` is the person's own.
    pub async fn register(
        consortium: &Consortium,
        office: MspId,
        id: SignerId,
        own: Option<PrivateKey>,
    ) -> Result<Self, RegisterError> {
        let key = PrivateKey::generate()?;
        let registered = Self::certified(consortium, office, id, key.public_key(), own)?;
        registered.enter(consortium).await?;
        Ok(Self { key: Some(key), ..registered })
    }

    /// Issues a certificate by the office's authority, and registers nothing: see [`Signer::enter`].
    pub fn issue(consortium: &Consortium, office: MspId, id: SignerId) -> Result<Self, RegisterError> {
        let key = PrivateKey::generate()?;
        let issued = Self::certified(consortium, office, id, key.public_key(), None)?;
        Ok(Self { key: Some(key), ..issued })
    }

    /// The same as [`Signer::register`] for somebody whose key an office holds, with this public half; `own` is the
    /// person's own.
    pub async fn register_held(
        consortium: &Consortium,
        office: MspId,
        id: SignerId,
        held: &PublicKey,
        own: PrivateKey,
    ) -> Result<Self, RegisterError> {
        let registered = Self::certified(consortium, office, id, held, Some(own))?;
        registered.enter(consortium).await?;
        Ok(registered)
    }

    fn certified(
        consortium: &Consortium,
        office: MspId,
        id: SignerId,
        key: &PublicKey,
        own: Option<PrivateKey>,
    ) -> Result<Self, RegisterError> {
        let authority = consortium.authority(office.as_str())?;
        let certificate = authority.certify_signer(&id, key, Validity::days(clock::now(), DAYS))?;
        let authority = authority.certificate().clone();
        Ok(Self { id, office, certificate, authority, key: None, own })
    }

    /// Registers a signer whose certificate is issued.
    pub async fn enter(&self, consortium: &Consortium) -> Result<(), RegisterError> {
        let document = registry::Signer {
            id: self.id.clone(),
            office: self.office.clone(),
            certificate: self.certificate.to_pem(),
            thumbprint: String::new(),
            approval: self.own.as_ref().map(|own| ApprovalKey::new(own.public_key().point())),
            from: 0,
            until: None,
            revoked_since: None,
        };
        consortium.administrator(self.office.as_str())?.register_signers(&[document]).await?;
        Ok(())
    }

    /// Signs a document, with a key that no office holds.
    pub fn signs(&self, statement: &Statement) -> Result<String, KeyError> {
        let (certificate, authority) = (self.certificate.clone(), self.authority.clone());
        Ok(DocumentSigner::new(certificate, authority, self.at_hand())?.sign(statement))
    }

    /// Approves a signature that an office is to make, for the gateway that calls itself `audience`.
    pub fn approves(&self, statement: &Statement, audience: &str) -> Result<String, KeyError> {
        self.acts(audience)?.sign(statement.approval(), clock::now())
    }

    fn at_hand(&self) -> PrivateKey {
        self.key.clone().expect("whose key an office holds does not sign with it")
    }

    /// Signs a document and, where the office holds the key, approves it for the gateway that calls itself `audience`: as
    /// [`super::contract::Contract::sign`] takes it.
    pub fn presents(&self, statement: &Statement, audience: &str) -> Result<(Digest, Presented), KeyError> {
        let jws = self.signs(statement)?;
        let unreadable = |refusal: Refusal| KeyError::NotIssued(refusal.message);
        let digest = Signature::parse(&jws).map_err(unreadable)?.digest;
        let approval = self.own.as_ref().map(|_| self.approves(statement, audience)).transpose()?;
        Ok((digest, Presented { jws, approval }))
    }

    /// Signs what they decide, for the gateway that calls itself `audience`.
    pub fn acts(&self, audience: &str) -> Result<ActSigner, KeyError> {
        match &self.own {
            Some(own) => Ok(ActSigner::of_approver(self.id.clone(), audience, own.clone())),
            None => ActSigner::of_signer(&self.certificate, audience, self.at_hand()),
        }
    }

    /// Signs their access tokens.
    pub fn access(&self) -> Result<AccessToken, KeyError> {
        match &self.own {
            Some(own) => Ok(AccessToken::of_approver(self.id.clone(), own.clone())),
            None => AccessToken::of_certificate(&self.certificate, self.at_hand()),
        }
    }
}

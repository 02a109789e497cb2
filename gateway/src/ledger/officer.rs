//! A new officer, as their office's administrator registers them: for the demo and the tests.
//!
//! Their key is made here. Those of real ones are made where they stay, by `sillok keys officer`.

use sillok_contract::{
    certificate::Certificate,
    id::{MspId, OfficerId, SchoolId},
    purpose::Purpose,
    registry,
};

use super::{consortium::Consortium, school::RegisterError};
use crate::{
    clock,
    keys::{AccessToken, ActSigner, Asked, KeyError, PrivateKey, RequestSigner, SignedQueries, Validity},
};

/// How long their certificates are good, in days.
const DAYS: u32 = 365;

/// A registered officer with what they sign with.
#[derive(Clone, Debug)]
pub struct Officer {
    /// Their id.
    pub id: OfficerId,
    /// Their office.
    pub office: MspId,
    /// Their certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

impl Officer {
    /// Issues a certificate by the office's authority and registers it. The office must be registered; officers may sign
    /// from the beginning of time on.
    pub async fn register(
        consortium: &Consortium,
        office: MspId,
        id: OfficerId,
    ) -> Result<Self, RegisterError> {
        let authority = consortium.authority(office.as_str())?;
        let issued = authority.issue_officer(&id, Validity::days(clock::now(), DAYS))?;
        let document = registry::Officer {
            id: id.clone(),
            office: office.clone(),
            certificate: issued.certificate.to_pem(),
            thumbprint: String::new(),
            from: 0,
            until: None,
            revoked_since: None,
        };
        consortium.administrator(office.as_str())?.register_officers(&[document]).await?;
        Ok(Self { id, office, certificate: issued.certificate, key: issued.key })
    }

    /// Signs now, for this purpose, for queries about a school's learners, to the gateway that calls itself `audience`.
    pub fn signs(
        &self,
        purpose: Purpose,
        school: &SchoolId,
        audience: &str,
        asked: impl IntoIterator<Item = Asked>,
    ) -> Result<SignedQueries, KeyError> {
        let signer = RequestSigner::new(school.clone(), audience, &self.certificate, self.key.clone())?;
        signer.with_purpose(purpose).sign(asked, clock::now())
    }

    /// Signs what they decide, for the gateway that calls itself `audience`.
    pub fn acts(&self, audience: &str) -> Result<ActSigner, KeyError> {
        ActSigner::of_officer(&self.certificate, audience, self.key.clone())
    }

    /// Signs their access tokens.
    pub fn access(&self) -> Result<AccessToken, KeyError> {
        AccessToken::of_certificate(&self.certificate, self.key.clone())
    }
}

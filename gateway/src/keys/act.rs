//! A learner, an officer or a signer signs an act.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sillok_contract::{
    act::{Act, Named, Payload},
    certificate::Certificate,
    id::{LearnerId, SignerId},
    request::compact,
};

use super::{KeyError, PrivateKey, PublicKey, random};

/// Signs acts. `Debug` shows nothing of the key.
#[derive(Clone, Debug)]
pub struct ActSigner {
    named: Named,
    audience: String,
    key: PrivateKey,
}

impl ActSigner {
    /// For a learner, by the key of their wallet, and the gateway that calls itself `audience`.
    pub fn of_learner(learner: LearnerId, audience: impl Into<String>, key: PrivateKey) -> Self {
        Self { named: Named::Learner(learner), audience: audience.into(), key }
    }

    /// For an officer and the gateway that calls itself `audience`; key and certificate must be a pair.
    pub fn of_officer(
        certificate: &Certificate,
        audience: impl Into<String>,
        key: PrivateKey,
    ) -> Result<Self, KeyError> {
        check_pair(certificate, &key)?;
        Ok(Self { named: Named::Officer(certificate.thumbprint()), audience: audience.into(), key })
    }

    /// For a signer who holds their own key, and the gateway that calls itself `audience`; key and certificate must be a
    /// pair.
    pub fn of_signer(
        certificate: &Certificate,
        audience: impl Into<String>,
        key: PrivateKey,
    ) -> Result<Self, KeyError> {
        check_pair(certificate, &key)?;
        Ok(Self { named: Named::Signer(certificate.thumbprint()), audience: audience.into(), key })
    }

    /// For a signer whose certificate's key an office holds, by their own key of approval: also what they approve is
    /// signed so ([`Statement::approval`](sillok_contract::signature::Statement::approval)).
    pub fn of_approver(signer: SignerId, audience: impl Into<String>, key: PrivateKey) -> Self {
        Self { named: Named::Approver(signer), audience: audience.into(), key }
    }

    /// The compact JWS. `now` is microseconds since the Unix epoch. Keep it until it is recorded: sent again it is the
    /// same act, signed anew it is another.
    pub fn sign(&self, act: impl Into<Act>, now: i64) -> Result<String, KeyError> {
        let payload = Payload {
            jti: URL_SAFE_NO_PAD.encode(random::<16>()?),
            iat: now.div_euclid(1_000_000),
            aud: self.audience.clone(),
            act: act.into(),
        };
        let input = payload.signing_input(&self.named);
        Ok(compact(&input, &self.key.sign_fixed(input.as_bytes())))
    }
}

fn check_pair(certificate: &Certificate, key: &PrivateKey) -> Result<(), KeyError> {
    match PublicKey::of_certificate(certificate)? == *key.public_key() {
        true => Ok(()),
        false => Err(KeyError::NotAPair),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::{
        act::{CertificateRequest, SignedAct},
        id::CertificateId,
    };

    use super::*;

    #[test]
    fn the_contract_reads_what_it_signs() {
        let (learner, key) = (LearnerId::new("L1").unwrap(), PrivateKey::generate().unwrap());
        let signer = ActSigner::of_learner(learner.clone(), "gateway", key.clone());
        let request = CertificateRequest { certificate: CertificateId::new("C1").unwrap() };
        let jws = signer.sign(request.clone(), 1_790_000_000_500_000).unwrap();
        let act = SignedAct::parse(&jws).unwrap();
        assert_eq!((act.payload.iat, act.named), (1_790_000_000, Named::Learner(learner)));
        assert_eq!(act.payload.act, request.clone().into());
        assert_ne!(signer.sign(request, 1_790_000_000_500_000).unwrap(), jws, "each has a jti of its own");
    }
}

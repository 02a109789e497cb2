//! Who asks, by the access token they signed with their own key.

use sillok_contract::{
    Refusal,
    certificate::{Certificate, Role},
    id::{LearnerId, MspId},
};

use super::{Caller, Core, problems, signer::Signer};
use crate::{
    keys::{self, AccessError, Expected, Presented, PublicKey},
    problem::{Kind, Problem},
};

/// Whom a token names. Nothing is told of how they stand before the token has proved to be theirs.
enum Named {
    /// Somebody who is registered.
    Registered(Signer),
    /// Somebody of an office.
    Member(MspId),
}

impl Named {
    /// The caller, if they stand at this time.
    fn stands_at(self, time: i64) -> Result<Caller, Problem> {
        let forbidden = |refusal: Refusal| problems::of_refusal(Kind::Forbidden, &refusal);
        match self {
            Self::Registered(Signer::Educator(educator)) => {
                educator.stands_at(time).map_err(forbidden)?;
                Ok(Caller::Educator { id: educator.id.clone(), school: educator.school.clone() })
            }
            Self::Registered(Signer::Officer(officer)) => {
                officer.stands_at(time).map_err(forbidden)?;
                Ok(Caller::Officer { msp: officer.office.clone() })
            }
            Self::Member(msp) => Ok(Caller::Officer { msp }),
        }
    }
}

impl Core {
    pub(super) async fn authenticate(
        &self,
        bearer: &str,
        method: &str,
        uri: &str,
    ) -> Result<Caller, Problem> {
        let token = Presented::parse(bearer).map_err(of_access)?;
        let now = (self.clock)();
        let expected = Expected { audience: &self.settings.audience, method, uri, now };
        let (named, certificate) = match token.caller() {
            keys::Caller::Certificate(thumbprint) => self.named_registered(thumbprint).await?,
            keys::Caller::Officer(der) => self.named_member(der).await?,
            keys::Caller::Learner(id) => return self.learner(id, &token, &expected).await,
        };
        let key = PublicKey::of_certificate(&certificate).map_err(|_| of_access(AccessError::Signature))?;
        token.verify(&key, &expected).map_err(of_access)?;
        certificate.valid_at(now).map_err(|refusal| problems::of_refusal(Kind::Unauthenticated, &refusal))?;
        named.stands_at(now)
    }

    /// The registered educator or officer who has this certificate.
    async fn named_registered(&self, thumbprint: &[u8; 32]) -> Result<(Named, Certificate), Problem> {
        let registered = self.registered(thumbprint).await?;
        let registered =
            registered.ok_or_else(|| unknown("the certificate is no registered educator's or officer's"))?;
        let certificate = registered.certificate().map_err(|error| problems::internal(&error))?.clone();
        Ok((Named::Registered(registered), certificate))
    }

    /// The registered learner, if the token is of the key of their wallet that began last. Whether that is revoked shows
    /// once it is.
    async fn learner(
        &self,
        id: &LearnerId,
        token: &Presented,
        expected: &Expected<'_>,
    ) -> Result<Caller, Problem> {
        let nobody = || unknown("there is no such learner, or not with a wallet");
        let learner = self.registry.learner(id).await?.ok_or_else(nobody)?;
        let key = learner.wallets.iter().rfind(|key| key.since <= expected.now).ok_or_else(nobody)?;
        let point = key.point().map_err(|error| problems::internal(&error))?;
        let key = PublicKey::from_point(&point).map_err(|error| problems::internal(&error))?;
        token.verify(&key, expected).map_err(of_access)?;
        let in_force = learner.wallet_at(expected.now);
        in_force.map_err(|refusal| problems::of_refusal(Kind::Forbidden, &refusal))?;
        Ok(Caller::Learner { id: id.clone() })
    }

    /// The office whose registered authority issued this certificate to one of its people.
    async fn named_member(&self, der: &[u8]) -> Result<(Named, Certificate), Problem> {
        let certificate = Certificate::from_der(der)
            .map_err(|refusal| problems::of_refusal(Kind::Unauthenticated, &refusal))?;
        if !matches!(certificate.role(), Ok(Role::Admin | Role::Client)) {
            return Err(unknown("the certificate is not a person's: its unit is neither client nor admin"));
        }
        for msp in &self.settings.offices {
            if self.has_issued(msp, &certificate).await? {
                return Ok((Named::Member(msp.clone()), certificate));
            }
        }
        Err(unknown("no registered office's authority issued the certificate"))
    }

    async fn has_issued(&self, msp: &MspId, certificate: &Certificate) -> Result<bool, Problem> {
        let Some(office) = self.registry.office(msp).await? else { return Ok(false) };
        let authority = office.certificate().map_err(|error| problems::internal(&error))?;
        Ok(authority.valid_at((self.clock)()).is_ok() && certificate.issued_by(authority).is_ok())
    }
}

fn of_access(error: AccessError) -> Problem {
    Problem::new(Kind::Unauthenticated, error.code(), error.to_string())
}

fn unknown(detail: &str) -> Problem {
    Problem::new(Kind::Unauthenticated, "access.unknown", detail)
}

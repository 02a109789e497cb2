//! Who asks, by the access token they signed with their own key.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use sillok_contract::{
    Refusal,
    certificate::{Certificate, Role},
    id::{LearnerId, MspId, SignerId},
    registry::Person as _,
};

use super::{Caller, Core, problems, registry::KnownSigner, signer::Signer};
use crate::{
    keys::{self, AccessError, Expected, Presented, PublicKey},
    problem::{Kind, Problem},
};

/// How often it is looked whether who has a stream still stands, besides each time that the registry changes.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Whom a token names. Nothing is told of how they stand before the token has proved to be theirs.
enum Named {
    /// Somebody who is registered.
    Registered(Signer),
    /// A registered signer of documents.
    Signer(Arc<KnownSigner>),
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
            Self::Signer(signer) => {
                signer.stands_at(time).map_err(forbidden)?;
                Ok(Caller::Signer { id: signer.id.clone() })
            }
            Self::Member(msp) => Ok(Caller::Officer { msp }),
        }
    }
}

/// Whose key a token must be signed with; and who that is, if they stand.
struct Holder {
    key: PublicKey,
    caller: Result<Caller, Problem>,
}

impl Core {
    pub(super) async fn authenticate(
        &self,
        bearer: &str,
        method: &str,
        uri: &str,
    ) -> Result<Caller, Problem> {
        let token = token(bearer)?;
        let now = (self.clock)();
        let holder = self.holder(token.caller(), now).await?;
        let expected = Expected { audience: &self.settings.audience, method, uri, now };
        token.verify(&holder.key, &expected).map_err(of_access)?;
        holder.caller
    }

    pub(super) fn while_standing<T: Send + 'static>(
        self: Arc<Self>,
        bearer: &str,
        stream: BoxStream<'static, Result<T, Problem>>,
    ) -> Result<BoxStream<'static, Result<T, Problem>>, Problem> {
        let revoked = stream::once(self.until_revoked(token(bearer)?)).map(Err);
        let both = stream::select(stream, revoked).boxed();
        // Ends with the first problem, without waiting for what would come after it.
        let until_it_fails = stream::unfold(Some(both), async |both| {
            let mut both = both?;
            let item = both.next().await?;
            let goes_on = item.is_ok();
            Some((item, goes_on.then_some(both)))
        });
        Ok(until_it_fails.boxed())
    }

    /// Waits until the bearer of a token that was verified stands no longer: revoked, or with another key in its place.
    /// Tells why. That the token itself runs out in the meantime ends nothing.
    async fn until_revoked(self: Arc<Self>, token: Presented) -> Problem {
        let mut changes = self.registry.changes();
        loop {
            // Whatever is changed after this wakes the next wait.
            changes.mark_unchanged();
            match self.holder(token.caller(), (self.clock)()).await {
                Ok(Holder { caller: Err(problem), .. }) | Err(problem)
                    if problem.kind != Kind::Unavailable =>
                {
                    return problem;
                }
                Ok(Holder { key, .. }) if !token.is_signed_with(&key) => {
                    return of_access(AccessError::Signature);
                }
                // Who stood goes on while the ledger cannot be asked.
                _ => {}
            }
            // Certificates run out without anybody changing anything.
            let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
        }
    }

    async fn holder(&self, named: &keys::Caller, now: i64) -> Result<Holder, Problem> {
        let (named, certificate) = match named {
            keys::Caller::Certificate(thumbprint) => self.named_registered(thumbprint).await?,
            keys::Caller::Officer(der) => self.named_member(der).await?,
            keys::Caller::Learner(id) => return self.learner(id, now).await,
            keys::Caller::Signer(id) => return self.approver(id, now).await,
        };
        let key = PublicKey::of_certificate(&certificate).map_err(|_| of_access(AccessError::Signature))?;
        let valid = certificate.valid_at(now);
        let valid = valid.map_err(|refusal| problems::of_refusal(Kind::Unauthenticated, &refusal));
        Ok(Holder { key, caller: valid.and_then(|()| named.stands_at(now)) })
    }

    /// The registered educator, officer or signer who has this certificate. A signer whose key an office holds is named
    /// otherwise: the office does not ask in their place.
    async fn named_registered(&self, thumbprint: &[u8; 32]) -> Result<(Named, Certificate), Problem> {
        let nobody = || unknown("the certificate is no registered educator's, officer's or signer's");
        let Some(registered) = self.registered(thumbprint).await? else {
            let signer = self.registry.signer(thumbprint).await?.ok_or_else(nobody)?;
            if signer.approval.is_some() {
                let detail =
                    "an office holds this certificate's key; its person asks under the kid signer/ID";
                return Err(unknown(detail));
            }
            let certificate = signer.certificate().map_err(|error| problems::internal(&error))?.clone();
            return Ok((Named::Signer(signer), certificate));
        };
        let certificate = registered.certificate().map_err(|error| problems::internal(&error))?.clone();
        Ok((Named::Registered(registered), certificate))
    }

    /// The registered learner, with the key of their wallet that began last. Whether that is revoked shows once it is.
    async fn learner(&self, id: &LearnerId, now: i64) -> Result<Holder, Problem> {
        let nobody = || unknown("there is no such learner, or not with a wallet");
        let learner = self.registry.learner(id).await?.ok_or_else(nobody)?;
        let key = learner.wallets.iter().rfind(|key| key.since <= now).ok_or_else(nobody)?;
        let point = key.point().map_err(|error| problems::internal(&error))?;
        let key = PublicKey::from_point(&point).map_err(|error| problems::internal(&error))?;
        let in_force = learner.wallet_at(now);
        let in_force = in_force.map_err(|refusal| problems::of_refusal(Kind::Forbidden, &refusal));
        Ok(Holder { key, caller: in_force.map(|_| Caller::Learner { id: id.clone() }) })
    }

    /// The registered signer whose certificate's key an office holds, with their own key of approval.
    async fn approver(&self, id: &SignerId, now: i64) -> Result<Holder, Problem> {
        let nobody = || unknown("there is no such signer, or they hold their certificate's key themselves");
        let signer = self.registry.approver(id).await?.ok_or_else(nobody)?;
        let key = signer.approval.as_ref().ok_or_else(nobody)?;
        let point = key.checked_point().map_err(|error| problems::internal(&error))?;
        let key = PublicKey::from_point(&point).map_err(|error| problems::internal(&error))?;
        let certificate = signer.certificate().map_err(|error| problems::internal(&error))?;
        let valid = certificate.valid_at(now);
        let valid = valid.map_err(|refusal| problems::of_refusal(Kind::Unauthenticated, &refusal));
        Ok(Holder { key, caller: valid.and_then(|()| Named::Signer(signer.clone()).stands_at(now)) })
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

/// A bearer's token, read and not yet verified.
fn token(bearer: &str) -> Result<Presented, Problem> {
    Presented::parse(bearer).map_err(of_access)
}

fn of_access(error: AccessError) -> Problem {
    Problem::new(Kind::Unauthenticated, error.code(), error.to_string())
}

fn unknown(detail: &str) -> Problem {
    Problem::new(Kind::Unauthenticated, "access.unknown", detail)
}

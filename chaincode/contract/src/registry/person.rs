//! What educators, officers and signers have in common: a certificate that is theirs during some time.

use super::{Kind, Office, check_time, earlier_end};
use crate::{
    Code, Refusal,
    certificate::{Certificate, Curve},
    id::MspId,
};

pub(super) use members::Members;

/// Somebody whom the registry knows by a certificate.
pub trait Person: Members {
    /// Refuses a time before `from`, from `until` on, and from `revoked_since` on.
    fn stands_at(&self, time: i64) -> Result<(), Refusal> {
        let who = format!("{} {}", Self::NAMES.definite, self.id());
        self.term().holds_at(time, &who, &Self::CODES)
    }

    /// The certificate, read, and checked to be issued by this authority. For its validity at a time ask
    /// [`Certificate::valid_at`].
    fn certificate_of(&self, authority: &Certificate) -> Result<Certificate, Refusal> {
        let certificate = Certificate::from_pem(self.pem())?;
        certificate.issued_by(authority)?;
        Ok(certificate)
    }
}

impl<P: Members> Person for P {}

/// Somebody of an office: its authority issued their certificate, its administrators register and revoke them.
pub trait OfficePerson: Person {
    /// Their office.
    fn office(&self) -> &MspId;

    /// Everything about them that the ledger will check of what they sign at this time: that they stand, and that their
    /// certificate is valid and issued by their office's valid authority.
    fn may_act(&self, office: &Office, time: i64) -> Result<Certificate, Refusal> {
        let authority = office.authority()?;
        let certificate = self.certificate_of(&authority)?;
        self.may_act_with(&certificate, &authority, time)?;
        Ok(certificate)
    }

    /// As [`OfficePerson::may_act`], with their and the authority's certificates that have been read already; that the one
    /// issued the other ([`Certificate::issued_by`]), and that the other is their office's, is the caller's to have checked.
    fn may_act_with(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        time: i64,
    ) -> Result<(), Refusal> {
        self.stands_at(time)?;
        authority.valid_at(time)?;
        certificate.valid_at(time)
    }
}

/// From when until when somebody stands.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub(super) from: i64,
    pub(super) until: Option<i64>,
    pub(super) revoked_since: Option<i64>,
}

/// The codes under which somebody is refused who does not stand.
#[derive(Clone, Copy, Debug)]
pub struct TermCodes {
    pub(super) not_yet: Code,
    pub(super) no_longer: Code,
    pub(super) revoked: Code,
}

/// What a kind of people is called in messages.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub(super) indefinite: &'static str,
    pub(super) definite: &'static str,
}

mod members {
    use serde::{Serialize, de::DeserializeOwned};

    use super::{Kind, Names, Term, TermCodes};

    /// The members that the document of every person has. The registry alone changes them.
    pub trait Members: Clone + PartialEq + Serialize + DeserializeOwned {
        const KIND: Kind;
        const NAMES: Names;
        const CODES: TermCodes;
        /// The key of the document with this id.
        const KEY: fn(&str) -> String;

        fn id(&self) -> &str;
        fn pem(&self) -> &str;
        fn thumbprint(&self) -> &str;
        fn term(&self) -> Term;
        fn set_certificate(&mut self, pem: String, thumbprint: String);
        fn set_revoked_since(&mut self, since: Option<i64>);
    }
}

/// Gives a document its [`Members`].
macro_rules! person {
    ($document:ident, $key:path, $indefinite:literal, $definite:literal, $codes:expr) => {
        impl $crate::registry::person::Members for $document {
            const KIND: $crate::registry::Kind = $crate::registry::Kind::$document;
            const NAMES: $crate::registry::person::Names =
                $crate::registry::person::Names { indefinite: $indefinite, definite: $definite };
            const CODES: $crate::registry::person::TermCodes = $codes;
            const KEY: fn(&str) -> String = |id| $key(id);

            fn id(&self) -> &str {
                self.id.as_str()
            }

            fn pem(&self) -> &str {
                &self.certificate
            }

            fn thumbprint(&self) -> &str {
                &self.thumbprint
            }

            fn term(&self) -> $crate::registry::person::Term {
                let Self { from, until, revoked_since, .. } = *self;
                $crate::registry::person::Term { from, until, revoked_since }
            }

            fn set_certificate(&mut self, pem: String, thumbprint: String) {
                (self.certificate, self.thumbprint) = (pem, thumbprint);
            }

            fn set_revoked_since(&mut self, since: Option<i64>) {
                self.revoked_since = since;
            }
        }
    };
}
pub(super) use person;

/// Checks what every person has, derives the thumbprint, and gives the document as the registry stores it, and its
/// certificate.
pub(super) fn checked<P: Person>(mut person: P) -> Result<(P, Certificate), Refusal> {
    person.term().check()?;
    let certificate = Certificate::from_pem(person.pem())?;
    check_key(P::NAMES.indefinite, &certificate)?;
    let derived = hex::encode(certificate.thumbprint());
    if !person.thumbprint().is_empty() && person.thumbprint() != derived {
        return Err(Refusal::new(
            Code::ArgumentMalformed,
            format!("the thumbprint is not the certificate's, {derived}; leave it out"),
        ));
    }
    person.set_certificate(certificate.to_pem(), derived);
    Ok((person, certificate))
}

/// The same person, revoked; earlier than before if revoked already.
pub(super) fn revoked<P: Person>(mut person: P, since: i64) -> Result<P, Refusal> {
    check_time("since", since)?;
    let end = earlier_end("revoked_since", person.term().revoked_since, since)?;
    person.set_revoked_since(Some(end));
    Ok(person)
}

/// Whether what stands is the person as given, or was registered so and revoked since.
pub(super) fn stands_so<P: Person>(standing: &P, given: &P) -> bool {
    let mut before = standing.clone();
    before.set_revoked_since(None);
    standing == given || before == *given
}

impl Term {
    /// Refuses times that are none, and an end before the beginning.
    fn check(&self) -> Result<(), Refusal> {
        check_time("from", self.from)?;
        for (what, end) in [("until", self.until), ("revoked_since", self.revoked_since)] {
            end.map_or(Ok(()), |time| check_time(what, time))?;
        }
        match self.until {
            Some(until) if until <= self.from => {
                Err(Refusal::new(Code::ArgumentMalformed, "until is later than from"))
            }
            _ => Ok(()),
        }
    }

    fn holds_at(&self, time: i64, who: &str, codes: &TermCodes) -> Result<(), Refusal> {
        let refuse = |code, what| Err(Refusal::new(code, format!("{who} {what} at that time")));
        if self.revoked_since.is_some_and(|revoked| time >= revoked) {
            return refuse(codes.revoked, "is revoked");
        }
        if time < self.from {
            return refuse(codes.not_yet, "has not begun");
        }
        if self.until.is_some_and(|until| time >= until) {
            return refuse(codes.no_longer, "has left");
        }
        Ok(())
    }
}

/// Refuses a certificate that is none to sign with.
fn check_key(who: &str, certificate: &Certificate) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(Code::CertificateUnsupported, why));
    if certificate.public_key().curve != Curve::P256 {
        return refuse(format!("{who}'s key is a P-256 key"));
    }
    if certificate.is_authority() || !certificate.is_signer() {
        return refuse(format!("{who}'s certificate is one for digital signatures, not an authority's"));
    }
    Ok(())
}

//! One of every role, and what they show: tokens and requests, right and wrong.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sillok_contract::{
    id::{EducatorId, EducatorRole, LearnerId, MspId, SchoolId, SignerId},
    registry,
};
use sillok_gateway::{
    clock::now,
    keys::{
        AccessToken, Asked, Authority, Expected, Issued, PrivateKey, RequestSigner, SignedQueries, Validity,
    },
    ledger::{
        consortium::Consortium,
        embedded::Embedded,
        school::{self, Educator, Plan},
    },
};

use crate::school::{AUDIENCE, School};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// No token, no signature.
    Nobody,
    /// The educator who sent the request that is asked about.
    Sender,
    /// Another educator of their school.
    Colleague,
    /// An educator of another school.
    OtherSchool,
    /// An educator of the school who was revoked.
    Revoked,
    /// An educator of the school who begins tomorrow.
    NotYet,
    /// Somebody whose certificate is the school's authority's, but not registered.
    Unregistered,
    /// The learner whom the entry that is asked about is about, with the key of their wallet.
    Learner,
    /// Another learner of the same request, likewise.
    OtherLearner,
    /// A learner whose wallet's key was revoked.
    RevokedWallet,
    /// A learner of whom no wallet is registered, with a key all the same.
    WithoutWallet,
    /// Somebody of the education office.
    OfficeClerk,
    /// Somebody of the support office.
    SupportClerk,
    /// An administrator of the education office.
    OfficeAdministrator,
    /// A node of the education office: not a person.
    OfficePeer,
    /// Somebody of the schools' organisation, by certificate.
    SchoolClerk,
    /// A signer of documents, registered by the education office.
    Signer,
    /// The same, who shows the certificate that the office's authority issued as its people do.
    SignerAsClerk,
    /// Somebody with the certificate of an authority that calls itself the office's.
    OfOtherAuthority,
}

/// What is not right about a token or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Three parts of nothing.
    Garbage,
    /// A request shown as a token, a token sent as a request.
    OtherKind,
    /// Signed with another key than the one named.
    OtherKey,
    /// For another gateway.
    OtherAudience,
    /// From yesterday.
    Expired,
    /// From tomorrow.
    FromTheFuture,
    /// Good for longer than may be.
    ForTooLong,
    /// For another method.
    OtherMethod,
    /// For another path.
    OtherAddress,
    /// For another host.
    OtherHost,
}

pub(super) struct People {
    everyone: Vec<(Role, Issued)>,
    learner: LearnerId,
    /// Those with a wallet, or a key like one.
    pupils: [(Role, LearnerId); 4],
}

impl People {
    /// Registers those who are to be registered.
    pub(super) async fn gather(school: &School, ledger: &Embedded) -> Self {
        let consortium = Consortium::Embedded(ledger.clone());
        let south = Plan::new(SchoolId::new("south").unwrap(), 1, 2).unwrap();
        let south = school::register(&consortium, &south, AUDIENCE).await.unwrap();
        let people = Self::issue(school, &south, ledger);
        let begins = [(Role::Colleague, 0), (Role::Revoked, 0), (Role::NotYet, now() + DAY)];
        let educators = begins.map(|(role, from)| teacher(role, people.of(role), from));
        let admin = consortium.administrator("OfficeMSP").unwrap();
        admin.register_educators(&educators).await.unwrap();
        admin.register_signers(&[signer(people.of(Role::Signer))]).await.unwrap();
        admin.revoke_educator(&educators[1].id, now() - SECOND).await.unwrap();
        let support = consortium.administrator("SupportMSP").unwrap();
        for (role, learner) in &people.pupils[..3] {
            let key = people.of(*role).key.public_key().of_wallet(1);
            support.register_wallet_key(learner, &key).await.unwrap();
        }
        support.revoke_wallet_key(&people.pupils[2].1, now() - SECOND).await.unwrap();
        people
    }

    fn issue(school: &School, south: &school::School, ledger: &Embedded) -> Self {
        let validity = Validity::days(now(), 30);
        let pretender = Authority::generate("ca.office", "OfficeMSP", validity).unwrap();
        let by = |msp: &str, unit: &str| ledger.authority(msp).unwrap().issue("x", unit, validity).unwrap();
        let educator = |role: Role| {
            let name = EducatorId::new(format!("{role:?}")).unwrap();
            (role, ledger.authority("SchoolMSP").unwrap().issue_educator(&name, validity).unwrap())
        };
        let registered = |educator: &Educator| Issued {
            certificate: educator.certificate.clone(),
            key: educator.key.clone(),
        };
        let name = SignerId::new("Signer").unwrap();
        let signer = ledger.authority("OfficeMSP").unwrap().issue_signer(&name, validity).unwrap();
        let everyone = vec![
            (Role::Sender, registered(&school.educator)),
            educator(Role::Colleague),
            (Role::OtherSchool, registered(&south.educators[0])),
            educator(Role::Revoked),
            educator(Role::NotYet),
            educator(Role::Unregistered),
            educator(Role::Learner),
            educator(Role::OtherLearner),
            educator(Role::RevokedWallet),
            educator(Role::WithoutWallet),
            (Role::OfficeClerk, by("OfficeMSP", "client")),
            (Role::SupportClerk, by("SupportMSP", "client")),
            (Role::OfficeAdministrator, by("OfficeMSP", "admin")),
            (Role::OfficePeer, by("OfficeMSP", "peer")),
            (Role::SchoolClerk, by("SchoolMSP", "client")),
            (Role::Signer, Issued { certificate: signer.certificate.clone(), key: signer.key.clone() }),
            (Role::SignerAsClerk, signer),
            (Role::OfOtherAuthority, pretender.issue("x", "client", validity).unwrap()),
        ];
        let pupils = [
            (Role::Learner, school.learners[0].clone()),
            (Role::OtherLearner, school.learners[1].clone()),
            (Role::RevokedWallet, south.learners[0].clone()),
            (Role::WithoutWallet, south.learners[1].clone()),
        ];
        Self { everyone, learner: school.learners[0].clone(), pupils }
    }

    fn of(&self, role: Role) -> &Issued {
        &self.everyone.iter().find(|(known, _)| *known == role).expect("it is a person").1
    }

    /// The token that the role shows for a call; none if it shows none.
    pub(super) fn token(&self, role: Role, flaw: Option<Flaw>, method: &str, uri: &str) -> Option<String> {
        let issued = match role {
            Role::Nobody => return None,
            role => self.of(role),
        };
        if flaw == Some(Flaw::OtherKind) {
            return Some(self.request(role, None).request);
        }
        let right = Expected { audience: AUDIENCE, method, uri, now: now() };
        let elsewhere = uri.replacen("://127.0.0.1", "://gateway.example", 1);
        let (call, seconds) = match flaw {
            Some(Flaw::OtherAudience) => (Expected { audience: "another", ..right }, 60),
            Some(Flaw::Expired) => (Expected { now: now() - DAY, ..right }, 60),
            Some(Flaw::FromTheFuture) => (Expected { now: now() + DAY, ..right }, 60),
            Some(Flaw::ForTooLong) => (right, 3_600),
            Some(Flaw::OtherMethod) => (Expected { method: "PUT", ..right }, 60),
            Some(Flaw::OtherAddress) => (Expected { uri: &format!("{uri}/more"), ..right }, 60),
            Some(Flaw::OtherHost) => (Expected { uri: &elsewhere, ..right }, 60),
            _ => (right, 60),
        };
        Some(spoilt(self.signer(role, issued).sign(&call, seconds), flaw))
    }

    fn signer(&self, role: Role, issued: &Issued) -> AccessToken {
        let (certificate, key) = (&issued.certificate, issued.key.clone());
        match role {
            Role::Sender
            | Role::Colleague
            | Role::OtherSchool
            | Role::Revoked
            | Role::NotYet
            | Role::Unregistered
            | Role::Signer => AccessToken::of_certificate(certificate, key).unwrap(),
            _ => match self.pupils.iter().find(|(pupil, _)| *pupil == role) {
                Some((_, learner)) => AccessToken::of_learner(learner.clone(), key),
                None => AccessToken::of_officer(certificate, key).unwrap(),
            },
        }
    }

    /// What the role signs and sends: a read of the school's learner.
    pub(super) fn request(&self, role: Role, flaw: Option<Flaw>) -> SignedQueries {
        let nothing = || SignedQueries { request: String::new(), queries: Vec::new() };
        let issued = match role {
            Role::Nobody => return nothing(),
            role => self.of(role),
        };
        if flaw == Some(Flaw::OtherKind) {
            let request = self.token(role, None, "POST", "http://127.0.0.1/v1/requests").unwrap();
            return SignedQueries { request, ..nothing() };
        }
        let audience = if flaw == Some(Flaw::OtherAudience) { "another" } else { AUDIENCE };
        let at = match flaw {
            Some(Flaw::Expired) => now() - 30 * DAY,
            Some(Flaw::FromTheFuture) => now() + DAY,
            _ => now(),
        };
        let north = SchoolId::new("north").unwrap();
        let signer = RequestSigner::new(north, audience, &issued.certificate, issued.key.clone()).unwrap();
        let sql = "SELECT subject, score FROM grades".to_owned();
        let asked = Asked { learner: self.learner.clone(), sql, params: Vec::new() };
        let signed = signer.sign([asked], at).unwrap();
        SignedQueries { request: spoilt(signed.request, flaw), ..signed }
    }
}

/// The registry's document of an educator of `north`.
fn teacher(role: Role, issued: &Issued, from: i64) -> registry::Educator {
    registry::Educator {
        id: EducatorId::new(format!("{role:?}")).unwrap(),
        school: SchoolId::new("north").unwrap(),
        role: EducatorRole::new("teacher").unwrap(),
        certificate: issued.certificate.to_pem(),
        thumbprint: String::new(),
        from,
        until: None,
        revoked_since: None,
    }
}

fn spoilt(jws: String, flaw: Option<Flaw>) -> String {
    match flaw {
        Some(Flaw::Garbage) => "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        Some(Flaw::OtherKey) => {
            let (signed, _) = jws.rsplit_once('.').unwrap();
            let signature = PrivateKey::generate().unwrap().sign_fixed(signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
        _ => jws,
    }
}

/// The document of the signer with this certificate.
fn signer(issued: &Issued) -> registry::Signer {
    registry::Signer {
        id: SignerId::new("Signer").unwrap(),
        office: MspId::new("OfficeMSP").unwrap(),
        certificate: issued.certificate.to_pem(),
        thumbprint: String::new(),
        approval: None,
        from: 0,
        until: None,
        revoked_since: None,
    }
}

//! Signers who sign documents: two who hold their keys, and one whose key an office holds.

use serde_json::{Value, json};
use sillok_contract::{
    Code, Refusal,
    act::{Act, Acted, Named, Payload},
    digest::Digest,
    document::Document,
    id::SignerId,
    registry::ApprovalKey,
    request::compact,
    signature::{Commitment, Presented, RecordedSignatures, Signature, Statement, Subject},
};

use super::{
    ledger::Transaction,
    people::Person,
    world::{NOW, NOW_SECONDS, SINCE, World},
};

pub const OFFICE: &str = "OfficeMSP";
pub const SUPPORT: &str = "SupportMSP";

pub struct Signing {
    pub world: World,
    /// A signer of OfficeMSP.
    pub ahn: Person,
    /// A signer of SupportMSP.
    pub bae: Person,
    /// A signer whose key SupportMSP holds.
    pub cha: Person,
    /// The key by which they approve.
    pub own: Person,
    acts: u32,
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ahn,
    Bae,
    Cha,
}

impl Who {
    pub fn id(self) -> SignerId {
        SignerId::new(match self {
            Self::Ahn => "ahn",
            Self::Bae => "bae",
            Self::Cha => "cha",
        })
        .unwrap()
    }
}

pub fn signer(id: &str, office: &str, pem: &str) -> Value {
    json!({"id": id, "office": office, "certificate": pem, "from": SINCE})
}

/// The key as one of approval.
pub fn approval(person: &Person) -> ApprovalKey {
    ApprovalKey::new(person.certificate().public_key().point.as_slice().try_into().unwrap())
}

/// A document's hash under the plain name, signed a second ago.
pub fn statement(document: &str) -> Statement {
    let hash = Digest::of(document.as_bytes());
    Statement { hash, subject: Subject::Hash(hash), purpose: None, iat: NOW_SECONDS - 1 }
}

/// The same as a part in a document of several parties.
pub fn part(document: &str, id: &str) -> Statement {
    let subject = format!("urn:sillok:document:{id}").parse().unwrap();
    Statement { subject, purpose: Some(Commitment::ProofOfApproval), ..statement(document) }
}

/// A signature of a signature.
pub fn counter(jws: &str) -> Statement {
    let signature = Signature::parse(jws).unwrap();
    Statement { hash: signature.hash(), subject: Subject::Signature(signature.digest), ..statement("") }
}

pub fn alone(jws: &str) -> Presented {
    Presented { jws: jws.to_owned(), approval: None }
}

impl Signing {
    pub fn new() -> Self {
        let mut world = World::new();
        let [ahn, bae, cha, own] = ["ahn", "bae", "cha", "own"].map(|name| world.offices.issue(name, &[]));
        let mut held = signer("cha", SUPPORT, &cha.pem);
        held["approval"] = json!(approval(&own));
        world.admin(OFFICE, "RegisterSigners", &[&json!([signer("ahn", OFFICE, &ahn.pem)])]).unwrap();
        let others = json!([signer("bae", SUPPORT, &bae.pem), held]);
        world.admin(SUPPORT, "RegisterSigners", &[&others]).unwrap();
        world.ledger.events.clear();
        Self { world, ahn, bae, cha, own, acts: 0 }
    }

    pub fn person(&self, who: Who) -> &Person {
        match who {
            Who::Ahn => &self.ahn,
            Who::Bae => &self.bae,
            Who::Cha => &self.cha,
        }
    }

    pub fn sign(&self, who: Who, statement: &Statement) -> String {
        self.sign_with(self.person(who), self.person(who), statement)
    }

    /// Whose key signs, and whose certificate the header names.
    pub fn sign_with(&self, key: &Person, named: &Person, statement: &Statement) -> String {
        let authority = sillok_contract::certificate::Certificate::from_pem(&self.world.offices.pem).unwrap();
        let input = statement.signing_input(&named.certificate(), &authority);
        compact(&input, &key.sign_bytes(input.as_bytes()))
    }

    /// As the header of their acts names them, and the key that signs these.
    pub fn named(&self, who: Who) -> (&Person, Named) {
        match who {
            Who::Cha => (&self.own, Named::Approver(who.id())),
            _ => (self.person(who), Named::Signer(self.person(who).certificate().thumbprint())),
        }
    }

    pub fn payload(&mut self, act: impl Into<Act>) -> Payload {
        self.acts += 1;
        let (jti, aud) = (format!("act-{}", self.acts), "https://gateway.example".to_owned());
        Payload { jti, iat: NOW_SECONDS - 1, aud, act: act.into() }
    }

    pub fn act(&mut self, who: Who, act: impl Into<Act>) -> String {
        let payload = self.payload(act);
        let (person, named) = self.named(who);
        person.sign_input(&payload.signing_input(&named))
    }

    /// Cha's signature of a statement, with their approval beside it.
    pub fn approved(&mut self, statement: &Statement) -> Presented {
        let jws = self.sign(Who::Cha, statement);
        let approval = self.act(Who::Cha, statement.approval());
        Presented { jws, approval: Some(approval) }
    }

    /// The gateway has signatures recorded; a refusal leaves no trace.
    pub fn submit(&mut self, presented: &[Presented], time: i64) -> Result<RecordedSignatures, Refusal> {
        let digest = |presented: &Presented| Signature::parse(&presented.jws).unwrap().digest;
        let digests: Vec<_> = presented.iter().map(digest).collect();
        self.submit_bytes(json!(digests).to_string(), json!(presented).to_string(), time)
    }

    pub fn submit_bytes(
        &mut self,
        digests: String,
        signatures: String,
        time: i64,
    ) -> Result<RecordedSignatures, Refusal> {
        let before = self.world.ledger.state.clone();
        let creator = Some(self.world.creator(SUPPORT, "client"));
        let transient = [("signatures".to_owned(), signatures.into_bytes())].into();
        let transaction = Transaction { creator, time, transient, ..self.world.transaction() };
        let reply = self.world.transact(transaction, "RecordSignatures", &[digests.into_bytes()]);
        if reply.is_err() {
            assert_eq!(before, self.world.ledger.state);
        }
        Ok(serde_json::from_value(reply?).unwrap())
    }

    /// Signs and has it recorded.
    pub fn signs(&mut self, who: Who, statement: &Statement) -> Result<RecordedSignatures, Code> {
        let presented = match who {
            Who::Cha => self.approved(statement),
            _ => alone(&self.sign(who, statement)),
        };
        self.submit(&[presented], NOW).map_err(|refusal| refusal.code)
    }

    /// Signs an act and has it recorded.
    pub fn does(&mut self, who: Who, act: impl Into<Act>) -> Result<Acted, Code> {
        self.does_at(who, act, NOW)
    }

    pub fn does_at(&mut self, who: Who, act: impl Into<Act>, time: i64) -> Result<Acted, Code> {
        let jws = self.act(who, act);
        self.submit_act(&jws, time)
    }

    pub fn submit_act(&mut self, jws: &str, time: i64) -> Result<Acted, Code> {
        let before = self.world.ledger.state.clone();
        let creator = Some(self.world.creator(SUPPORT, "client"));
        let transaction = Transaction { creator, time, ..self.world.transaction() };
        let reply = self.world.transact(transaction, "RecordAct", &[jws.as_bytes().to_vec()]);
        if reply.is_err() {
            assert_eq!(before, self.world.ledger.state);
        }
        reply.map(|reply| serde_json::from_value(reply).unwrap()).map_err(|refusal| refusal.code)
    }

    pub fn read(&mut self, function: &str, arguments: &[&str]) -> Result<Value, Code> {
        self.world.read(function, arguments).map_err(|refusal| refusal.code)
    }

    pub fn document(&mut self, id: &str) -> Document {
        serde_json::from_value(self.read("GetDocument", &[id]).unwrap()).unwrap()
    }

    pub fn revoke(&mut self, who: Who, since: i64) {
        let office = if who == Who::Ahn { OFFICE } else { SUPPORT };
        let id = who.id().to_string();
        self.world.admin(office, "RevokeSigner", &[&json!(id), &json!(since)]).unwrap();
    }
}

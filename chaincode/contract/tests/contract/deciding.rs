//! Learners with wallets and officers, who sign acts; and a batch about the learners.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sillok_contract::{
    Code, Refusal,
    act::{Act, Acted, Named, Payload},
    batch::Recorded,
    id::LearnerId,
    request::compact,
};

use super::{
    ledger::Transaction,
    people::Person,
    world::{NOW, NOW_SECONDS, SINCE, World},
};

/// What travels beside an act.
pub type Beside = BTreeMap<String, Vec<u8>>;

pub struct Deciding {
    pub world: World,
    /// The wallet of L1.
    pub min: Person,
    /// The wallet of L2.
    pub yun: Person,
    /// School-1's first batch: L1, L2 and L1 again.
    pub recorded: Recorded,
    acts: u32,
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Min,
    Yun,
    Han,
    Seo,
}

pub const EVERYBODY: [Who; 4] = [Who::Min, Who::Yun, Who::Han, Who::Seo];

impl Deciding {
    pub fn new() -> Self {
        let mut world = World::new();
        let wallets = super::people::Authority::new("wallets");
        let (min, yun) = (wallets.issue("min", &[]), wallets.issue("yun", &[]));
        for (learner, wallet) in [("L1", &min), ("L2", &yun)] {
            let key = serde_json::to_value(wallet.wallet(SINCE)).unwrap();
            world.admin("SupportMSP", "RegisterWalletKey", &[&json!(learner), &key]).unwrap();
        }
        let recorded = world.record(&world.draft()).unwrap();
        world.ledger.events.clear();
        Self { world, min, yun, recorded, acts: 0 }
    }

    pub fn person(&self, who: Who) -> (&Person, Named) {
        let learner = |id: &str| Named::Learner(LearnerId::new(id).unwrap());
        let officer = |person: &Person| Named::Officer(person.certificate().thumbprint());
        match who {
            Who::Min => (&self.min, learner("L1")),
            Who::Yun => (&self.yun, learner("L2")),
            Who::Han => (&self.world.han, officer(&self.world.han)),
            Who::Seo => (&self.world.seo, officer(&self.world.seo)),
        }
    }

    pub fn payload(&mut self, act: impl Into<Act>) -> Payload {
        self.acts += 1;
        let (jti, aud) = (format!("act-{}", self.acts), "https://gateway.example".to_owned());
        Payload { jti, iat: NOW_SECONDS - 1, aud, act: act.into() }
    }

    /// The act, signed now.
    pub fn sign(&mut self, who: Who, act: impl Into<Act>) -> String {
        let payload = self.payload(act);
        self.sign_payload(who, &payload)
    }

    pub fn sign_payload(&self, who: Who, payload: &Payload) -> String {
        let (person, named) = self.person(who);
        let input = payload.signing_input(&named);
        compact(&input, &person.sign_bytes(input.as_bytes()))
    }

    /// The gateway submits an act; a refusal leaves no trace.
    pub fn submit(&mut self, jws: &str, beside: Beside, time: i64) -> Result<Acted, Refusal> {
        let before = (self.world.ledger.state.clone(), self.world.ledger.private.clone());
        let creator = Some(self.world.creator("SupportMSP", "client"));
        let transaction = Transaction { creator, time, transient: beside, ..self.world.transaction() };
        let reply = self.world.transact(transaction, "RecordAct", &[jws.as_bytes().to_vec()]);
        if reply.is_err() {
            assert_eq!(before, (self.world.ledger.state.clone(), self.world.ledger.private.clone()));
        }
        Ok(serde_json::from_value(reply?).unwrap())
    }

    /// Signs an act and has it submitted.
    pub fn does(&mut self, who: Who, act: impl Into<Act>) -> Result<Acted, Code> {
        self.does_with(who, act, Beside::new())
    }

    pub fn does_with(&mut self, who: Who, act: impl Into<Act>, beside: Beside) -> Result<Acted, Code> {
        let jws = self.sign(who, act);
        self.submit(&jws, beside, NOW).map_err(|refusal| refusal.code)
    }

    pub fn read(&mut self, function: &str, arguments: &[&str]) -> Result<Value, Code> {
        self.world.read(function, arguments).map_err(|refusal| refusal.code)
    }

    /// A read by a member of an office.
    pub fn office_reads(&mut self, function: &str, arguments: &[&str]) -> Result<Value, Code> {
        let creator = self.world.creator("OfficeMSP", "client");
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect();
        self.world.call(creator, function, &arguments).map_err(|refusal| refusal.code)
    }
}

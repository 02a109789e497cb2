//! Two schools with an educator and learners each, registered by those who may.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;
use serde_json::{Value, json};
use sillok_contract::{
    Creator, Refusal,
    batch::Recorded,
    id::SchoolId,
    invoke, merkle,
    purpose::Purpose,
    request::{Payload, query_hash},
};
use sillok_proto::ledger::{BatchBody, BatchHeader, Entry, Read, entry::Result as Outcome};

use super::{
    ledger::{Memory, Transaction},
    people::{Authority, Person},
};

/// 2026-02-25, in seconds; the time of every transaction here unless said otherwise.
pub const NOW_SECONDS: i64 = 1_772_000_000;
pub const NOW: i64 = NOW_SECONDS * 1_000_000;
pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;
/// Since when people stand, unless said otherwise.
pub const SINCE: i64 = NOW - 30 * DAY;

pub struct World {
    pub ledger: Memory,
    pub authority: Authority,
    /// The educator of school-1.
    pub kim: Person,
    /// The educator of school-2.
    pub lee: Person,
    /// The authority of both offices.
    pub offices: Authority,
    /// The officer of OfficeMSP.
    pub han: Person,
    /// The officer of SupportMSP.
    pub seo: Person,
    /// One certificate for each role, from the organisations' authority; the last has none.
    creators: Vec<(&'static str, Person)>,
    transactions: u32,
}

impl World {
    /// Nothing is registered yet.
    pub fn empty() -> Self {
        let authority = Authority::new("school-authority");
        let organisation = Authority::new("organisation");
        let offices = Authority::new("offices-authority");
        let roles = ["client", "admin", "peer", "orderer", "stranger"];
        let creators = roles.map(|role| (role, organisation.issue(role, &[role]))).into_iter().collect();
        Self {
            kim: authority.issue("kim", &["client"]),
            lee: authority.issue("lee", &["client"]),
            han: offices.issue("han", &["client"]),
            seo: offices.issue("seo", &["client"]),
            offices,
            ledger: Memory::default(),
            authority,
            creators,
            transactions: 0,
        }
    }

    /// Everyone is registered.
    pub fn new() -> Self {
        let mut world = Self::empty();
        for (id, name) in [("OfficeMSP", "교육청"), ("SupportMSP", "교육지원청")] {
            let office = json!({"id": id, "name": name, "authority": world.offices.pem});
            world.admin("OfficeMSP", "RegisterOffice", &[&office]).unwrap();
        }
        for id in ["school-1", "school-2"] {
            world.admin("OfficeMSP", "RegisterSchool", &[&world.school(id)]).unwrap();
        }
        let educators = json!([
            world.educator("kim", "school-1", &world.kim.pem),
            world.educator("lee", "school-2", &world.lee.pem),
        ]);
        world.admin("SupportMSP", "RegisterEducators", &[&educators]).unwrap();
        for (msp, id, pem) in
            [("OfficeMSP", "han", world.han.pem.clone()), ("SupportMSP", "seo", world.seo.pem.clone())]
        {
            world.admin(msp, "RegisterOfficers", &[&json!([officer(id, msp, &pem)])]).unwrap();
        }
        let learners = [("L1", "school-1"), ("L2", "school-1"), ("L3", "school-2")];
        let learners: Value = learners.iter().map(|(id, school)| learner(id, school)).collect();
        world.admin("SupportMSP", "RegisterLearners", &[&learners]).unwrap();
        world.ledger.events.clear();
        world
    }

    pub fn school(&self, id: &str) -> Value {
        json!({"id": id, "name": format!("{id} 학교"), "district": "Seoul", "authority": self.authority.pem})
    }

    pub fn educator(&self, id: &str, school: &str, pem: &str) -> Value {
        json!({"id": id, "school": school, "role": "teacher", "certificate": pem, "from": SINCE})
    }

    pub fn creator(&self, msp: &str, role: &str) -> Creator {
        let (_, person) = self.creators.iter().find(|(name, _)| *name == role).unwrap();
        Creator { msp: msp.to_owned(), certificate: person.pem.clone().into_bytes() }
    }

    /// A transaction with JSON arguments by an administrator; a string is given as it is, without quotes.
    pub fn admin(&mut self, msp: &str, function: &str, arguments: &[&Value]) -> Result<Value, Refusal> {
        let creator = self.creator(msp, "admin");
        let arguments = arguments.iter().map(|argument| match argument {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        });
        self.call(creator, function, &arguments.collect::<Vec<_>>())
    }

    /// A read by a member of the schools.
    pub fn read(&mut self, function: &str, arguments: &[&str]) -> Result<Value, Refusal> {
        let creator = self.creator("SchoolMSP", "client");
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect();
        self.call(creator, function, &arguments)
    }

    pub fn call(
        &mut self,
        creator: Creator,
        function: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Value, Refusal> {
        let transaction = Transaction { creator: Some(creator), ..self.transaction() };
        self.transact(transaction, function, arguments)
    }

    /// A transaction at the usual time, with an id of its own.
    pub fn transaction(&mut self) -> Transaction {
        self.transactions += 1;
        Transaction { id: format!("{:064x}", self.transactions), time: NOW, ..Transaction::default() }
    }

    /// Runs a function; a success commits, a refusal leaves no trace.
    pub fn transact(
        &mut self,
        transaction: Transaction,
        function: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Value, Refusal> {
        self.ledger.transaction = transaction;
        let reply = invoke(&mut self.ledger, function, arguments);
        match reply {
            Ok(reply) => {
                self.ledger.commit();
                Ok(serde_json::from_slice(&reply).unwrap())
            }
            Err(refusal) => {
                self.ledger.transaction = Transaction::default();
                Err(refusal)
            }
        }
    }

    /// The gateway records a batch.
    pub fn record(&mut self, batch: &Draft) -> Result<Recorded, Refusal> {
        self.record_at(batch, NOW)
    }

    pub fn record_at(&mut self, batch: &Draft, time: i64) -> Result<Recorded, Refusal> {
        let (header, body) = batch.seal();
        self.record_bytes(header, body, time)
    }

    pub fn record_bytes(&mut self, header: Vec<u8>, body: Vec<u8>, time: i64) -> Result<Recorded, Refusal> {
        let creator = Some(self.creator("SupportMSP", "client"));
        let transient = [("body".to_owned(), body)].into();
        let transaction = Transaction { creator, time, transient, ..self.transaction() };
        let reply = self.transact(transaction, "RecordBatch", &[header])?;
        Ok(serde_json::from_value(reply).unwrap())
    }

    /// Kim's request about L1, L2 and L1 again, executed at school-1 a second after it was signed: its first batch.
    pub fn draft(&self) -> Draft {
        let mut draft = Draft::new("school-1");
        draft.add("kim", &self.kim, "request-1", &["L1", "L2", "L1"]);
        draft
    }
}

pub fn learner(id: &str, school: &str) -> Value {
    json!({"id": id, "enrolments": [{"school": school, "since": SINCE}]})
}

pub fn officer(id: &str, office: &str, pem: &str) -> Value {
    json!({"id": id, "office": office, "certificate": pem, "from": SINCE})
}

/// The JSON of a query; the number makes its salt.
pub fn query(learner: &str, number: u8) -> Vec<u8> {
    let salt = BASE64_URL_SAFE_NO_PAD.encode([number; 16]);
    json!({"learner": learner, "sql": "SELECT 1", "params": [], "salt": salt}).to_string().into_bytes()
}

pub fn payload(jti: &str, school: &str, queries: &[Vec<u8>]) -> Payload {
    Payload {
        jti: jti.to_owned(),
        iat: NOW_SECONDS - 1,
        aud: "https://gateway.example".to_owned(),
        school: SchoolId::new(school).unwrap(),
        purpose: None,
        queries: queries.iter().map(|query| query_hash(query)).collect(),
    }
}

/// A batch in the making. Sealing it computes what follows from the entries and checks nothing, so a test can change
/// one thing and see it refused for that alone.
#[derive(Clone)]
pub struct Draft {
    pub school: String,
    pub sequence: u64,
    pub previous: [u8; 32],
    pub requests: Vec<String>,
    pub entries: Vec<Entry>,
}

impl Draft {
    pub fn new(school: &str) -> Self {
        Self { school: school.to_owned(), sequence: 1, previous: [0; 32], requests: vec![], entries: vec![] }
    }

    /// The batch that comes after.
    pub fn after(school: &str, last: &Recorded) -> Self {
        Self { sequence: last.sequence + 1, previous: last.header_hash, ..Self::new(school) }
    }

    /// Adds a request with a query about each learner, and the entries.
    pub fn add(&mut self, educator: &str, person: &Person, jti: &str, learners: &[&str]) {
        let queries: Vec<_> =
            learners.iter().zip(0..).map(|(learner, number)| query(learner, number)).collect();
        let request = person.sign(&payload(jti, &self.school, &queries));
        self.add_entries(educator, &request, learners, queries);
        self.requests.push(request);
    }

    /// Adds an officer's request with a query about each learner, and entries with this result.
    pub fn add_for(
        &mut self,
        purpose: Purpose,
        (officer, person): (&str, &Person),
        jti: &str,
        learners: &[&str],
        result: &Outcome,
    ) {
        let queries: Vec<_> =
            learners.iter().zip(0..).map(|(learner, number)| query(learner, number)).collect();
        let payload = Payload { purpose: Some(purpose), ..payload(jti, &self.school, &queries) };
        let request = person.sign(&payload);
        let before = self.entries.len();
        self.add_entries(officer, &request, learners, queries);
        self.entries[before..].iter_mut().for_each(|entry| entry.result = Some(result.clone()));
        self.requests.push(request);
    }

    pub fn add_entries(&mut self, educator: &str, request: &str, learners: &[&str], queries: Vec<Vec<u8>>) {
        for (index, (learner, query)) in learners.iter().zip(queries).enumerate() {
            self.entries.push(Entry {
                query,
                request_digest: query_hash(request.as_bytes()).to_vec(),
                query_index: index as u32,
                school: self.school.clone(),
                educator: educator.to_owned(),
                learner: (*learner).to_owned(),
                executed_at: NOW + index as i64,
                result: Some(Outcome::Read(Read { rows: 1, digest: vec![7; 32] })),
            });
        }
    }

    /// Replaces the first request and lets its entries follow.
    pub fn replace_request(&mut self, request: String) {
        let standing = query_hash(self.requests[0].as_bytes());
        for entry in self.entries.iter_mut().filter(|entry| entry.request_digest == standing) {
            entry.request_digest = query_hash(request.as_bytes()).to_vec();
        }
        self.requests[0] = request;
    }

    pub fn entry_bytes(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(Message::encode_to_vec).collect()
    }

    pub fn header(&self) -> BatchHeader {
        header(self, &self.entry_bytes())
    }

    pub fn body(&self) -> BatchBody {
        BatchBody { requests: self.requests.clone(), entries: self.entry_bytes(), erased: vec![] }
    }

    /// The header's bytes and the compressed body.
    pub fn seal(&self) -> (Vec<u8>, Vec<u8>) {
        (self.header().encode_to_vec(), compress(&self.body().encode_to_vec()))
    }
}

/// The header over entries whose bytes need not be well-formed.
pub fn header(draft: &Draft, entries: &[Vec<u8>]) -> BatchHeader {
    let leaves: Vec<_> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    let times = draft.entries.iter().map(|entry| entry.executed_at);
    BatchHeader {
        school: draft.school.clone(),
        sequence: draft.sequence,
        previous: draft.previous.to_vec(),
        root: merkle::root(&leaves).to_vec(),
        count: entries.len() as u32,
        first_time: times.clone().min().unwrap_or_default(),
        last_time: times.max().unwrap_or_default(),
    }
}

pub fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

//! Dead letters, as the offices see them through either face; and how events come to be none that can be handled.

use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};
use sillok_contract::signature::{Presented, Signature};
use sillok_gateway::{
    events::{Effect, Engine, NewEvent, SignatureChange, Topic},
    keys::{Issued, Validity},
    ledger::signer::Signer,
    records::{SignatureState, StoredSignature},
    service::{DeadLetterDiscard, DeadLetterState, DeadLettersWanted, SignatureCreated, SignatureSubmission},
};
use sillok_proto::gateway::{
    DeadLetter, DiscardDeadLetterRequest, GetDeadLetterRequest, ListDeadLettersRequest,
    ReplayDeadLetterRequest,
};

use crate::{
    call::{Answer, Caller, Face},
    gateway::program,
    patience::PATIENCE,
    school::now,
    world::World,
};

impl World {
    /// Tells an event past the services that make events of this topic.
    pub async fn tells(&self, topic: Topic, subject: &str, which: &str, data: Value) {
        let event = NewEvent::new(topic, subject, which, now(), data);
        assert!(self.parts().records.commit(&Effect::default().tell(event)).await.unwrap());
    }

    /// Takes a signature in without asking who is registered, as a gateway does that knew the signer already.
    pub async fn takes_in(&self, signer: &Signer, sent: &SignatureSubmission) -> Signature {
        let signature = Signature::parse(&sent.signature).unwrap();
        let at = now();
        let stored = StoredSignature {
            id: signature.digest.0,
            hash: signature.statement.hash.0,
            signer: signer.id.clone(),
            subject: signature.statement.subject.to_string(),
            document: None,
            state: SignatureState::Created,
            verdict: None,
            refusal: None,
            recorded: None,
            created_at: at,
            updated_at: at,
        };
        let presented = Presented { jws: sent.signature.clone(), approval: sent.approval.clone() };
        let created = SignatureCreated { presented, source: "signer/elsewhere".to_owned(), received_at: at };
        let which = format!("{}/{at}", signature.digest);
        let hash = signature.statement.hash.to_string();
        let told = NewEvent::new(Topic::SignaturesCreated, hash, &which, at, json!(created));
        let effect = Effect::default().change(SignatureChange::New(stored)).tell(told);
        assert!(self.parts().records.commit(&effect).await.unwrap());
        signature
    }

    /// Somebody writes into a topic of Kafka what is no event. Not where there is no Kafka.
    pub async fn pollutes(&self, topic: Topic, message: &[u8]) -> bool {
        let kafka = &self.settings.events.kafka;
        if self.settings.events.engine != Engine::Kafka {
            return false;
        }
        let file = |file: &Option<std::path::PathBuf>| file.as_ref().unwrap().display().to_string();
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", kafka.brokers.join(","))
            .set("security.protocol", "ssl")
            .set("ssl.ca.location", file(&kafka.roots))
            .set("ssl.certificate.location", file(&kafka.certificate))
            .set("ssl.key.location", file(&kafka.key))
            .create()
            .unwrap();
        let topic = format!("{}{topic}", kafka.prefix);
        producer.send(FutureRecord::to(&topic).key("x").payload(message), PATIENCE).await.unwrap();
        true
    }
}

/// What an operator of the office is told by the program `sillok dead-letters`.
pub async fn by_program(world: &World, arguments: &[&str]) -> Value {
    let authority = world.consortium().authority("OfficeMSP").unwrap();
    let Issued { certificate, key } =
        authority.issue("Operator", "client", Validity::days(now(), 1)).unwrap();
    let place = world.site.directory.path();
    let [certificate_file, key_file] = ["operator.pem", "operator.key"].map(|name| place.join(name));
    std::fs::write(&certificate_file, certificate.to_pem()).unwrap();
    std::fs::write(&key_file, key.to_pem().unwrap().as_bytes()).unwrap();
    let said = tokio::process::Command::new(program())
        .args(["--json", "dead-letters"])
        .args(arguments)
        .args(["--gateway", &world.address()])
        .arg("--certificate")
        .arg(&certificate_file)
        .arg("--key")
        .arg(&key_file)
        .output()
        .await
        .unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stdout));
    serde_json::from_slice(&said.stdout).unwrap()
}

impl Caller {
    /// Events that were put aside, all of these.
    pub async fn dead_letters(&self, wanted: &DeadLettersWanted) -> Answer<Vec<DeadLetterState>> {
        match self.face {
            Face::Rest => Ok(self.rest.dead_letters(wanted).await?),
            Face::Grpc => {
                let DeadLettersWanted { after, limit, group, topic } = wanted.clone();
                let group = group.map(|group| group.to_string()).unwrap_or_default();
                let topic = topic.map(|topic| topic.to_string()).unwrap_or_default();
                let message = ListDeadLettersRequest { after, limit, group, topic };
                let call = self.signed_call("DeadLetters", "ListDeadLetters", message);
                let reply = self.letters.clone().list_dead_letters(call).await?.into_inner();
                Ok(reply.dead_letters.into_iter().map(read).collect())
            }
        }
    }

    /// One, with what was put aside.
    pub async fn dead_letter(&self, id: i64) -> Answer<DeadLetterState> {
        match self.face {
            Face::Rest => Ok(self.rest.dead_letter(id).await?),
            Face::Grpc => {
                let call = self.signed_call("DeadLetters", "GetDeadLetter", GetDeadLetterRequest { id });
                Ok(read(self.letters.clone().get_dead_letter(call).await?.into_inner()))
            }
        }
    }

    /// Has one handled once more.
    pub async fn replay_dead_letter(&self, id: i64) -> Answer<DeadLetterState> {
        match self.face {
            Face::Rest => Ok(self.rest.replay_dead_letter(id).await?),
            Face::Grpc => {
                let message = ReplayDeadLetterRequest { id };
                let call = self.signed_call("DeadLetters", "ReplayDeadLetter", message);
                Ok(read(self.letters.clone().replay_dead_letter(call).await?.into_inner()))
            }
        }
    }

    /// Takes one away unhandled.
    pub async fn discard_dead_letter(&self, id: i64, reason: &str) -> Answer<DeadLetterState> {
        let reason = reason.to_owned();
        match self.face {
            Face::Rest => Ok(self.rest.discard_dead_letter(id, &DeadLetterDiscard { reason }).await?),
            Face::Grpc => {
                let message = DiscardDeadLetterRequest { id, reason };
                let call = self.signed_call("DeadLetters", "DiscardDeadLetter", message);
                Ok(read(self.letters.clone().discard_dead_letter(call).await?.into_inner()))
            }
        }
    }
}

fn read(letter: DeadLetter) -> DeadLetterState {
    serde_json::from_str(&letter.json).unwrap()
}

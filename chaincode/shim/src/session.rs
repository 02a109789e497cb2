use fabric_protos::peer::{
    ChaincodeAdditionalParams, ChaincodeId, ChaincodeMessage, chaincode_message::Type,
};
use prost::Message;

use crate::invocation::{Invocation, TransactionKey};

/// What Fabric's own shim takes where a peer offers a feature without a limit.
const DEFAULT_LIMIT: usize = 100;

/// What the peer offers beyond the protocol's first version, as it says with READY.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// Takes many writes in one message: at most so many.
    pub write_batch: Option<usize>,
    /// Reads many keys in one message: at most so many.
    pub multiple_keys: Option<usize>,
}

/// One stream's state: what the peer may say next, and what to do about it. It does no I/O.
///
/// ```
/// use fabric_protos::peer::{ChaincodeMessage, chaincode_message::Type};
/// use sillok_shim::protocol::{Session, Step};
///
/// let (mut session, register) = Session::start("records:1f0c…");
/// assert_eq!(register.r#type(), Type::Register);
/// let early = ChaincodeMessage { r#type: Type::Transaction.into(), ..Default::default() };
/// assert!(matches!(session.receive(early), Step::Close { .. }));
/// ```
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    features: Features,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// REGISTER is sent.
    Registering,
    /// REGISTERED came.
    Registered,
    /// READY came: transactions may.
    Ready,
}

/// What to do about a message from the peer.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Send this.
    Reply(ChaincodeMessage),
    /// Run this transaction.
    Run(Box<Invocation>),
    /// Hand this to the transaction it names, whose call it answers.
    Answer(ChaincodeMessage),
    /// The peer broke the protocol within the transaction this message names: send it, and end that transaction.
    Fail(ChaincodeMessage),
    /// The peer broke the protocol before it was ready: send this, then close the stream.
    Close(ChaincodeMessage),
}

impl Session {
    /// A new stream's state, and the REGISTER to send first.
    #[must_use]
    pub fn start(chaincode_id: &str) -> (Self, ChaincodeMessage) {
        let id = ChaincodeId { name: chaincode_id.to_owned(), ..Default::default() };
        let register = ChaincodeMessage {
            r#type: Type::Register.into(),
            payload: id.encode_to_vec().into(),
            ..Default::default()
        };
        (Self { phase: Phase::Registering, features: Features::default() }, register)
    }

    /// What the peer offers; nothing before READY.
    #[must_use]
    pub fn features(&self) -> Features {
        self.features
    }

    /// Takes one message from the peer.
    pub fn receive(&mut self, message: ChaincodeMessage) -> Step {
        // An unknown number is kept apart: prost would show it as UNDEFINED.
        let kind = Type::try_from(message.r#type).unwrap_or(Type::Undefined);
        match (self.phase, kind) {
            (_, Type::Keepalive) => Step::Reply(message),
            (Phase::Registering, Type::Registered) => self.advance(Phase::Registered),
            (Phase::Registered, Type::Ready) => self.ready(&message),
            (Phase::Ready, Type::Init | Type::Transaction) => begin(message),
            (Phase::Ready, Type::Response | Type::Error) => Step::Answer(message),
            (Phase::Ready, _) => Step::Fail(unexpected(&message, "a ready stream")),
            (Phase::Registering, _) => Step::Close(unexpected(&message, "a stream before REGISTERED")),
            (Phase::Registered, _) => Step::Close(unexpected(&message, "a stream before READY")),
        }
    }

    fn advance(&mut self, phase: Phase) -> Step {
        self.phase = phase;
        Step::Wait
    }

    fn ready(&mut self, message: &ChaincodeMessage) -> Step {
        // Peers before 3.1 send no payload, which decodes to an offer of nothing.
        match ChaincodeAdditionalParams::decode(message.payload.clone()) {
            Ok(offer) => self.features = Features::from(offer),
            Err(error) => {
                let reason = format!("READY is malformed: {error}");
                return Step::Close(TransactionKey::of(message).error(reason));
            }
        }
        self.advance(Phase::Ready)
    }
}

impl From<ChaincodeAdditionalParams> for Features {
    fn from(offer: ChaincodeAdditionalParams) -> Self {
        let limit = |size: u32| match usize::try_from(size) {
            Ok(size @ 1..) => size,
            _ => DEFAULT_LIMIT,
        };
        Self {
            write_batch: offer.use_write_batch.then(|| limit(offer.max_size_write_batch)),
            multiple_keys: offer.use_get_multiple_keys.then(|| limit(offer.max_size_get_multiple_keys)),
        }
    }
}

fn begin(message: ChaincodeMessage) -> Step {
    let key = TransactionKey::of(&message);
    match Invocation::decode(message) {
        Ok(invocation) => Step::Run(Box::new(invocation)),
        Err(error) => Step::Reply(key.error(error.to_string())),
    }
}

fn unexpected(message: &ChaincodeMessage, place: &str) -> ChaincodeMessage {
    let name = Type::try_from(message.r#type)
        .map_or_else(|_| format!("type {}", message.r#type), |kind| kind.as_str_name().to_owned());
    TransactionKey::of(message).error(format!("the chaincode cannot take {name} on {place}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(number: i32, payload: Vec<u8>) -> ChaincodeMessage {
        ChaincodeMessage { r#type: number, payload: payload.into(), txid: "t".into(), ..Default::default() }
    }

    fn ready() -> Session {
        let (mut session, _) = Session::start("id");
        for kind in [Type::Registered, Type::Ready] {
            assert_eq!(session.receive(message(kind.into(), vec![])), Step::Wait);
        }
        session
    }

    #[test]
    fn features_are_what_ready_offers() {
        let offer = |batch, keys| ChaincodeAdditionalParams {
            use_write_batch: true,
            max_size_write_batch: batch,
            use_get_multiple_keys: keys > 0,
            max_size_get_multiple_keys: keys,
        };
        for (offer, expected) in [
            (ChaincodeAdditionalParams::default(), (None, None)),
            (offer(0, 0), (Some(DEFAULT_LIMIT), None)),
            (offer(1, 1), (Some(1), Some(1))),
            (offer(1000, 2000), (Some(1000), Some(2000))),
        ] {
            let (mut session, _) = Session::start("id");
            session.receive(message(Type::Registered.into(), vec![]));
            session.receive(message(Type::Ready.into(), offer.encode_to_vec()));
            assert_eq!((session.features().write_batch, session.features().multiple_keys), expected);
        }
    }

    proptest! {
        #[test]
        fn no_transaction_runs_before_ready(numbers in prop::collection::vec(-1..30_i32, 1..20)) {
            let (mut session, _) = Session::start("id");
            for number in numbers {
                let was_ready = session.phase == Phase::Ready;
                match session.receive(message(number, vec![])) {
                    Step::Run(_) | Step::Answer(_) | Step::Fail(_) => prop_assert!(was_ready),
                    Step::Close(_) => {
                        prop_assert!(!was_ready);
                        break;
                    }
                    Step::Wait | Step::Reply(_) => {}
                }
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200), number in 3..6_i32) {
            let mut session = ready();
            let decoded = ChaincodeMessage::decode(bytes.as_slice()).map(|message| session.receive(message));
            prop_assert!(!matches!(decoded, Ok(Step::Close(_))));
            // As the payload, and as the proposal, of a message that is itself in order.
            let mut whole = message(number, bytes.clone());
            session.receive(whole.clone());
            let signed = fabric_protos::peer::SignedProposal { proposal_bytes: bytes.into(), ..Default::default() };
            whole.payload.clear();
            whole.proposal = Some(signed);
            prop_assert!(!matches!(session.receive(whole), Step::Close(_)));
        }
    }
}

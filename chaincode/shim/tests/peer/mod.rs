//! A peer's side of the protocol, which can break every rule of it, and a server for it to talk to.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this module")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{collections::HashMap, future::Future, net::SocketAddr, time::Duration};

use fabric_protos::{
    common, msp,
    peer::{
        self, ChaincodeAdditionalParams, ChaincodeInput, ChaincodeMessage, chaincode_client::ChaincodeClient,
        chaincode_message::Type,
    },
};
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;
use sillok_shim::{Chaincode, Limits, Response, ServeError, Settings, Stub, Tls};
use tokio::{net::TcpListener, sync::mpsc, sync::oneshot, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const CHAINCODE_ID: &str = "records:0123abcd";
pub const LARGEST_MESSAGE: usize = 100 << 20;

/// Waits for something that must come.
pub async fn patiently<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("patience ran out")
}

/// A chaincode made of one function.
pub struct Script<F>(pub F);

impl<F: Fn(&Stub) -> Response + Send + Sync + 'static> Chaincode for Script<F> {
    fn init(&self, stub: &Stub) -> Response {
        self.0(stub)
    }

    fn invoke(&self, stub: &Stub) -> Response {
        self.0(stub)
    }
}

/// A server that runs until the test stops it.
pub struct Running {
    pub address: SocketAddr,
    pub stop: oneshot::Sender<()>,
    pub ended: JoinHandle<Result<(), ServeError>>,
}

pub fn settings() -> Settings {
    Settings {
        chaincode_id: CHAINCODE_ID.into(),
        address: "127.0.0.1:0".into(),
        tls: None,
        limits: Limits::default(),
    }
}

pub async fn start(script: impl Fn(&Stub) -> Response + Send + Sync + 'static) -> Running {
    start_with(settings(), script).await
}

pub async fn start_limited(
    limits: Limits,
    script: impl Fn(&Stub) -> Response + Send + Sync + 'static,
) -> Running {
    start_with(Settings { limits, ..settings() }, script).await
}

pub async fn start_tls(tls: Tls, script: impl Fn(&Stub) -> Response + Send + Sync + 'static) -> Running {
    start_with(Settings { tls: Some(tls), ..settings() }, script).await
}

async fn start_with(
    settings: Settings,
    script: impl Fn(&Stub) -> Response + Send + Sync + 'static,
) -> Running {
    let listener = TcpListener::bind(&settings.address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    // A test that ends drops its side, and the server runs on until the runtime goes.
    let shutdown = async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::spawn(sillok_shim::run(Script(script), settings, listener, shutdown));
    Running { address, stop, ended }
}

/// A peer with one stream to a chaincode.
pub struct FakePeer {
    outgoing: mpsc::Sender<ChaincodeMessage>,
    incoming: Streaming<ChaincodeMessage>,
}

pub async fn channel(server: &Running) -> Channel {
    Channel::from_shared(format!("http://{}", server.address)).unwrap().connect().await.unwrap()
}

impl FakePeer {
    /// Opens a stream and says nothing.
    pub async fn connect(server: &Running) -> Self {
        Self::connect_on(channel(server).await).await.unwrap()
    }

    pub async fn connect_on(channel: Channel) -> Result<Self, Status> {
        let (outgoing, messages) = mpsc::channel(16);
        let mut client = ChaincodeClient::new(channel)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(usize::MAX);
        let incoming = patiently(client.connect(ReceiverStream::new(messages))).await?.into_inner();
        Ok(Self { outgoing, incoming })
    }

    /// A stream ready for transactions, of a peer that offers nothing more.
    pub async fn ready(server: &Running) -> Self {
        Self::ready_with(server, ChaincodeAdditionalParams::default()).await
    }

    /// A stream ready for transactions.
    pub async fn ready_with(server: &Running, offer: ChaincodeAdditionalParams) -> Self {
        let mut peer = Self::connect(server).await;
        peer.shake_hands(offer).await;
        peer
    }

    pub async fn shake_hands(&mut self, offer: ChaincodeAdditionalParams) {
        self.expect(Type::Register).await;
        self.accept(offer).await;
    }

    /// The first message, if the stream lives that long.
    pub async fn first(&mut self) -> Result<Option<ChaincodeMessage>, Status> {
        patiently(self.incoming.message()).await
    }

    /// What a peer says once it has the chaincode's REGISTER.
    pub async fn accept(&mut self, offer: ChaincodeAdditionalParams) {
        self.send(message(Type::Registered, Bytes::new())).await;
        self.send(message(Type::Ready, offer.encode_to_vec())).await;
    }

    pub async fn send(&self, message: ChaincodeMessage) {
        patiently(self.outgoing.send(message)).await.unwrap();
    }

    /// Sends the same message again and again, and reads nothing, until the chaincode takes no more.
    pub async fn flood(&self, message: ChaincodeMessage) {
        const STALLED: Duration = Duration::from_millis(500);
        let flood = async {
            while timeout(STALLED, self.outgoing.send(message.clone())).await.is_ok_and(|sent| sent.is_ok()) {
            }
        };
        patiently(flood).await;
    }

    /// The next message.
    pub async fn expect_any(&mut self) -> ChaincodeMessage {
        patiently(self.incoming.message()).await.unwrap().expect("a message")
    }

    /// The next message, which must be of this type.
    pub async fn expect(&mut self, kind: Type) -> ChaincodeMessage {
        let message = self.expect_any().await;
        assert_eq!(message.r#type(), kind, "{}", String::from_utf8_lossy(&message.payload));
        message
    }

    /// The next message, and what it asks.
    pub async fn expect_call<M: Message + Default>(&mut self, kind: Type) -> (ChaincodeMessage, M) {
        let call = self.expect(kind).await;
        let request = M::decode(call.payload.clone()).unwrap();
        (call, request)
    }

    /// How the stream ends, which it must without another message.
    pub async fn expect_end(&mut self) -> Result<(), Status> {
        patiently(self.incoming.message()).await.map(|message| assert_eq!(message, None))
    }

    /// Waits until the chaincode has taken everything sent so far.
    pub async fn settle(&mut self) {
        self.send(message(Type::Keepalive, Bytes::new())).await;
        self.expect(Type::Keepalive).await;
    }

    pub async fn begin(&self, transaction: &str, arguments: &[&str]) {
        self.send(transaction_message(Type::Transaction, transaction, arguments)).await;
    }

    /// Answers a call.
    pub async fn answer(&self, call: &ChaincodeMessage, payload: impl Into<Bytes>) {
        self.send(reply(call, Type::Response, payload)).await;
    }

    /// The response of a transaction that must be completed.
    pub async fn completed(&mut self) -> Response {
        let message = self.expect(Type::Completed).await;
        peer::Response::decode(message.payload).unwrap().into()
    }

    /// Why a transaction that must end with ERROR ended so.
    pub async fn failed(&mut self, transaction: &str) -> String {
        let message = self.expect(Type::Error).await;
        assert_eq!(message.txid, transaction);
        String::from_utf8(message.payload.to_vec()).unwrap()
    }
}

pub fn message(kind: Type, payload: impl Into<Bytes>) -> ChaincodeMessage {
    ChaincodeMessage { r#type: kind.into(), payload: payload.into(), ..Default::default() }
}

pub fn reply(call: &ChaincodeMessage, kind: Type, payload: impl Into<Bytes>) -> ChaincodeMessage {
    ChaincodeMessage {
        txid: call.txid.clone(),
        channel_id: call.channel_id.clone(),
        ..message(kind, payload)
    }
}

pub fn transaction_message(kind: Type, transaction: &str, arguments: &[&str]) -> ChaincodeMessage {
    let arguments = arguments.iter().map(|argument| Bytes::copy_from_slice(argument.as_bytes())).collect();
    proposed(kind, transaction, arguments, proposal(transaction))
}

/// A transaction with this proposal.
pub fn proposed(
    kind: Type,
    transaction: &str,
    args: Vec<Bytes>,
    proposal: peer::SignedProposal,
) -> ChaincodeMessage {
    let input = ChaincodeInput { args, ..Default::default() };
    ChaincodeMessage {
        txid: transaction.into(),
        channel_id: "records".into(),
        proposal: Some(proposal),
        ..message(kind, input.encode_to_vec())
    }
}

/// The client of every transaction here.
pub fn creator() -> msp::SerializedIdentity {
    msp::SerializedIdentity { mspid: "OfficeMSP".into(), id_bytes: "an educator".into() }
}

pub fn proposal(transaction: &str) -> peer::SignedProposal {
    let timestamp = Timestamp { seconds: 1_700_000_000, nanos: 5 };
    let transient = [("body".to_owned(), Bytes::from_static(b"secret"))].into();
    proposal_of(transaction, &creator(), timestamp, transient)
}

/// What a client signs, as far as chaincode reads it.
pub fn proposal_of(
    transaction: &str,
    creator: &msp::SerializedIdentity,
    timestamp: Timestamp,
    transient_map: HashMap<String, Bytes>,
) -> peer::SignedProposal {
    let channel = common::ChannelHeader {
        r#type: common::HeaderType::EndorserTransaction.into(),
        timestamp: Some(timestamp),
        channel_id: "records".into(),
        tx_id: transaction.into(),
        ..Default::default()
    };
    let signature = common::SignatureHeader { creator: creator.encode_to_vec().into(), nonce: "once".into() };
    let header = common::Header {
        channel_header: channel.encode_to_vec().into(),
        signature_header: signature.encode_to_vec().into(),
    };
    let payload = peer::ChaincodeProposalPayload { input: Bytes::new(), transient_map };
    let proposal = peer::Proposal {
        header: header.encode_to_vec().into(),
        payload: payload.encode_to_vec().into(),
        extension: Bytes::new(),
    };
    peer::SignedProposal { proposal_bytes: proposal.encode_to_vec().into(), signature: "signed".into() }
}

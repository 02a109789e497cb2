//! A connection that PostgreSQL tells committed changes on, as it decodes them: each once, and at once. The functions
//! that give them to a query read the log from an older place at every call, which under load costs a core.
//!
//! tokio-postgres has no replication protocol. So the few messages that it takes are here, on the parts of the same
//! family of crates and on the same TLS.

use std::{io, time::Duration};

use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    },
    message::frontend,
};
use prost::bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_postgres::{
    Config,
    config::{Host, SslNegotiation},
    tls::{MakeTlsConnect, TlsConnect as _},
    types::PgLsn,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The longest message: PostgreSQL makes none that is longer.
const MAX_MESSAGE: usize = 1 << 30;

/// Why there is nothing to be heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The connection failed.
    #[error("the connection: {0}")]
    Io(#[from] io::Error),
    /// PostgreSQL refused: its SQLSTATE, and its sentence.
    #[error("{message} ({code})")]
    Refused {
        /// SQLSTATE.
        code: String,
        /// Without its DETAIL.
        message: String,
    },
    /// Something that is not of the protocol.
    #[error("{0}")]
    Protocol(&'static str),
}

type Result<T> = std::result::Result<T, StreamError>;

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// What PostgreSQL says.
#[derive(Debug)]
pub(super) enum Said {
    /// A message of the output plugin.
    Change(Bytes),
    /// All that was committed before this place has been told.
    UpTo {
        /// The place.
        place: PgLsn,
        /// Whether an answer is asked for.
        answer: bool,
    },
}

/// The connection.
pub(super) struct Stream {
    socket: Box<dyn Socket>,
    read: BytesMut,
}

impl Stream {
    /// Connects to the first of the servers that is there.
    pub(super) async fn connect(
        config: &Config,
        tls: Option<MakeRustlsConnect>,
        wait: Duration,
    ) -> Result<Self> {
        let mut failed = StreamError::Protocol("the URL names no server");
        for (index, host) in config.get_hosts().iter().enumerate() {
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            let connecting = Self::connect_to(config, host, port, tls.clone());
            match timeout(wait, connecting)
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
            {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn connect_to(
        config: &Config,
        host: &Host,
        port: u16,
        tls: Option<MakeRustlsConnect>,
    ) -> Result<Self> {
        let socket: Box<dyn Socket> = match host {
            Host::Unix(directory) => {
                Box::new(UnixStream::connect(directory.join(format!(".s.PGSQL.{port}"))).await?)
            }
            Host::Tcp(name) => {
                let tcp = TcpStream::connect((name.as_str(), port)).await?;
                tcp.set_nodelay(true)?;
                match tls {
                    Some(tls) => encrypted(tcp, tls, name, config.get_ssl_negotiation()).await?,
                    None => Box::new(tcp),
                }
            }
        };
        let mut stream = Self { socket, read: BytesMut::new() };
        stream.start(config).await?;
        Ok(stream)
    }

    async fn start(&mut self, config: &Config) -> Result<()> {
        let user = config.get_user().ok_or(StreamError::Protocol("the URL names no user"))?;
        let parameters = [
            ("client_encoding", "UTF8"),
            ("user", user),
            ("database", config.get_dbname().unwrap_or(user)),
            ("replication", "database"),
            ("application_name", "sillok watch"),
        ];
        let mut message = BytesMut::new();
        frontend::startup_message(parameters, &mut message)?;
        self.send(&message).await?;
        let mut scram = None;
        loop {
            let (tag, mut body) = self.message().await?;
            match tag {
                b'R' => self.authenticate(config, user, &mut body, &mut scram).await?,
                b'Z' => return Ok(()),
                // The key for cancelling, and parameters.
                b'K' | b'S' | b'v' => {}
                _ => return Err(StreamError::Protocol("an unknown answer to the connection")),
            }
        }
    }

    async fn authenticate(
        &mut self,
        config: &Config,
        user: &str,
        body: &mut Bytes,
        scram: &mut Option<ScramSha256>,
    ) -> Result<()> {
        let password = || config.get_password().ok_or(StreamError::Protocol("there is no password"));
        let mut answer = BytesMut::new();
        match (body.try_get_i32().map_err(|_| CUT_OFF)?, scram.as_mut()) {
            (0, _) => return Ok(()),
            (3, _) => frontend::password_message(password()?, &mut answer)?,
            (5, _) => {
                let salt = body.as_ref().try_into().map_err(|_| CUT_OFF)?;
                frontend::password_message(
                    md5_hash(user.as_bytes(), password()?, salt).as_bytes(),
                    &mut answer,
                )?;
            }
            (10, _) => {
                if !body.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) {
                    return Err(StreamError::Protocol(
                        "the server offers no way to authenticate that is known",
                    ));
                }
                let begun = scram.insert(ScramSha256::new(password()?, ChannelBinding::unsupported()));
                frontend::sasl_initial_response(SCRAM_SHA_256, begun.message(), &mut answer)?;
            }
            (11, Some(scram)) => {
                scram.update(body)?;
                frontend::sasl_response(scram.message(), &mut answer)?;
            }
            (12, Some(scram)) => return Ok(scram.finish(body)?),
            _ => {
                return Err(StreamError::Protocol(
                    "the server asks for a way to authenticate that is unknown",
                ));
            }
        }
        self.send(&answer).await
    }

    /// Begins to hear the slot from this place on, or from where it stands if that is later. Refused with
    /// `55006` while another hears it.
    pub(super) async fn follow(&mut self, slot: &str, publication: &str, from: PgLsn) -> Result<()> {
        let command = format!(
            "START_REPLICATION SLOT \"{slot}\" LOGICAL {from} (proto_version '1', publication_names '\"{publication}\"', \
             binary 'true')"
        );
        let mut message = BytesMut::new();
        frontend::query(&command, &mut message)?;
        self.send(&message).await?;
        match self.message().await? {
            (b'W', _) => Ok(()),
            _ => Err(StreamError::Protocol("the server does not begin to replicate")),
        }
    }

    /// What comes next. Dropped and called again, it misses nothing.
    pub(super) async fn next(&mut self) -> Result<Said> {
        loop {
            let (b'd', mut body) = self.message().await? else {
                return Err(StreamError::Protocol("the server has ended the replication"));
            };
            match body.try_get_u8().map_err(|_| CUT_OFF)? {
                b'w' if body.len() >= 24 => {
                    body.advance(24);
                    return Ok(Said::Change(body));
                }
                b'k' if body.len() == 17 => {
                    let place = PgLsn::from(body.get_u64());
                    body.advance(8);
                    return Ok(Said::UpTo { place, answer: body.get_u8() == 1 });
                }
                b'w' | b'k' => return Err(CUT_OFF),
                _ => {}
            }
        }
    }

    /// All before this place is stored: the server need not keep it. It answers at once with where it is.
    pub(super) async fn confirm(&mut self, place: PgLsn) -> Result<()> {
        let mut status = BytesMut::with_capacity(34);
        status.put_u8(b'r');
        for _written_flushed_applied in 0..3 {
            status.put_u64(place.into());
        }
        // What time it is here is of no use to the server.
        status.put_i64(0);
        status.put_u8(1);
        let mut message = BytesMut::new();
        frontend::CopyData::new(status.freeze())?.write(&mut message);
        self.send(&message).await
    }

    async fn send(&mut self, message: &[u8]) -> Result<()> {
        self.socket.write_all(message).await?;
        Ok(self.socket.flush().await?)
    }

    /// The next message that is neither a notice nor an error.
    async fn message(&mut self) -> Result<(u8, Bytes)> {
        loop {
            match self.buffered()? {
                Some((b'E', body)) => return Err(refused(&body)),
                Some((b'N', _)) => {}
                Some(message) => return Ok(message),
                None if self.socket.read_buf(&mut self.read).await? == 0 => {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                None => {}
            }
        }
    }

    /// A message that has come whole.
    fn buffered(&mut self) -> Result<Option<(u8, Bytes)>> {
        let Some((head, _)) = self.read.split_first_chunk::<5>() else { return Ok(None) };
        let [tag, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize;
        if !(4..MAX_MESSAGE).contains(&length) {
            return Err(StreamError::Protocol("a message has an impossible length"));
        }
        if self.read.len() <= length {
            self.read.reserve(length + 1 - self.read.len());
            return Ok(None);
        }
        let mut message = self.read.split_to(length + 1).freeze();
        message.advance(5);
        Ok(Some((tag, message)))
    }
}

const CUT_OFF: StreamError = StreamError::Protocol("a message is cut off");

async fn encrypted(
    mut tcp: TcpStream,
    mut tls: MakeRustlsConnect,
    name: &str,
    how: SslNegotiation,
) -> Result<Box<dyn Socket>> {
    if how == SslNegotiation::Postgres {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        tcp.write_all(&request).await?;
        if tcp.read_u8().await? != b'S' {
            return Err(StreamError::Protocol("the server does not speak TLS"));
        }
    }
    let unusable = |_| StreamError::Protocol("the server's name cannot be in a certificate");
    let connect = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut tls, name);
    Ok(Box::new(connect.map_err(unusable)?.connect(tcp).await?))
}

/// What the server says is wrong, without its DETAIL: that may show a row.
fn refused(body: &[u8]) -> StreamError {
    let field = |wanted: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        let found = fields.find_map(|field| field.strip_prefix(&[wanted]));
        String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
    };
    StreamError::Refused { code: field(b'C'), message: field(b'M') }
}

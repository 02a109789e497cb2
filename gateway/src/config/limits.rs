//! `[limits]`

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfigError;

/// What a caller may use of the gateway. Whatever goes beyond is refused with a code of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a request, in bytes; beyond: 413, limit.body.
    pub body_bytes: usize,
    /// The same of `POST /v1/verify`: a certificate's file has in it what was written of each batch that it rests on. Over
    /// gRPC it is `body_bytes` for certificates, too.
    pub certificate_bytes: usize,
    /// The largest head of a request (its address and headers), in bytes; beyond: 431, limit.headers.
    pub header_bytes: usize,
    /// How long a caller may take to send a request's head, to end the TLS handshake, and to begin with HTTP/2, in
    /// milliseconds; the connection is closed then.
    pub header_ms: u64,
    /// How long a request may take from its head to its answer, in milliseconds; beyond: 504, limit.time.
    pub request_ms: u64,
    /// How many connections each port holds; further ones wait until one ends.
    pub connections: usize,
    /// How many requests are worked on at once, REST and gRPC together; beyond: 503, limit.concurrency.
    pub requests: usize,
    /// How many streams, of entries and of health, are open at once, REST and gRPC together; beyond: 503, limit.streams.
    pub streams: usize,
    /// How many requests a second one caller may send, in the long run; beyond: 429, limit.rate. A caller is a client
    /// certificate, or an IPv4 address, or an IPv6 network of 64 bits.
    #[schema(value_type = u32)]
    pub rate: NonZeroU32,
    /// How many requests one caller may send at one moment.
    #[schema(value_type = u32)]
    pub burst: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            certificate_bytes: 4 * 1024 * 1024,
            header_bytes: 16 * 1024,
            header_ms: 10_000,
            request_ms: 30_000,
            connections: 1_000,
            requests: 256,
            streams: 256,
            rate: NonZeroU32::new(200).expect("200 is not 0"),
            burst: NonZeroU32::new(400).expect("400 is not 0"),
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let least = [
            ("limits.body_bytes", self.body_bytes as u64, 1),
            ("limits.certificate_bytes", self.certificate_bytes as u64, 1),
            ("limits.header_bytes", self.header_bytes as u64, 1024),
            ("limits.header_ms", self.header_ms, 1),
            ("limits.request_ms", self.request_ms, 1),
            ("limits.connections", self.connections as u64, 1),
            ("limits.requests", self.requests as u64, 1),
            ("limits.streams", self.streams as u64, 1),
        ];
        match least.into_iter().find(|(_, value, least)| value < least) {
            Some((key, _, least)) => Err(ConfigError::new(key, format!("must be at least {least}"))),
            None => Ok(()),
        }
    }
}

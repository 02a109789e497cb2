//! The part of Hyperledger Fabric's wire format that Sillok uses.
//!
//! Message names, packages and field numbers are those of
//! [Fabric's protocol](https://github.com/hyperledger/fabric-protos), for these are what goes over the wire; a
//! module here is a package there. `bytes` fields are [`prost::bytes::Bytes`], so that a value travels from the
//! socket to its reader without a copy. A gRPC client is made from a channel: `GatewayClient::new(channel)`.
//!
//! | module | what it is | spoken between |
//! |---|---|---|
//! | [`peer`] | chaincode messages, proposals, endorsements, transactions | peer and chaincode, client and peer |
//! | [`gateway`] | the peer's gateway service | client and peer |
//! | [`common`] | envelopes, headers, blocks | everyone |
//! | [`msp`] | identities | everyone |
//! | [`orderer`] | where a stream of blocks starts | client and peer |
//! | [`rwset`], [`kvrwset`] | what a transaction reads and writes | inside endorsed transactions |
//! | [`queryresult`] | what a query yields | peer and chaincode |
//!
//! ```
//! use fabric_protos::{msp::SerializedIdentity, prost::Message};
//!
//! let creator = SerializedIdentity { mspid: "OfficeMSP".into(), id_bytes: "-----BEGIN…".into() };
//! assert_eq!(SerializedIdentity::decode(creator.encode_to_vec().as_slice())?, creator);
//! # Ok::<(), fabric_protos::prost::DecodeError>(())
//! ```

pub use prost;
pub use prost_types;

/// A module whose items `build.rs` made from the package of that name.
macro_rules! package {
    ($(#[$doc:meta])* $module:ident = $package:literal) => {
        $(#[$doc])*
        pub mod $module {
            #![allow(missing_docs, clippy::all, reason = "generated; documented where the .proto file is")]
            include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
        }
    };
}

package!(
    /// Package `common`: envelopes, their headers, and blocks.
    common = "common"
);
package!(
    /// Package `msp`: identities.
    msp = "msp"
);
package!(
    /// Package `orderer`: where a stream of blocks starts.
    orderer = "orderer"
);
package!(
    /// Package `protos`: what peers, chaincode and endorsing clients say.
    peer = "protos"
);
package!(
    /// Package `gateway`: the peer's service for clients.
    gateway = "gateway"
);
package!(
    /// Package `rwset`: a transaction's reads and writes by namespace.
    rwset = "rwset"
);
package!(
    /// Package `kvrwset`: the reads and writes themselves.
    kvrwset = "kvrwset"
);
package!(
    /// Package `queryresult`: what a range, rich or history query yields.
    queryresult = "queryresult"
);

/// The name by which generated code calls [`peer`].
mod protos {
    pub(crate) use super::peer::*;
}

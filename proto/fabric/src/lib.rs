//! The part of Hyperledger Fabric's wire format that Sillok uses.

//! The one DER encoding of a certificate around what is signed.
//!
//! The signature covers the inner part alone, and readers of DER forgive much around it: tags of another class, unused
//! bits. Somebody without the authority's key could so make a second certificate of the same content, with another
//! thumbprint. Only the encoding below is taken.

use super::Hash;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The AlgorithmIdentifier of ecdsa-with-SHA256, without parameters (RFC 5758, section 3.2).
const ECDSA_WITH_SHA256: [u8; 12] = [SEQUENCE, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// The same of ecdsa-with-SHA384.
const ECDSA_WITH_SHA384: [u8; 12] = [SEQUENCE, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];

/// The certificate with this signed part and signature (RFC 5280, section 4.1).
pub(super) fn certificate(signed: &[u8], hash: Hash, signature: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha256 => ECDSA_WITH_SHA256,
        Hash::Sha384 => ECDSA_WITH_SHA384,
    };
    let signature = element(BIT_STRING, &[&[0], signature]);
    element(SEQUENCE, &[signed, &algorithm, &signature])
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut bytes = vec![tag];
    match content.len() {
        0..128 => bytes.push(content.len() as u8),
        _ => {
            bytes.push(0x80 | significant.len() as u8);
            bytes.extend(significant);
        }
    }
    bytes.extend(content);
    bytes
}

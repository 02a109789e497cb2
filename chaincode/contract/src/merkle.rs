//! Merkle trees and inclusion proofs as in RFC 6962, section 2.1, over SHA-256.

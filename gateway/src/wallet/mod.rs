//! A learner's wallet: their key, the proofs of all that was recorded about them, and what the offices attest the number
//! of those to be. Whoever holds it needs nobody to check it, and can show a gap.
//!
//! The content is canonical JSON (RFC 8785); the file is that under a passphrase, see [`Passphrase`].
//!
//! | member | what |
//! |---|---|
//! | `version` | 2 |
//! | `learner` | the learner's id |
//! | `key` | the wallet's P-256 key, PKCS#8 in PEM |
//! | `roots` | each office's root certificates, PEM, by MSP: those the wallet was made with |
//! | `proofs` | the proofs of the learner's entries 1, 2, 3 and so on, which share their receipts ([`crate::proof::Proofs`]) |
//! | `attestation` | `nonce`, which the wallet drew, and `receipt`: what both offices answered to it |
//!
//! The wallet never opens a socket. What a gateway sent comes in by [`Wallet::attest`] and [`Wallet::add`], which believe
//! nothing of it.

mod attestation;
mod complete;
mod content;
mod error;
mod seal;

use p256::elliptic_curve::zeroize::Zeroizing;
use sillok_contract::{batch::Position, id::LearnerId};

pub use attestation::{Attestation, Nonce};
pub use complete::Complete;
pub use error::WalletError;
pub use seal::{Passphrase, SealError};

use crate::{
    keys::{AccessToken, ActSigner, Jwk, KeyError, PrivateKey, PublicKey},
    ledger::receipt::Roots,
    proof::{Proof, Proofs, Verified},
};
use content::Content;

/// A learner's wallet. `Debug` shows nothing that is secret.
#[derive(Clone, Debug)]
pub struct Wallet {
    learner: LearnerId,
    key: PrivateKey,
    roots: Roots,
    proofs: Proofs,
    attestation: Option<Attestation>,
    /// Where the last entry stands, once it was read.
    last: Option<Position>,
}

impl Wallet {
    /// A new one, with a new key; `roots` are the offices' own, by which everything is checked from now on.
    pub fn new(learner: LearnerId, roots: Roots) -> Result<Self, KeyError> {
        let key = PrivateKey::generate()?;
        Ok(Self { learner, key, roots, proofs: Proofs::default(), attestation: None, last: None })
    }

    /// Reads a wallet's content: exactly the bytes that [`Wallet::to_json`] writes. Whether it is true and complete
    /// [`Wallet::verify`] tells.
    pub fn parse(json: &[u8]) -> Result<Self, WalletError> {
        let wallet = Self::try_from(Content::parse(json)?)?;
        match wallet.is_written_as(json) {
            true => Ok(wallet),
            false => Err(WalletError::Malformed(
                "it is not canonical: another program wrote it, or changed it".to_owned(),
            )),
        }
    }

    /// The content: canonical JSON, in memory that is wiped.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(Content::try_from(self)?.to_json())
    }

    /// Whose it is.
    pub fn learner(&self) -> &LearnerId {
        &self.learner
    }

    /// The offices' root certificates that it was made with.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The key that the support office registers.
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The same as a JWK.
    pub fn public_jwk(&self) -> Jwk {
        Jwk::of(self.key.public_key())
    }

    /// Signs the learner's access tokens.
    pub fn access(&self) -> AccessToken {
        AccessToken::of_learner(self.learner.clone(), self.key.clone())
    }

    /// Signs what the learner decides, for the gateway that calls itself `audience`.
    pub fn acts(&self, audience: &str) -> ActSigner {
        ActSigner::of_learner(self.learner.clone(), audience, self.key.clone())
    }

    /// Puts a new key in the place of the old one, which the wallet then no longer has.
    pub fn renew_key(&mut self) -> Result<(), KeyError> {
        self.key = PrivateKey::generate()?;
        Ok(())
    }

    /// How many entries it has the proofs of: the number of the last one.
    pub fn count(&self) -> u64 {
        self.proofs.len() as u64
    }

    /// The proofs, in the order of the entries.
    pub fn proofs(&self) -> impl ExactSizeIterator<Item = &Proof> {
        self.proofs.iter()
    }

    /// Takes what both offices attest of the learner's trail; gives the number of entries. `nonce` is the one they were
    /// asked with.
    pub fn attest(&mut self, attestation: Attestation) -> Result<u64, WalletError> {
        let trail = attestation.verify(&self.learner, &self.roots)?;
        if trail.count < self.count() {
            return Err(WalletError::RolledBack { attested: trail.count, held: self.count() });
        }
        self.attestation = Some(attestation);
        Ok(trail.count)
    }

    /// Takes the proof of the next entry, and no other.
    pub fn add(&mut self, proof: &[u8]) -> Result<Verified, WalletError> {
        let number = self.count() + 1;
        let wrong = |error| WalletError::Proof { number, error };
        let proof = Proof::parse(proof).map_err(wrong)?;
        let verified = proof.verify(&self.roots).map_err(wrong)?;
        let before = self.last()?;
        complete::check_next(&verified, &self.learner, number, before.as_ref())?;
        self.last = Some(verified.position());
        self.proofs.push(proof);
        Ok(verified)
    }

    /// What the proofs prove, each by itself, by the root certificates that the wallet was made with.
    pub fn entries(&self) -> Result<Vec<Verified>, WalletError> {
        complete::entries(self)
    }

    /// Checks all of it against the offices' root certificates, with nothing else at hand: each proof, that they are all
    /// of this learner, numbered without a gap, and as many as the offices attest.
    pub fn verify(&self, roots: &Roots) -> Result<Complete, WalletError> {
        complete::verify(self, roots)
    }

    /// Where the last entry stands that it has a proof of.
    fn last(&mut self) -> Result<Option<Position>, WalletError> {
        if let (None, Some(proof)) = (&self.last, self.proofs.last()) {
            let verified = proof.verify(&self.roots);
            let verified = verified.map_err(|error| WalletError::Proof { number: self.count(), error })?;
            self.last = Some(verified.position());
        }
        Ok(self.last.clone())
    }
}

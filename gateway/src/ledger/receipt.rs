//! Receipts, checked offline: both offices endorsed what the ledger wrote. Nothing is needed but their root certificates.

use std::{collections::BTreeMap, fs, path::Path};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use p256::ecdsa::Signature;
use prost::Message;
use sillok_contract::{
    certificate::{Certificate, Curve, Role},
    message,
};
use x509_parser::pem::Pem;

use super::{Engine, Receipt, embedded, fabric};

/// The namespace of the channel whose writes a receipt proves: the name the chaincode is deployed under.
pub const NAMESPACE: &str = "sillok";

/// What both offices endorsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsedWrites {
    /// The MSPs that endorsed: every one of the roots'. Sorted, each once.
    pub msps: Vec<String>,
    /// The public writes of the contract, by key; none where the key was deleted.
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
    /// What the contract answered.
    pub answer: Vec<u8>,
}

/// Why a receipt does not verify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The root certificates cannot be read.
    #[error("the root certificates cannot be used: {0}")]
    Roots(String),
    /// The receipt, or something in it, is not of its form.
    #[error("the receipt cannot be read: {0}")]
    Malformed(String),
    /// An endorsement is of an MSP for which no root certificate was given.
    #[error("{0} endorsed, but no root certificate of it was given")]
    UnknownOffice(String),
    /// An endorser's certificate was not issued by its office's root.
    #[error("the endorser's certificate was not issued by {0}'s root certificate")]
    Issuer(String),
    /// An endorser's certificate is not a peer's.
    #[error("{0}'s endorser is not one of its peers: its certificate lacks the unit \"peer\"")]
    NotAPeer(String),
    /// An endorsement's signature is wrong.
    #[error("{0}'s signature is not that of what the receipt holds")]
    Signature(String),
    /// An office has not endorsed.
    #[error("{0} has not endorsed")]
    Missing(String),
    /// The offices endorsed another transaction than the receipt names, or do not say which.
    #[error("the offices did not endorse the transaction that the receipt names")]
    Transaction,
    /// The contract did not succeed.
    #[error("the contract answered with status {0}, so the ledger took nothing from it")]
    Status(i32),
}

impl ReceiptError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Roots(_) => "roots.unusable",
            Self::Malformed(_) => "receipt.malformed",
            Self::UnknownOffice(_) => "receipt.office_unknown",
            Self::Issuer(_) => "receipt.issuer",
            Self::NotAPeer(_) => "receipt.not_a_peer",
            Self::Signature(_) => "receipt.signature",
            Self::Missing(_) => "receipt.endorsement_missing",
            Self::Transaction => "receipt.transaction",
            Self::Status(_) => "receipt.status",
        }
    }
}

/// The offices' root certificates. Every office among them must have endorsed, and nobody else may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// By MSP id.
    authorities: BTreeMap<String, Vec<Certificate>>,
}

impl Roots {
    /// From each MSP's certificates: PEM, several behind one another if it has several, an intermediate's among them.
    /// Fewer than two offices are refused: one alone proves nothing against itself.
    pub fn new(pem: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, ReceiptError> {
        let authorities = pem
            .into_iter()
            .map(|(msp, pem)| {
                let authorities =
                    authorities(&pem).map_err(|why| ReceiptError::Roots(format!("{msp}: {why}")))?;
                Ok((msp, authorities))
            })
            .collect::<Result<BTreeMap<_, _>, ReceiptError>>()?;
        if authorities.len() < 2 {
            return Err(ReceiptError::Roots("give those of both offices, as <MSP id>.pem".to_owned()));
        }
        Ok(Self { authorities })
    }

    /// From a directory's files `<MSP id>.pem`; other files are left alone.
    pub fn read_dir(directory: &Path) -> Result<Self, ReceiptError> {
        let told = |error: std::io::Error| ReceiptError::Roots(format!("{}: {error}", directory.display()));
        let mut pem = Vec::new();
        for file in fs::read_dir(directory).map_err(told)? {
            let path = file.map_err(told)?.path();
            if let (Some("pem"), Some(msp)) = (
                path.extension().and_then(|extension| extension.to_str()),
                path.file_stem().and_then(|stem| stem.to_str()),
            ) {
                pem.push((msp.to_owned(), fs::read(&path).map_err(told)?));
            }
        }
        Self::new(pem)
    }

    /// The offices' MSP ids.
    pub fn msps(&self) -> impl Iterator<Item = &str> {
        self.authorities.keys().map(String::as_str)
    }

    /// The MSP of the office that issued a certificate, if one did.
    pub fn office_of(&self, certificate: &Certificate) -> Option<&str> {
        self.issuer_of(certificate).map(|(msp, _)| msp)
    }

    /// The same with the certificate of its authority.
    pub fn issuer_of(&self, certificate: &Certificate) -> Option<(&str, &Certificate)> {
        let authorities = self.authorities.iter();
        let mut each = authorities.flat_map(|(msp, of)| of.iter().map(|authority| (msp.as_str(), authority)));
        each.find(|(_, authority)| certificate.issued_by(authority).is_ok())
    }

    /// Each office's certificates, PEM, as [`Roots::new`] takes them.
    pub fn to_pem(&self) -> BTreeMap<String, String> {
        let pem = |authorities: &Vec<Certificate>| authorities.iter().map(Certificate::to_pem).collect();
        self.authorities.iter().map(|(msp, authorities)| (msp.clone(), pem(authorities))).collect()
    }

    /// Checks one endorsement: the certificate is a peer's of this MSP, and the signature is its over the message.
    ///
    /// Whether the certificate was valid at the time is not asked: an offline verifier has no clock to trust, and the
    /// ledger asked when it took the transaction.
    fn check(&self, endorser: &Endorser, message: &[u8], signature: &[u8]) -> Result<(), ReceiptError> {
        let Endorser { msp, certificate } = endorser;
        let authorities =
            self.authorities.get(msp).ok_or_else(|| ReceiptError::UnknownOffice(msp.clone()))?;
        let certificate = std::str::from_utf8(certificate)
            .map_err(|error| error.to_string())
            .and_then(|pem| Certificate::from_pem(pem).map_err(|refusal| refusal.message))
            .map_err(|why| ReceiptError::Malformed(format!("{msp}'s endorser: {why}")))?;
        if !authorities.iter().any(|authority| certificate.issued_by(authority).is_ok()) {
            return Err(ReceiptError::Issuer(msp.clone()));
        }
        if certificate.role() != Ok(Role::Peer) {
            return Err(ReceiptError::NotAPeer(msp.clone()));
        }
        let key = certificate.public_key();
        if key.curve == Curve::P256
            && is_canonical(signature)
            && UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.point).verify(message, signature).is_ok()
        {
            return Ok(());
        }
        Err(ReceiptError::Signature(msp.clone()))
    }
}

/// Who endorsed, as an engine reads it from [`super::Endorsement::endorser`].
pub(super) struct Endorser {
    /// The MSP's id.
    pub(super) msp: String,
    /// Its certificate, PEM.
    pub(super) certificate: Vec<u8>,
}

/// Verifies a receipt: every office of the roots endorsed it, with a signature over exactly these bytes. Gives what
/// they endorsed. The block's number is not part of it: no office signs it.
pub fn verify(receipt: &Receipt, roots: &Roots) -> Result<EndorsedWrites, ReceiptError> {
    match receipt.engine {
        Engine::Fabric => fabric::receipt::verify(receipt, roots),
        Engine::Embedded => embedded::receipt::verify(receipt, roots),
    }
}

/// What a receipt says was written, whoever signed it: for whoever has it from a ledger of their own.
pub fn unverified_writes(receipt: &Receipt) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    match receipt.engine {
        Engine::Fabric => fabric::receipt::writes(receipt),
        Engine::Embedded => embedded::receipt::writes(receipt),
    }
}

/// Checks every endorsement of a receipt, over payload and endorser, and that every office is among them; gives their
/// MSPs, sorted. `endorser` reads an engine's form of an identity.
pub(super) fn endorsing_offices(
    receipt: &Receipt,
    roots: &Roots,
    endorser: impl Fn(&[u8]) -> Result<Endorser, ReceiptError>,
) -> Result<Vec<String>, ReceiptError> {
    let mut msps = Vec::new();
    for endorsement in &receipt.endorsements {
        let by = endorser(&endorsement.endorser)?;
        let message = [receipt.payload.as_slice(), &endorsement.endorser].concat();
        roots.check(&by, &message, &endorsement.signature)?;
        msps.push(by.msp);
    }
    if let Some(missing) = roots.msps().find(|&office| !msps.iter().any(|msp| msp == office)) {
        return Err(ReceiptError::Missing(missing.to_owned()));
    }
    msps.sort();
    msps.dedup();
    Ok(msps)
}

/// Decodes a part of a receipt that is in its one canonical encoding.
pub(super) fn canonical<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M, ReceiptError> {
    message::canonical(bytes).map_err(|why| ReceiptError::Malformed(format!("{what}: {why}")))
}

/// The certificates of a PEM file; there must be one, and each must be an authority's.
fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let certificates = Pem::iter_from_buffer(pem)
        .map(|block| {
            let block = block.map_err(|error| error.to_string())?;
            let certificate = Certificate::from_der(&block.contents).map_err(|refusal| refusal.message)?;
            if certificate.is_authority() {
                Ok(certificate)
            } else {
                Err("it may not issue certificates".to_owned())
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err("there is no certificate in PEM".to_owned()) } else { Ok(certificates) }
}

/// Whether it is the one encoding of the one form that Fabric takes: strict DER, the lower of the two values of S.
fn is_canonical(signature: &[u8]) -> bool {
    Signature::from_der(signature)
        .is_ok_and(|parsed| parsed.normalize_s() == parsed && parsed.to_der().as_bytes() == signature)
}

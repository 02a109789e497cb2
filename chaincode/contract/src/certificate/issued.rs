//! Which certificate was found to be issued by which authority.
//!
//! An educator's is asked about in every batch, and the answer follows from the bytes of the two alone: so the signature
//! is checked once a process, and its result does not depend on whether it was. Only what was found to be so is kept.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// How many pairs are kept, 64 bytes each; then all are forgotten, and checked again.
const MOST: usize = 4096;

static ISSUED: LazyLock<Mutex<Issued>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Issued(HashSet<Pair>);

/// Two certificates, by the SHA-256 of their DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) authority: [u8; 32],
    pub(super) certificate: [u8; 32],
}

/// Whether the authority was found to have issued the certificate.
pub(super) fn is_known(pair: &Pair) -> bool {
    issued().0.contains(pair)
}

/// The authority was found to have issued the certificate.
pub(super) fn remember(pair: Pair) {
    issued().remember(pair);
}

impl Issued {
    fn remember(&mut self, pair: Pair) {
        if self.0.len() == MOST {
            self.0.clear();
        }
        self.0.insert(pair);
    }
}

fn issued() -> MutexGuard<'static, Issued> {
    // No code that can panic runs under this lock.
    ISSUED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::{super::Certificate, *};

    /// Every authority here has the same name.
    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "School CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn issue(authority: &CertifiedIssuer<'static, KeyPair>) -> Certificate {
        let certificate = CertificateParams::default().signed_by(&KeyPair::generate().unwrap(), authority);
        Certificate::from_der(certificate.unwrap().der()).unwrap()
    }

    #[test]
    fn what_one_authority_issued_another_of_its_name_did_not() {
        let (one, other) = (authority(), authority());
        let certificate = issue(&one);
        let [one, other] = [one, other].map(|it| Certificate::from_der(it.der()).unwrap());
        for _ in 0..2 {
            assert!(certificate.issued_by(&one).is_ok());
            assert!(certificate.issued_by(&other).is_err());
        }
        let pair = |it: &Certificate| Pair { authority: it.thumbprint, certificate: certificate.thumbprint };
        assert!(is_known(&pair(&one)) && !is_known(&pair(&other)));
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let mut issued = Issued::default();
        for number in 0..=MOST {
            let mut certificate = [1; 32];
            certificate[..8].copy_from_slice(&number.to_be_bytes());
            issued.remember(Pair { authority: [0; 32], certificate });
            assert!(issued.0.len() <= MOST);
        }
        assert_eq!(issued.0.len(), 1);
    }
}

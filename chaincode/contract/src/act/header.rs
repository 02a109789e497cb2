//! The header of an act: whom it names.

use serde::{Deserialize, Serialize};

use super::{Act, Named, Party, TYPE, malformed};
use crate::{
    Code, Refusal,
    id::{LearnerId, SignerId},
    jws,
};

/// What a `kid` begins with that names a signer; no learner's id holds a slash.
const SIGNER: &str = "signer/";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    typ: String,
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<Kid>,
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

/// Whom a `kid` names: a learner by their id, a signer as `signer/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kid {
    /// A learner, who signs with the key of their wallet.
    Learner(LearnerId),
    /// A signer whose certificate's key an office holds, who signs with their own.
    Signer(SignerId),
}

/// What a header names its signer by; the act says what that is of.
pub(super) enum Name {
    Kid(Kid),
    Certificate([u8; 32]),
}

impl Header {
    /// The header of who is so named.
    pub(super) fn of(named: &Named) -> Self {
        let (kid, thumbprint) = match named {
            Named::Learner(learner) => (Some(Kid::Learner(learner.clone())), None),
            Named::Approver(signer) => (Some(Kid::Signer(signer.clone())), None),
            Named::Officer(thumbprint) | Named::Signer(thumbprint) => (None, Some(jws::encode(thumbprint))),
        };
        Self { typ: TYPE.to_owned(), alg: jws::ALGORITHM.to_owned(), kid, thumbprint }
    }

    /// Refuses another `typ` or `alg`, and who is named by both or neither.
    pub(super) fn check(self) -> Result<Name, Refusal> {
        if self.typ != TYPE {
            return Err(malformed(format!("typ is {TYPE}")));
        }
        if self.alg != jws::ALGORITHM {
            return Err(malformed("alg is ES256"));
        }
        match (self.kid, self.thumbprint) {
            (Some(kid), None) => Ok(Name::Kid(kid)),
            (None, Some(thumbprint)) => {
                jws::thumbprint(&thumbprint).map(Name::Certificate).map_err(malformed)
            }
            _ => {
                Err(malformed("the header names a learner or a signer by kid, or a certificate by x5t#S256"))
            }
        }
    }
}

impl Name {
    /// Whom it names, if the act is for such a one.
    pub(super) fn of(self, act: &Act) -> Result<Named, Refusal> {
        match (act.party(), self) {
            (Party::Learner, Self::Kid(Kid::Learner(learner))) => Ok(Named::Learner(learner)),
            (Party::Officer, Self::Certificate(thumbprint)) => Ok(Named::Officer(thumbprint)),
            (Party::Signer, Self::Certificate(thumbprint)) => Ok(Named::Signer(thumbprint)),
            (Party::Signer | Party::Approver, Self::Kid(Kid::Signer(signer))) => Ok(Named::Approver(signer)),
            (party, _) => {
                Err(Refusal::new(Code::ActSigner, format!("{} is for {party} to sign", act.name())))
            }
        }
    }
}

impl TryFrom<String> for Kid {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        match text.strip_prefix(SIGNER) {
            Some(signer) => SignerId::new(signer).map(Self::Signer),
            None => LearnerId::new(text).map(Self::Learner),
        }
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        match kid {
            Kid::Learner(learner) => learner.into(),
            Kid::Signer(signer) => format!("{SIGNER}{signer}"),
        }
    }
}

//! What a token's refusal means.

use cryptoki::error::{Error, RvError};

use crate::keys::held::HeldError;

/// Why a call failed, and what helps.
#[derive(Debug)]
pub(super) enum Failure {
    /// Trying again does not.
    Final(HeldError),
    /// A new session does: this one was ended, by the token or with it.
    Session(HeldError),
    /// The module has to be begun anew: the token went away, or somebody else in this process ended the module.
    Module(HeldError),
}

impl Failure {
    pub(super) fn into_error(self) -> HeldError {
        match self {
            Self::Final(error) | Self::Session(error) | Self::Module(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let away = HeldError::Unavailable(error.to_string());
        match &error {
            Error::Pkcs11(
                RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::UserNotLoggedIn
                | RvError::ObjectHandleInvalid
                | RvError::KeyHandleInvalid
                | RvError::OperationActive,
                _,
            ) => Self::Session(away),
            Error::Pkcs11(
                RvError::CryptokiNotInitialized
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::SlotIdInvalid
                | RvError::DeviceRemoved
                | RvError::DeviceError,
                _,
            ) => Self::Module(away),
            Error::Pkcs11(RvError::SessionCount | RvError::HostMemory | RvError::DeviceMemory, _) => {
                Self::Final(away)
            }
            _ => Self::Final(HeldError::Refused(error.to_string())),
        }
    }
}

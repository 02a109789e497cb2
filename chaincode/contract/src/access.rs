//! Who may call what.

use crate::{
    Code, Creator, Refusal,
    certificate::{Certificate, Role},
};

/// The education office's MSP.
pub const OFFICE: &str = "OfficeMSP";
/// The support office's MSP.
pub const SUPPORT: &str = "SupportMSP";
/// The schools' MSP.
pub const SCHOOL: &str = "SchoolMSP";

/// Whom a function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Administrators of the education office.
    OfficeAdmin,
    /// Administrators of either office.
    EitherAdmin,
    /// Administrators of the support office.
    SupportAdmin,
    /// Clients of the support office: the gateway.
    SupportClient,
    /// Everyone of either office.
    Offices,
    /// Everyone of the three organisations.
    Members,
}

impl Access {
    /// Refuses a creator whom the function is not for.
    pub(crate) fn check(self, creator: &Creator) -> Result<(), Refusal> {
        match self.allows(&creator.msp, || role(creator))? {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::CreatorForbidden,
                format!("this is for {}; the creator is another of {}", self.describe(), creator.msp),
            )),
        }
    }

    fn allows(self, msp: &str, role: impl FnOnce() -> Result<Role, Refusal>) -> Result<bool, Refusal> {
        let office = matches!(msp, OFFICE | SUPPORT);
        Ok(match self {
            Self::OfficeAdmin => msp == OFFICE && role()? == Role::Admin,
            Self::EitherAdmin => office && role()? == Role::Admin,
            Self::SupportAdmin => msp == SUPPORT && role()? == Role::Admin,
            Self::SupportClient => msp == SUPPORT && role()? == Role::Client,
            Self::Offices => office,
            Self::Members => office || msp == SCHOOL,
        })
    }

    fn describe(self) -> &'static str {
        match self {
            Self::OfficeAdmin => "administrators of OfficeMSP",
            Self::EitherAdmin => "administrators of OfficeMSP and SupportMSP",
            Self::SupportAdmin => "administrators of SupportMSP",
            Self::SupportClient => "clients of SupportMSP",
            Self::Offices => "members of OfficeMSP and SupportMSP",
            Self::Members => "members of OfficeMSP, SupportMSP and SchoolMSP",
        }
    }
}

fn role(creator: &Creator) -> Result<Role, Refusal> {
    let pem = std::str::from_utf8(&creator.certificate).unwrap_or_default();
    Certificate::from_pem(pem)?.role()
}

//! What waits for an office: certificates that learners asked for and that nobody has refused or issued yet.

use serde::{Deserialize, Serialize};
use sillok_contract::{credential::Credential, id::LearnerId, registry::Listing};
use utoipa::ToSchema;

use crate::{
    certificate::CertificateId,
    problem::Problem,
    service::{Caller, Core, problems},
};

/// The most certificates of one answer.
const PAGE: u32 = 100;

/// A page of certificates that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingCertificates {
    /// Those that were asked for first at the front.
    pub certificates: Vec<WaitingCertificate>,
    /// Where the next page begins; empty after the last one.
    pub bookmark: String,
}

/// A certificate that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingCertificate {
    /// Its id.
    #[schema(value_type = String)]
    pub certificate: CertificateId,
    /// Whose record.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// When it was asked for, in microseconds since the Unix epoch.
    pub requested_at: i64,
    /// The transaction that recorded that.
    pub transaction: String,
}

impl Core {
    /// A page of them, for the offices.
    pub(in crate::service) async fn waiting_certificates(
        &self,
        caller: &Caller,
        bookmark: &str,
    ) -> Result<WaitingCertificates, Problem> {
        caller.check_office()?;
        let page = self.contract().waiting_certificates(PAGE, bookmark).await;
        let Listing { items, bookmark } = page.map_err(problems::of_page)?;
        // Whoever writes acts of their own may ask for one under an id that is none of ours: nobody can issue that.
        let certificates = items.into_iter().filter_map(|credential| waiting(credential).ok()).collect();
        Ok(WaitingCertificates { certificates, bookmark })
    }
}

fn waiting(credential: Credential) -> Result<WaitingCertificate, crate::certificate::NotAnId> {
    let Credential { id, learner, requested, .. } = credential;
    let certificate = id.as_str().parse()?;
    Ok(WaitingCertificate {
        certificate,
        learner,
        requested_at: requested.at,
        transaction: requested.transaction,
    })
}

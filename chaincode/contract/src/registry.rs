//! Who is who: the offices, schools, educators, officers, signers and learners on the ledger, and when each stands.
//!
//! Times are microseconds since the Unix epoch, UTC. Documents are stored as canonical JSON (RFC 8785).

mod approval;
mod educator;
mod jwk;
mod learner;
mod officer;
mod person;
mod read;
mod register;
mod school;
mod signer;
mod wallet;

use serde::{Deserialize, Serialize};

pub use approval::ApprovalKey;
pub use educator::Educator;
pub use learner::{Enrolment, Learner};
pub use officer::Officer;
pub use person::{OfficePerson, Person};
pub use school::{BatchSettings, Office, School, SchoolChange};
pub use signer::Signer;
pub use wallet::WalletKey;

pub(crate) use read::{find_educator, find_officer, find_signer, get, list, list_of};
pub use register::EVENT;
pub(crate) use register::{
    move_learner, register_educators, register_learners, register_office, register_officers, register_school,
    register_signers, register_wallet_key, revoke_educator, revoke_officer, revoke_signer, revoke_wallet_key,
    update_school,
};

use crate::{Code, Refusal};

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The most documents one transaction may register.
pub const MAX_DOCUMENTS: usize = 500;
/// The latest time a document may name: the last that JSON numbers hold exactly, in the year 2255.
pub const MAX_TIME: i64 = (1 << 53) - 1;

/// One page of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An [`Office`].
    Office,
    /// A [`School`].
    School,
    /// An [`Educator`].
    Educator,
    /// An [`Officer`].
    Officer,
    /// A [`Signer`].
    Signer,
    /// A [`Learner`].
    Learner,
}

/// What a transaction changed: the reply to it, and the payload of its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The kind of the documents.
    pub kind: Kind,
    /// The ids of those that are new or different now; those that stood there already are not named.
    pub ids: Vec<String>,
}

fn check_name(what: &str, name: &str) -> Result<(), Refusal> {
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME;
    if fits && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::ArgumentMalformed,
        format!("the {what} has 1 to {MAX_NAME} characters and no control characters"),
    ))
}

pub(crate) fn check_time(what: &str, time: i64) -> Result<(), Refusal> {
    if (0..=MAX_TIME).contains(&time) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::ArgumentMalformed,
        format!("{what} is a time in microseconds since the Unix epoch, 0 to {MAX_TIME}"),
    ))
}

/// The end that holds when `given` is asked for and `standing` is there: an end may come earlier, never later, so that
/// nothing that was void becomes valid.
fn earlier_end(what: &str, standing: Option<i64>, given: i64) -> Result<i64, Refusal> {
    match standing {
        Some(standing) if given > standing => Err(Refusal::new(
            Code::AlreadyExists,
            format!("{what} is {standing} already and can only become earlier"),
        )),
        _ => Ok(given),
    }
}

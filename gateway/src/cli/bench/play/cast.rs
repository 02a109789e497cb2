//! Who plays, registered before anything is measured.

use std::sync::Arc;

use sillok_contract::{
    access::OFFICE,
    id::{MspId, OfficerId, SchoolId},
};

use super::LEARNERS;
use crate::{
    cli::{
        Failure,
        bench::{
            class::Class, contract::Stand, machine::Machine, part::Part, plan::Plan, platform::Signers,
            report::Report, single::Singles, site::Site, town::Town,
        },
    },
    keys::AccessToken,
    ledger::{
        contract::Contract,
        officer::Officer,
        school::{self, School},
    },
};

/// Who plays.
pub(super) struct Cast {
    pub(super) town: Arc<Town>,
    pub(super) singles: Vec<School>,
    pub(super) class: Option<Class>,
    pub(super) signers: Option<Signers>,
    pub(super) auditor: AccessToken,
    pub(super) stand: Stand,
}

impl Cast {
    pub(super) async fn register(site: &Site, plan: &Plan, mark: &str) -> Result<Self, Failure> {
        let (consortium, audience) = (site.consortium()?, site.audience());
        let town = Town::register(&consortium, audience, mark, plan.schools, plan.callers).await?;
        let singles = if plan.has(Part::Queries) { plan.single_schools } else { 0 };
        let singles = Singles::register(&consortium, audience, mark, singles).await?;
        let class = match plan.has(Part::Learners) {
            true => Some(Class::register(&consortium, audience, mark, plan.learners).await?),
            false => None,
        };
        let signers = match plan.has(Part::Platform) {
            true => Some(Signers::register(&consortium, audience, mark).await?),
            false => None,
        };
        let office = MspId::new(OFFICE)?;
        let auditor =
            Officer::register(&consortium, office, OfficerId::new(format!("auditor.{mark}"))?).await?;
        let alone = school::Plan::new(SchoolId::new(format!("A.{mark}"))?, 1, LEARNERS)?;
        let alone = school::register(&consortium, &alone, audience).await?;
        let stand = Stand::of(&Contract::new(consortium.gateway()?), alone).await?;
        Ok(Self { town: Arc::new(town), singles, class, signers, auditor: auditor.access()?, stand })
    }
}

/// A report without a figure.
pub(super) fn empty(site: &Site, plan: Plan) -> Report {
    Report {
        engines: site.engines(),
        began: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        optimised: !cfg!(debug_assertions),
        machine: Machine::this(),
        plan,
        saturated: Vec::new(),
        paced: Vec::new(),
        straight: Vec::new(),
        single: None,
        contract: Vec::new(),
        proofs: Vec::new(),
        overload: None,
        greedy: None,
        disk: Vec::new(),
        wallets: None,
        verification: None,
        certificates: None,
        platform: None,
        past: None,
        audit: None,
        executed: 0,
        recorded: 0,
        targets: Vec::new(),
        seconds: 0.0,
    }
}

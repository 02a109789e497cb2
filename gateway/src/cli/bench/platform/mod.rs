//! The signature platform: signatures created, verified and recorded; beside it, in the same run, what the same broker does
//! with such events and nothing else; and verification by one verifier and by several.

mod bare;
mod beside;
mod parallel;
mod run;
mod signing;
pub(super) mod told;

use serde::Serialize;

use self::{
    bare::Broker,
    parallel::Parallel,
    run::{Measured, measure as measure_one},
    signing::Signing,
};
pub(super) use self::{beside::Beside, signing::Signers};
use super::{drive::Span, plan::Plan, site::Site};
use crate::cli::Failure;

/// What part of the saturated rate is below saturation.
const BELOW: f64 = 0.5;
/// How many verifiers work beside each other, run after run.
const VERIFIERS: [usize; 2] = [1, 3];

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Platform {
    /// What brings events, and where evidence rests.
    pub(super) engines: String,
    /// Closed loop: each caller hands in a signature as soon as the last was taken in.
    pub(super) saturated: Measured,
    /// Half of the rate at which these were recorded, at an even pace.
    pub(super) paced: Option<Measured>,
    /// The broker alone, where there is one.
    pub(super) broker: Option<Broker>,
    /// Verification by one and by several, where roles can be processes of their own.
    pub(super) parallel: Vec<Parallel>,
    /// By several, to by one.
    pub(super) parallel_ratio: Option<f64>,
}

/// Measures all of it, close together in time.
pub(super) async fn measure(
    site: &Site,
    signers: Signers,
    plan: &Plan,
    span: Span,
    say: impl Fn(&str),
) -> Result<Platform, Failure> {
    let work = || Signing::new(&signers);
    say("signatures: created, verified and recorded");
    let saturated = measure_one(site, work(), plan, None, span).await?;
    let broker = match site.beside().and_then(Beside::kafka) {
        Some(settings) => {
            say("the broker alone, with as large events");
            Some(bare::measure(settings, &signers, saturated.recorded_per_second).await?)
        }
        None => None,
    };
    let pace = BELOW * saturated.recorded_per_second;
    let paced = match pace > 0.0 {
        true => {
            say(&format!("signatures at {pace:.1} a second"));
            Some(measure_one(site, work(), plan, Some(pace), span).await?)
        }
        false => None,
    };
    let mut parallel = Vec::new();
    // The embedded engines are one process's.
    if site.can_be_watched() {
        for verifiers in VERIFIERS {
            say(&format!("{} signatures, verified by {verifiers}", plan.signatures));
            parallel.push(parallel::measure(site, &signers, verifiers, plan.signatures).await?);
        }
    }
    let parallel_ratio = match &parallel[..] {
        [one, .., several] if one.per_second > 0.0 => Some(several.per_second / one.per_second),
        _ => None,
    };
    let engines = site.beside().map_or_else(|| "the records database alone".to_owned(), Beside::name);
    Ok(Platform { engines, saturated, paced, broker, parallel, parallel_ratio })
}

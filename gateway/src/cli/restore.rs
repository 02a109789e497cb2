//! `sillok restore`

use std::time::Duration;

use clap::Args;
use sillok_contract::{id::LearnerId, purpose::Purpose};

use super::{
    Exit, Failure, Program,
    gateway::{Credentials, Gateway},
    request::wait,
    verify::differences,
};
use crate::{
    clock,
    drift::{Plan, PlannedStatement},
    keys::{Asked, RequestSigner},
    service::RequestState,
};

/// How many statements one request signs for.
const AT_ONCE: usize = 50;
/// How long to wait until what was done is on the ledger.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts a learner's rows back to their last recorded images. For a registered officer.
///
/// Without --apply it shows what would change, and does nothing. With the digest that was shown it signs for exactly
/// that, and refuses if it is not the present plan any more. What is done is recorded as queries of its own.
///
/// Example: sillok restore L0001 --apply DIGEST --gateway https://gateway.example:8080 --certificate han.pem
/// --key han.key
#[derive(Debug, Args)]
pub struct Restore {
    /// The learner.
    learner: LearnerId,
    /// Does it: the digest of the plan that was shown.
    #[arg(long, value_name = "DIGEST")]
    apply: Option<String>,
    /// Also deletes the rows that were never recorded in tables that were not adopted: only for rows that are known to have
    /// been slipped in, for they may be from before Sillok (see sillok baseline).
    #[arg(long)]
    with_unadopted: bool,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

impl Restore {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let mut plan = client.restoration(&self.learner).await?;
        if self.with_unadopted {
            plan = plan.with_removals();
        }
        let Some(digest) = &self.apply else {
            program.output.result(&plan, text);
            return Ok(());
        };
        if *digest != plan.digest {
            let detail =
                "the plan is not the one that was shown any more; nothing was done, look at it again";
            return Err(Failure::new(Exit::Refused, "restore.stale", detail));
        }
        let (certificate, key) = self.credentials.read()?;
        let signer = RequestSigner::new(plan.school.clone(), &self.gateway.audience, &certificate, key)?;
        let signer = signer.with_purpose(Purpose::Restore);
        for statements in plan.statements.chunks(AT_ONCE) {
            let signed = signer.sign(statements.iter().map(|one| self.asked(one)), clock::now())?;
            let executed = client.submit(&signed).await?;
            let recorded = wait::until_recorded(program, &client, executed, PATIENCE).await?;
            program.output.result(&recorded, told);
        }
        Ok(())
    }

    fn asked(&self, PlannedStatement { sql, params }: &PlannedStatement) -> Asked {
        Asked { learner: self.learner.clone(), sql: sql.clone(), params: params.clone() }
    }
}

fn text(plan: &Plan) -> String {
    if plan.statements.is_empty() {
        return format!("nothing of {} is to be put back{}", plan.learner, unadopted(plan));
    }
    let statement = |PlannedStatement { sql, params }: &PlannedStatement| {
        let params: Vec<_> = params.iter().map(ToString::to_string).collect();
        format!("  {sql}  with {}", params.join(", "))
    };
    let statements: Vec<_> = plan.statements.iter().map(statement).collect();
    format!(
        "{}\nwould be put back to what the ledger says:\n{}\nnothing was done; to do it: --apply {}{}",
        differences(&plan.differences),
        statements.join("\n"),
        plan.digest,
        unadopted(plan)
    )
}

/// What is left as it is, and what can be done about it.
fn unadopted(plan: &Plan) -> String {
    if plan.unadopted.is_empty() {
        return String::new();
    }
    format!(
        "\n{}\nwere never recorded, and their tables not adopted; they are left as they are: adopt what is from before \
         Sillok (sillok baseline), or delete what was slipped in (--with-unadopted)",
        differences(&plan.unadopted)
    )
}

fn told(recorded: &RequestState) -> String {
    format!("put back and recorded: {} row(s), request {}", recorded.results.len(), recorded.request)
}

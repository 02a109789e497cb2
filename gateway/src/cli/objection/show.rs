//! `sillok objection list` and `show`

use clap::Args;
use sillok_contract::{
    id::{LearnerId, ObjectionId},
    objection::{Reason, State},
};

use super::who::Who;
use crate::{
    cli::{
        Failure, Program,
        gateway::Gateway,
        table::{plain, table},
        when,
    },
    service::{Decided, ObjectionState, ObjectionsWanted},
};

/// Lists objections, without the reasons.
///
/// Example: sillok objection list --gateway https://gateway.example:8080 --certificate han.pem --key han.key
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of this learner, decided or not.
    #[arg(long)]
    learner: Option<LearnerId>,
    /// Only those that are not decided.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    gateway: Gateway,
}

/// Shows an objection with its reasons.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The objection.
    objection: ObjectionId,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    gateway: Gateway,
}

impl List {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.who.client(&self.gateway)?;
        let open = self.open.then_some(true);
        let mut wanted = ObjectionsWanted { open, learner: self.learner, bookmark: String::new() };
        let mut objections = Vec::new();
        loop {
            let page = client.objections(&wanted).await?;
            objections.extend(page.objections);
            if page.bookmark.is_empty() {
                break;
            }
            wanted.bookmark = page.bookmark;
        }
        program.output.result(&objections, |objections| lines(objections));
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.who.client(&self.gateway)?;
        program.output.result(&client.objection(&self.objection).await?, text);
        Ok(())
    }
}

fn lines(objections: &[ObjectionState]) -> String {
    let header = ["objection", "learner", "entry", "state", "filed", "due"];
    let line = |of: &ObjectionState| {
        vec![
            of.objection.to_string(),
            of.learner.to_string(),
            format!("{} of {}", of.number, of.school),
            word(of).to_owned(),
            when::written(of.filed_at),
            when::written(of.due_at),
        ]
    };
    table(&header, objections.iter().map(line), "no objections")
}

fn word(of: &ObjectionState) -> &'static str {
    match of.state {
        State::Filed if of.overdue => "OVERDUE",
        State::Filed => "filed",
        State::Upheld => "upheld",
        State::Dismissed => "dismissed",
    }
}

/// An objection for people.
pub(super) fn text(of: &ObjectionState) -> String {
    let ObjectionState { objection, learner, entry, number, school, sequence, index, .. } = of;
    let mut lines = vec![
        format!("objection {objection} of {learner}: {}", word(of)),
        format!("  to their entry {number} ({entry}), batch {sequence}, entry {index} of {school}"),
        format!("  filed {}, due {}", when::written(of.filed_at), when::written(of.due_at)),
    ];
    lines.extend(of.reason.as_deref().map(|reason| format!("  why: {}", said(reason))));
    if let Some(Decided { by, at, entry, .. }) = &of.decided {
        lines.push(format!("  {} by {by} {}", word(of), when::written(*at)));
        lines.extend(entry.map(|entry| format!("  put right by the entry {entry}")));
    }
    lines.extend(of.answer.as_deref().map(|answer| format!("  why: {}", said(answer))));
    lines.join("\n")
}

/// The words of a reason.
fn said(json: &str) -> String {
    serde_json::from_str(json).map_or_else(|_| plain(json), |reason: Reason| plain(&reason.text)).to_string()
}

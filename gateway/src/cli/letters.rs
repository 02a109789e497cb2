//! `sillok dead-letters`: events that could not be handled, seen, replayed, discarded.

use clap::{Args, Subcommand};

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
    table::{plain, table},
    when,
};
use crate::{
    client::Client,
    events::{Group, Topic},
    service::{DeadLetterDiscard, DeadLetterState, DeadLettersWanted},
};

/// Events that a group of consumers could not handle and put aside. For the offices' people.
///
/// The others went on without them. Read the reason, mend its cause, and replay them; or discard what never was an event.
#[derive(Debug, Args)]
pub struct DeadLetters {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists what was put aside.
    List(List),
    /// Shows a dead letter, with what was put aside.
    Show(Show),
    /// Has dead letters handled once more, by their group.
    Replay(Replay),
    /// Takes a dead letter away unhandled, for a reason.
    Discard(Discard),
}

/// Which dead letters.
#[derive(Debug, Args)]
struct Which {
    /// Of this group of consumers alone, such as recorder.
    #[arg(long, value_parser = |name: &str| Group::new(name))]
    group: Option<Group>,
    /// Of this topic alone, such as signatures.verified.
    #[arg(long)]
    topic: Option<Topic>,
}

#[derive(Debug, Args)]
struct Who {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

/// Lists what was put aside, without the contents.
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
}

/// Shows a dead letter, with what was put aside.
#[derive(Debug, Args)]
struct Show {
    /// Its number.
    letter: i64,
    #[command(flatten)]
    who: Who,
}

/// Has dead letters handled once more.
///
/// Handled, they are gone; what cannot be handled is put aside again, under its number.
#[derive(Debug, Args)]
struct Replay {
    /// Their numbers.
    #[arg(required_unless_present = "all")]
    letters: Vec<i64>,
    /// All of them, or all of a group or topic.
    #[arg(long, conflicts_with = "letters")]
    all: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
}

/// Takes a dead letter away unhandled: it is told who did, and why.
#[derive(Debug, Args)]
struct Discard {
    /// Its number.
    letter: i64,
    /// Why it need not be handled.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl DeadLetters {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let show = |letters: &Vec<DeadLetterState>| lines(letters);
        match self.what {
            What::List(List { which, who }) => {
                program.output.result(&all(&who.client()?, which).await?, show);
            }
            What::Show(Show { letter, who }) => {
                program.output.result(&who.client()?.dead_letter(letter).await?, text);
            }
            What::Replay(Replay { letters, which, who, .. }) => {
                program.output.result(&replay(&who.client()?, letters, which).await?, show);
            }
            What::Discard(Discard { letter, reason, who }) => {
                let asked = DeadLetterDiscard { reason };
                program.output.result(&who.client()?.discard_dead_letter(letter, &asked).await?, text);
            }
        }
        Ok(())
    }
}

impl Who {
    fn client(&self) -> Result<Client, Failure> {
        self.gateway.office_client(&self.credentials)
    }
}

/// All that there are.
async fn all(client: &Client, which: Which) -> Result<Vec<DeadLetterState>, Failure> {
    let Which { group, topic } = which;
    let mut wanted = DeadLettersWanted { group, topic, ..DeadLettersWanted::default() };
    let mut letters: Vec<DeadLetterState> = Vec::new();
    loop {
        let page = client.dead_letters(&wanted).await?;
        let Some(last) = page.last() else { return Ok(letters) };
        wanted.after = last.id;
        letters.extend(page);
    }
}

/// These, or all.
async fn replay(client: &Client, mut ids: Vec<i64>, which: Which) -> Result<Vec<DeadLetterState>, Failure> {
    if ids.is_empty() {
        ids = all(client, which).await?.into_iter().map(|letter| letter.id).collect();
    }
    let mut replayed = Vec::with_capacity(ids.len());
    for id in ids {
        replayed.push(client.replay_dead_letter(id).await?);
    }
    Ok(replayed)
}

fn lines(letters: &[DeadLetterState]) -> String {
    let header = ["number", "group", "topic", "event", "tries", "put aside", "reason"];
    let line = |of: &DeadLetterState| {
        let state = if of.replaying { " (replaying)" } else { "" };
        vec![
            of.id.to_string(),
            of.group.clone(),
            of.topic.clone(),
            of.event.clone(),
            format!("{}{state}", of.tries),
            when::written(of.buried_at),
            of.reason.clone(),
        ]
    };
    table(&header, letters.iter().map(line), "no dead letters")
}

fn text(of: &DeadLetterState) -> String {
    let DeadLetterState { id, group, topic, event, reason, tries, buried_at, .. } = of;
    let state = if of.replaying { ", and is about to be handled once more" } else { "" };
    let mut lines = vec![
        format!("dead letter {id} of {group}: {} of {topic}", plain(event)),
        format!("  put aside {} after {tries} tries{state}", when::written(*buried_at)),
        format!("  why: {}", plain(reason)),
    ];
    lines.extend(of.content.as_deref().map(|content| format!("  content: {}", plain(content))));
    lines.extend(of.content_hex.as_deref().map(|content| format!("  content, in hexadecimal: {content}")));
    lines.join("\n")
}

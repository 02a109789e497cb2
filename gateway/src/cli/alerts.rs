//! `sillok alerts`: what was found in the database that did not come through the gateway, and what the monitor saw.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
    table::{plain, table},
};
use crate::{client::Client, records::Alert};

/// How often those to come are asked for.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows what was found in the records database that did not come through the gateway, and what the monitor saw in the
/// events. For the offices' people.
///
/// Each alert names the table, the row's key and what was done, and holds no other data; or whom it is about, what was seen
/// and which events say so. --json also tells what to do. With --follow it goes on with
/// those to come; with --json then, each is an object on a line of its own.
#[derive(Debug, Args)]
pub struct Alerts {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
    /// Begins behind the alert with this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: i64,
    /// Goes on with those to come.
    #[arg(long)]
    follow: bool,
}

#[derive(Serialize)]
struct Found {
    alerts: Vec<Alert>,
}

impl Alerts {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        if self.follow {
            return follow(program, &client, self.after).await;
        }
        let (mut alerts, mut after) = (Vec::new(), self.after);
        loop {
            let page = client.alerts(after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            alerts.extend(page);
        }
        program.output.result(&Found { alerts }, |found| {
            let header = ["number", "committed", "what", "table", "done", "rows", "key, or what was seen"];
            table(&header, found.alerts.iter().map(cells), "no alerts")
        });
        Ok(())
    }
}

async fn follow(program: &Program, client: &Client, mut after: i64) -> Result<(), Failure> {
    loop {
        for alert in client.alerts(after).await? {
            after = alert.id;
            program.output.result(&alert, |alert| {
                let said: Vec<_> = cells(alert)
                    .into_iter()
                    .filter(|cell| !cell.is_empty())
                    .map(|cell| plain(&cell))
                    .collect();
                said.join("  ")
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn cells(alert: &Alert) -> Vec<String> {
    let finding = &alert.finding;
    let at = finding.committed_at.unwrap_or(alert.seen_at);
    let key = finding.key.as_ref().and_then(|key| serde_json::to_string(key).ok());
    // What rests on events is a sentence, which names whom it is about.
    let seen = finding.detail.clone().filter(|_| finding.evidence.is_some());
    vec![
        alert.id.to_string(),
        jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |time| format!("{time:.3}")),
        finding.kind.clone(),
        finding.table.clone().unwrap_or_default(),
        finding.operation.clone().unwrap_or_default(),
        if finding.rows == 0 { String::new() } else { finding.rows.to_string() },
        seen.or(key).or_else(|| finding.detail.clone()).unwrap_or_default(),
    ]
}

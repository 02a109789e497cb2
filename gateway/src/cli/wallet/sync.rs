//! `sillok wallet sync`

use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::file::{Named, Opened};
use crate::{
    cli::{Failure, Program, gateway::Gateway, progress},
    client::{Client, ClientError},
    service::LearnerEntry,
    wallet::{Attestation, Nonce, Wallet, WalletError},
};

/// How many entries are asked for at once.
const PAGE: u32 = 50;
/// How many proofs are fetched at once.
const AT_ONCE: usize = 4;
/// How long to wait before a gateway is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long an entry is waited for that the offices attest and the gateway does not give.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has both offices attest how many entries there are, and fetches the proofs that the wallet lacks.
///
/// Nothing that the gateway sends is believed: each proof is verified before it is kept. A gateway that does not give an
/// entry which the offices attest is told so, with exit code 6; what it gave is kept. Ended in the middle, the wallet is
/// as it was at the last save, and the next call goes on from there.
#[derive(Debug, Args)]
pub(super) struct Sync {
    #[command(flatten)]
    wallet: Named,
    #[command(flatten)]
    gateway: Gateway,
    /// For how many seconds an entry is waited for that the offices attest and the gateway does not give.
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    patience: u64,
}

#[derive(Serialize)]
struct Synchronised {
    learner: String,
    /// How many entries there are: the wallet has them all.
    entries: u64,
    /// How many of them it did not have before.
    new: u64,
}

impl Sync {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.named_client()?;
        let mut opened = self.wallet.open()?;
        let client = client.with_access(opened.wallet.access());
        let before = opened.wallet.count();
        let count = attested(&mut opened.wallet, &client).await?;
        opened.save()?;
        let bar = progress::bar(&program.output, count - before, "proofs");
        let fetched = fetch(&mut opened, &client, count, Duration::from_secs(self.patience), &bar).await;
        drop(bar);
        if opened.wallet.count() > before {
            opened.save()?;
        }
        fetched?;
        let learner = opened.wallet.learner().to_string();
        let done = Synchronised { learner, entries: count, new: count - before };
        program.output.result(&done, |done| {
            format!("{} entries, {} of them new; the wallet is complete", done.entries, done.new)
        });
        Ok(())
    }
}

/// Brings a wallet that is nowhere saved in step with the ledger; gives how many entries there are.
pub(in crate::cli) async fn complete(wallet: &mut Wallet, client: &Client) -> Result<u64, Failure> {
    let count = attested(wallet, client).await?;
    fetch(wallet, client, count, PATIENCE, &ProgressBar::hidden()).await?;
    Ok(count)
}

/// How many entries both offices attest now.
async fn attested(wallet: &mut Wallet, client: &Client) -> Result<u64, Failure> {
    let nonce = Nonce::draw()?;
    let receipt = client.trail(wallet.learner(), &nonce.to_string()).await?;
    Ok(wallet.attest(Attestation { nonce, receipt })?)
}

/// A wallet on its way to be in step with the ledger.
trait Growing {
    fn wallet(&mut self) -> &mut Wallet;

    /// It holds more than before.
    fn has_grown(&mut self) -> Result<(), Failure>;
}

impl Growing for Wallet {
    fn wallet(&mut self) -> &mut Wallet {
        self
    }

    fn has_grown(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Growing for Opened {
    fn wallet(&mut self) -> &mut Wallet {
        &mut self.wallet
    }

    fn has_grown(&mut self) -> Result<(), Failure> {
        self.save_now_and_then()
    }
}

/// Fetches the proofs that are missing, page by page.
async fn fetch(
    growing: &mut impl Growing,
    client: &Client,
    count: u64,
    patience: Duration,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut deadline = Instant::now() + patience;
    while growing.wallet().count() < count {
        let before = growing.wallet().count();
        let taken = take_page(growing.wallet(), client, count, bar).await;
        let has_grown = growing.wallet().count() > before;
        if has_grown {
            growing.has_grown()?;
            deadline = Instant::now() + patience;
        }
        taken?;
        if !has_grown {
            if Instant::now() + PAUSE > deadline {
                return Err(withheld(growing.wallet(), count).into());
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Takes the entries that the gateway gives next, as far as they follow without a gap.
async fn take_page(
    wallet: &mut Wallet,
    client: &Client,
    count: u64,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let after = wallet.count();
    let page = client.learner_entries(wallet.learner(), after, PAGE).await?;
    let follows = |(expected, entry): &(u64, LearnerEntry)| entry.number == *expected;
    let entries = (after + 1..=count).zip(page.entries).take_while(follows);
    let proofs = entries.map(|(_, entry)| async move { client.proof(entry.entry.entry).await });
    let mut proofs = stream::iter(proofs.collect::<Vec<_>>()).buffered(AT_ONCE);
    while let Some(proof) = proofs.next().await {
        match proof {
            Ok(proof) => drop(wallet.add(&proof)?),
            // Not there yet, or not given: the caller waits, and tells at last.
            Err(ClientError::Refused(refused)) if refused.status == 404 => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        bar.inc(1);
    }
    Ok(())
}

fn withheld(wallet: &Wallet, count: u64) -> WalletError {
    WalletError::Incomplete { missing: wallet.count() + 1, held: wallet.count(), count }
}

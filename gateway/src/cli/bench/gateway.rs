//! The gateway that is measured: `sillok serve` as a process of its own.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{cli::Failure, client::Client, server::Addresses};

/// How long it may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to end once it is killed.
const END: Duration = Duration::from_secs(5);

/// How a gateway is set up.
pub(super) struct Setting {
    /// The configuration's keys as the environment names them, and their values.
    pub(super) variables: Vec<(String, String)>,
    /// Where its log goes.
    pub(super) log: PathBuf,
    /// What it calls itself.
    pub(super) audience: String,
}

/// A running gateway. Dropped, it is killed.
pub(super) struct Gateway {
    child: Killed,
    /// A caller of it who may see nothing.
    pub(super) client: Client,
    /// Its process id.
    pub(super) pid: i32,
}

impl Gateway {
    /// Starts it and waits until it listens.
    pub(super) async fn start(setting: Setting) -> Result<Self, Failure> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&setting.log);
        let mut command = Command::new(std::env::current_exe().map_err(Failure::io)?);
        for (name, _) in std::env::vars_os() {
            // What the caller's environment sets for their own gateway is not what is measured.
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("SILLOK_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--json"])
            .envs(setting.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.map_err(Failure::io)?);
        let mut child = Killed(command.spawn().map_err(Failure::io)?);
        let addresses = tokio::time::timeout(PATIENCE, addresses(&mut child.0)).await;
        let addresses = match addresses {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Err(not_started(&setting.log, &error)),
            Err(_) => return Err(not_started(&setting.log, &io::ErrorKind::TimedOut.into())),
        };
        let client = Client::new(&addresses.rest, &setting.audience, None)?;
        let pid = child.0.id().and_then(|pid| pid.try_into().ok());
        let pid = pid.ok_or_else(|| not_started(&setting.log, &io::ErrorKind::NotFound.into()))?;
        Ok(Self { child, client, pid })
    }

    /// Lets it drain and waits until it has ended.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        let pid = Pid::from_raw(self.pid).expect("a process id is not 0");
        kill_process(pid, Signal::TERM).map_err(|error| Failure::io(error.into()))?;
        match tokio::time::timeout(PATIENCE, self.child.0.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                Err(Failure::failed("bench.gateway", format!("the gateway ended with {status}")))
            }
            Ok(Err(error)) => Err(Failure::io(error)),
            Err(_) => Err(Failure::failed("bench.gateway", "the gateway did not end")),
        }
    }
}

/// A process that is killed when this is dropped, and has ended then: its files can be deleted.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It fails only for a process that has ended.
        let _ = self.0.start_kill();
        let killed = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && killed.elapsed() < END {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The line in which the gateway says where it listens.
async fn addresses(child: &mut Child) -> io::Result<Addresses> {
    let mut line = String::new();
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    BufReader::new(output).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

/// With the last line of its log, which says why.
fn not_started(log: &Path, error: &io::Error) -> Failure {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().last().unwrap_or_default();
    Failure::failed("bench.gateway", format!("the gateway did not start ({error}): {last}"))
}

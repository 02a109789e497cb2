//! A gateway that does not outlive its test.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::program::Program;

/// How long a test waits for something before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway on free ports; what it logs goes to the file `log` in the program's directory.
pub(crate) struct Served {
    child: Child,
    /// The address of REST.
    pub(crate) rest: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// `sillok serve` with more in its environment.
    pub(crate) fn start(program: &Program, environment: &[(&str, &str)]) -> Self {
        let log = fs::File::options().append(true).create(true).open(program.path("log")).unwrap();
        let mut child = program
            .command()
            .args(["serve", "--json", "--ready-file", "ready.json"])
            .env("SILLOK_LISTEN__REST", "127.0.0.1:0")
            .env("SILLOK_LISTEN__GRPC", "127.0.0.1:0")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).expect("it says where it listens");
        Self { child, rest: addresses["rest"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by name, and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> ExitStatus {
        let script = format!("kill -{signal} {}", self.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "the gateway ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

//! `sillok serve` as a process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Instant,
};

use serde_json::Value;
use sillok_gateway::server::Addresses;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::running::PATIENCE;

fn sillok(data: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sillok"));
    command
        .env("SILLOK_DATA", data.path().join("data"))
        .env("SILLOK_LISTEN__REST", "127.0.0.1:0")
        .env("SILLOK_LISTEN__GRPC", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A process that does not outlive its test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    fn start(data: &tempfile::TempDir) -> (Self, Addresses) {
        let mut child = sillok(data).args(["serve", "--json"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let served = Self(child);
        (served, serde_json::from_str(&line).unwrap())
    }

    fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    async fn ended(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "the process ends");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

fn run(command: &mut Command) -> (Output, Option<i32>) {
    let output = command.output().unwrap();
    let code = output.status.code();
    (output, code)
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way() {
    let data = tempfile::tempdir().unwrap();
    let (mut served, addresses) = Served::start(&data);
    let host = addresses.rest.strip_prefix("http://").unwrap();
    let mut under_way = TcpStream::connect(host).await.unwrap();
    let head =
        "POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
    under_way.write_all(format!("{head}Expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    under_way.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100", "the handler waits for the body");
    served.signal("TERM");
    let since = Instant::now();
    while TcpStream::connect(host).await.is_ok() {
        assert!(since.elapsed() < PATIENCE, "no more connections are taken");
        tokio::task::yield_now().await;
    }
    under_way.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("HTTP/1.1 400") && answer.contains("body.malformed"), "{answer}");
    assert_eq!(served.ended().await.code(), Some(0));
    let mut log = String::new();
    served.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("SIGTERM"), "{log}");
}

#[test]
fn a_wrong_configuration_ends_with_one_line_and_exit_code_2() {
    let data = tempfile::tempdir().unwrap();
    let (output, code) = run(sillok(&data).arg("serve").env("SILLOK_LIMITS__BODY_BYTES", "many"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((code, told.lines().count()), (Some(2), 1), "{told}");
    assert!(told.starts_with("sillok: config.invalid: limits.body_bytes: "), "{told}");
    let (output, code) = run(sillok(&data).args(["--json", "serve"]).env("SILLOK_LISTEN__RSET", "x"));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, told["error"]["exit"].as_u64()), (Some(2), Some(2)));
    assert!(told["error"]["detail"].as_str().unwrap().starts_with("listen.rset: "), "{told}");
}

#[test]
fn wrong_usage_is_told_as_json_too() {
    let data = tempfile::tempdir().unwrap();
    let (output, code) = run(sillok(&data).args(["serve", "--json", "--nothing"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, told["error"]["code"].as_str()), (Some(2), Some("usage")));
}

#[test]
fn the_reference_of_the_configuration_is_a_configuration() {
    let data = tempfile::tempdir().unwrap();
    let (output, code) = run(sillok(&data).args(["serve", "--print-config"]));
    assert_eq!(code, Some(0));
    let file = data.path().join("sillok.toml");
    std::fs::write(&file, output.stdout).unwrap();
    let mut wrong = sillok(&data);
    wrong.args(["serve", "--config"]).arg(&file).env("SILLOK_LOG__FORMAT", "loud");
    let (output, code) = run(&mut wrong);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(code, Some(2));
    assert!(told.contains("log.format"), "the file itself is well-formed: {told}");
}

#[tokio::test]
async fn the_ready_file_names_the_addresses() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("ready.json");
    let mut served = Served(sillok(&data).arg("serve").arg("--ready-file").arg(&file).spawn().unwrap());
    let since = Instant::now();
    while !file.exists() {
        assert!(
            since.elapsed() < PATIENCE && served.0.try_wait().unwrap().is_none(),
            "the gateway gets ready"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let addresses: Addresses = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(TcpStream::connect(addresses.grpc.strip_prefix("http://").unwrap()).await.is_ok());
    served.signal("INT");
    assert_eq!(served.ended().await.code(), Some(0));
}

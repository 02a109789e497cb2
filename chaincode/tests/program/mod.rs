//! The program itself as a process.
#![allow(unreachable_pub, reason = "each file uses its part of this module")]

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use super::peer::patiently;

pub fn program(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sillok-chaincode"));
    command.env_clear().envs(settings.iter().copied()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Reads the log until a line holds `text`.
pub async fn wait_for(log: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    let found = async {
        loop {
            let line =
                log.next_line().await.unwrap().unwrap_or_else(|| panic!("the log ends before {text:?}"));
            if line.contains(text) {
                break line;
            }
        }
    };
    patiently(found).await
}

/// A program that listens, where it does, and its log.
pub async fn listening() -> (Child, String, Lines<BufReader<ChildStderr>>) {
    let settings = [
        ("CHAINCODE_ID", "records:01"),
        ("CHAINCODE_SERVER_ADDRESS", "127.0.0.1:0"),
        ("CHAINCODE_TLS_DISABLED", "true"),
    ];
    let mut child = program(&settings).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = wait_for(&mut log, "listening").await;
    let (_, address) = line.split_once("address=").unwrap();
    (child, format!("http://{}", address.trim()), log)
}

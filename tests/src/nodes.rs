//! The nodes of the network and the database server, which scenarios kill and start again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// A network in its run directory. What a scenario has stopped is started again when this is dropped.
#[derive(Debug)]
pub struct Nodes {
    run: PathBuf,
    stopped: Mutex<BTreeSet<String>>,
}

const POSTGRES: &str = "postgres";

impl Nodes {
    /// The network of this run directory.
    pub fn new(run: PathBuf) -> Self {
        Self { run, stopped: Mutex::default() }
    }

    /// The file that describes the network.
    pub fn network_file(&self) -> PathBuf {
        self.run.join("network.json")
    }

    /// The files in which peers and orderers keep the channel's blocks.
    pub fn block_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.run.join("nodes"), &mut found);
        found
    }

    /// The ordering nodes there are.
    pub fn orderers(&self) -> Vec<String> {
        let names = ["orderer1", "orderer2", "orderer3"];
        names.into_iter().filter(|name| self.pid_file(name).exists()).map(str::to_owned).collect()
    }

    /// Kills a node at once: SIGKILL.
    pub fn kill(&self, node: &str) {
        self.stopped.lock().unwrap().insert(node.to_owned());
        let text = fs::read_to_string(self.pid_file(node)).unwrap();
        let pid = text.lines().next().unwrap().trim().to_owned();
        assert!(pid.parse::<u32>().is_ok_and(|pid| pid > 1), "{pid:?} is no process of ours");
        run("kill", &["-9".as_ref(), pid.as_ref()]);
    }

    /// Stops a node as an operator does.
    pub fn stop(&self, node: &str) {
        self.stopped.lock().unwrap().insert(node.to_owned());
        self.script("network.sh", &["stop", node]);
    }

    /// Starts a node; returns when it answers.
    pub fn start(&self, node: &str) {
        match node {
            POSTGRES => self.script("postgres.sh", &["up"]),
            node => self.script("network.sh", &["start", node]),
        }
        self.stopped.lock().unwrap().remove(node);
    }

    fn pid_file(&self, node: &str) -> PathBuf {
        match node {
            POSTGRES => self.run.join("postgres/cluster/data/postmaster.pid"),
            node => self.run.join("pids").join(format!("{node}.pid")),
        }
    }

    fn script(&self, script: &str, arguments: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../network").join(script);
        let arguments = arguments.iter().map(|argument| argument.as_ref());
        let arguments: Vec<_> = arguments.chain(["--dir".as_ref(), self.run.as_os_str()]).collect();
        run(script.as_os_str(), &arguments);
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let stopped = std::mem::take(self.stopped.get_mut().unwrap());
        for node in stopped {
            self.start(&node);
        }
    }
}

fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&std::ffi::OsStr]) {
    let mut command = Command::new(program.as_ref());
    // What a node inherits must not keep the test's output open.
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect(&path, found);
        } else if entry.file_name().to_string_lossy().starts_with("blockfile_") {
            found.push(path);
        }
    }
}

//! The nodes of the network and the database server, which scenarios kill, freeze and start again.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// A network in its run directory. What a scenario has stopped is started again when this is dropped.
#[derive(Debug)]
pub struct Nodes {
    run: PathBuf,
    listen_offset: u16,
    stopped: Mutex<BTreeSet<String>>,
}

/// The database server's name among the nodes.
pub const POSTGRES: &str = "postgres";
/// The broker's name among the nodes.
pub const KAFKA: &str = "kafka";
/// What the names of the archive's nodes begin with.
const CASSANDRA: &str = "cassandra";
/// The peers and the chaincode servers; ordering nodes are one or three.
const OFFICES: [&str; 4] = ["peer-office", "peer-support", "chaincode-office", "chaincode-support"];

impl Nodes {
    /// The network of this run directory.
    pub fn new(run: PathBuf) -> Self {
        Self::behind(run, 0)
    }

    /// The same network, its nodes listening so many ports above those that they are reached at.
    pub fn behind(run: PathBuf, listen_offset: u16) -> Self {
        Self { run, listen_offset, stopped: Mutex::default() }
    }

    /// The directory of the network.
    pub fn directory(&self) -> &Path {
        &self.run
    }

    /// The file that describes the network.
    pub fn network_file(&self) -> PathBuf {
        self.run.join("network.json")
    }

    /// The directory in which a node keeps what must survive it.
    pub fn data(&self, node: &str) -> PathBuf {
        match node {
            POSTGRES => self.run.join("postgres/cluster/data"),
            node => self.run.join("nodes").join(node).join("data"),
        }
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
        names
            .into_iter()
            .filter(|name| self.run.join("nodes").join(name).exists())
            .map(str::to_owned)
            .collect()
    }

    /// Every node of Fabric's.
    pub fn of_fabric(&self) -> Vec<String> {
        self.orderers().into_iter().chain(OFFICES.map(str::to_owned)).collect()
    }

    /// The port by which a node of Fabric's is known.
    pub fn port(&self, node: &str) -> u16 {
        let settings = fs::read_to_string(self.run.join("settings")).unwrap();
        let base: u16 = settings.split_whitespace().next().unwrap().parse().unwrap();
        base + match node {
            "peer-office" => 51,
            "peer-support" => 61,
            "chaincode-office" => 71,
            "chaincode-support" => 72,
            orderer => 10 * orderer.strip_prefix("orderer").unwrap().parse::<u16>().unwrap(),
        }
    }

    /// The process of a node, if it runs: one that bears the node's mark, so that no other is ever signalled.
    pub fn process(&self, node: &str) -> Option<u32> {
        let text = fs::read_to_string(self.process_file(node)).ok()?;
        let process: u32 = text.lines().next()?.trim().parse().ok()?;
        let proc = PathBuf::from(format!("/proc/{process}"));
        let (file, mark) = match node {
            POSTGRES => ("cmdline", fs::canonicalize(self.data(node)).ok()?.into_os_string()),
            node => {
                let run = fs::canonicalize(&self.run).ok()?;
                ("environ", format!("SILLOK_NETWORK_NODE={}:{node}", run.display()).into())
            }
        };
        let told = fs::read(proc.join(file)).ok()?;
        let bears = told.split(|byte| *byte == 0).any(|part| part == mark.as_encoded_bytes());
        bears.then_some(process)
    }

    /// Kills a node at once: SIGKILL.
    pub fn kill(&self, node: &str) {
        self.stopped.lock().unwrap().insert(node.to_owned());
        let process = self.process(node).unwrap_or_else(|| panic!("{node} does not run"));
        signal(process, "KILL");
    }

    /// Stops a node where it is, with all its processes: SIGSTOP. Says whether it runs.
    pub fn freeze(&self, node: &str) -> bool {
        let Some(process) = self.process(node) else { return false };
        // The server first: it makes no more children then.
        signal(process, "STOP");
        children(process).into_iter().for_each(|child| signal(child, "STOP"));
        true
    }

    /// Lets a frozen node go on: SIGCONT.
    pub fn thaw(&self, node: &str) {
        let Some(process) = self.process(node) else { return };
        children(process).into_iter().for_each(|child| signal(child, "CONT"));
        signal(process, "CONT");
    }

    /// Stops a node as an operator does.
    pub fn stop(&self, node: &str) {
        self.stopped.lock().unwrap().insert(node.to_owned());
        match node {
            POSTGRES => self.script("postgres.sh", &["down"]),
            node => self.script("network.sh", &["stop", node]),
        }
        .unwrap();
    }

    /// Starts a node; returns when it answers.
    pub fn start(&self, node: &str) {
        self.try_start(node).unwrap();
    }

    /// Starts a node, which need not succeed while another part is away.
    pub fn try_start(&self, node: &str) -> Result<(), String> {
        match node {
            POSTGRES => self.script("postgres.sh", &["up"]),
            KAFKA => self.script("kafka.sh", &["up"]),
            node if node.starts_with(CASSANDRA) => self.script("cassandra.sh", &["start", node]),
            node => self.script("network.sh", &["start", node]),
        }?;
        self.stopped.lock().unwrap().remove(node);
        Ok(())
    }

    /// Leaves what is stopped as it is.
    pub fn forget(&self) {
        self.stopped.lock().unwrap().clear();
    }

    /// Starts whatever of Fabric's nodes does not run.
    pub fn up(&self) -> Result<(), String> {
        self.script("network.sh", &["up", "--no-postgres"])?;
        self.stopped.lock().unwrap().retain(|node| node == POSTGRES);
        Ok(())
    }

    /// Upgrades the chaincode to this program while the network runs.
    pub fn deploy(&self, program: &Path) -> Result<(), String> {
        self.script_with("network.sh", &["deploy"], Some(program))
    }

    fn process_file(&self, node: &str) -> PathBuf {
        match node {
            POSTGRES => self.data(node).join("postmaster.pid"),
            node => self.run.join("pids").join(format!("{node}.pid")),
        }
    }

    fn script(&self, script: &str, arguments: &[&str]) -> Result<(), String> {
        self.script_with(script, arguments, None)
    }

    fn script_with(&self, script: &str, arguments: &[&str], chaincode: Option<&Path>) -> Result<(), String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../network").join(script);
        let mut command = Command::new(script);
        command.args(arguments).arg("--dir").arg(&self.run).stdin(Stdio::null());
        command.env("SILLOK_NETWORK_LISTEN_OFFSET", self.listen_offset.to_string());
        if let Some(program) = chaincode {
            command.env("SILLOK_CHAINCODE_BIN", program);
        }
        // What a node inherits must not keep the test's output open.
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        output.status.success().then_some(()).ok_or_else(|| format!("{arguments:?}: {}", told.trim()))
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

/// Sends a signal, by its name, to a process of ours; it may have ended by itself meanwhile.
pub fn signal(process: u32, name: &str) {
    assert!(process > 1, "{process} is no process of ours");
    let process = process.to_string();
    let told = Command::new("kill").args(["-s".as_ref(), name.as_ref(), OsStr::new(&process)]).output();
    told.unwrap();
}

/// The processes that a process has made.
fn children(of: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
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

//! Runs the program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

/// The program in a directory of its own, which is also where it runs.
pub(crate) struct Program {
    directory: TempDir,
    /// What the shell does before it runs the program.
    shell: &'static str,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), shell: "exec" }
    }

    /// One that is run so that what it writes is as open as it makes it.
    pub(crate) fn careless() -> Self {
        Self { shell: "umask 0; exec", ..Self::new() }
    }

    /// One that may write core files as large as it likes.
    pub(crate) fn dumping() -> Self {
        Self { shell: "ulimit -c unlimited || true; exec", ..Self::new() }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Calls it with these words; a word with spaces is given by [`Program::call`].
    pub(crate) fn run(&self, words: &str) -> Done {
        self.call(words.split_whitespace())
    }

    pub(crate) fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Done {
        self.call_with(&[], arguments)
    }

    /// The same with more in its environment.
    pub(crate) fn call_with<'a>(
        &self,
        environment: &[(&str, &str)],
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Done {
        let output = self.command().args(arguments).envs(environment.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done { exit: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The program in its directory, with nothing in its environment but where that is.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("{} \"$@\"", self.shell), "sh", env!("CARGO_BIN_EXE_sillok")])
            .current_dir(self.directory.path())
            .env_clear()
            .env("SILLOK_DATA", self.path("data"));
        command
    }

    /// Calls it with `--json`; it must end well. The result.
    pub(crate) fn json(&self, words: &str) -> Value {
        let done = self.run(&format!("--json {words}"));
        assert_eq!((done.exit, done.stderr.as_str()), (0, ""), "{words}: {done:?}");
        done.result()
    }

    /// Calls it with `--json`; it must fail. Exit code, stable code and sentence.
    pub(crate) fn refused(&self, words: &str) -> (i32, String, String) {
        let done = self.run(&format!("--json {words}"));
        let error = &done.result()["error"];
        assert_eq!(error["exit"], done.exit, "{words}: {done:?}");
        let text = |member: &str| error[member].as_str().unwrap().to_owned();
        (done.exit, text("code"), text("detail"))
    }
}

impl Done {
    /// The last line of standard output, which must be JSON throughout.
    pub(crate) fn result(&self) -> Value {
        let lines: Vec<Value> =
            self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        lines.last().unwrap_or_else(|| panic!("{self:?}")).clone()
    }
}

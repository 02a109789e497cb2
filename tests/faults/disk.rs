//! A node's own disk: a tmpfs that tests/faults/run has mounted, whose size decides whether it is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sillok_tests::patience::until;

/// What the disk holds while it is not full.
const ROOMY: u64 = 2 << 30;

/// The disk with a node's data.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    mount: PathBuf,
}

impl Disk {
    /// The disk mounted here, if one is.
    pub(crate) fn at(data: &Path) -> Option<Self> {
        let mount = fs::canonicalize(data).ok()?;
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let is_here = |line: &str| {
            let mut fields = line.split(' ').skip(1);
            fields.next().is_some_and(|at| Path::new(at) == mount) && fields.next() == Some("tmpfs")
        };
        mounts.lines().any(is_here).then_some(Self { mount })
    }

    /// Leaves no space: its size is what is used. A node may write meanwhile, so that this is tried until it fits.
    pub(crate) async fn fill(&self) {
        until("the disk is full", async || self.resize(self.used()?).then_some(())).await;
    }

    /// Has space again.
    pub(crate) fn free(&self) {
        assert!(self.resize(ROOMY), "{} gets its space back", self.mount.display());
    }

    fn used(&self) -> Option<u64> {
        let told = Command::new("df").args(["--output=used", "-B1"]).arg(&self.mount).output().ok()?;
        String::from_utf8_lossy(&told.stdout).lines().last()?.trim().parse().ok()
    }

    fn resize(&self, bytes: u64) -> bool {
        let size = format!("remount,size={bytes}");
        Command::new("mount")
            .args(["-o", &size])
            .arg(&self.mount)
            .output()
            .is_ok_and(|told| told.status.success())
    }
}

//! A clock of a process's own, which can be set: libfaketime, told by a file how far it is off. The time that measures
//! durations goes on as it is, as with a clock that somebody sets.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where Debian and others put the library.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// The clock of one process.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    library: &'static str,
    file: PathBuf,
}

impl Clock {
    /// A clock that is right, if the library is there.
    pub(crate) fn in_directory(directory: &Path) -> Option<Self> {
        let library = PLACES.into_iter().find(|place| Path::new(place).exists())?;
        let clock = Self { library, file: directory.join("clock") };
        clock.set(0);
        Some(clock)
    }

    /// Sets it so many seconds off; the process sees it within a second.
    pub(crate) fn set(&self, seconds: i64) {
        let written = self.file.with_extension("new");
        fs::write(&written, format!("{seconds:+}")).unwrap();
        fs::rename(written, &self.file).unwrap();
    }

    /// What the process needs in its environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let file = self.file.display().to_string();
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Deletes what the library leaves of a process that was killed.
    pub(crate) fn sweep(process: u32) {
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(format!("/dev/shm/{name}{process}"));
        }
    }
}

//! What the processes use of the machine.

use std::time::Instant;

use serde::Serialize;

/// A process that is watched.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// What it is called in the results.
    pub(super) name: String,
    /// Its process id.
    pub(super) pid: i32,
    /// Whether what it has started counts with it, as with PostgreSQL's server processes.
    pub(super) family: bool,
}

/// What a process used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Used {
    pub(super) name: String,
    /// Seconds of processor time.
    pub(super) cpu_seconds: f64,
    /// The same for each second: 1 is one core, all the time.
    pub(super) cores: f64,
    /// What it had the disk write each second, in MiB. Of a family: it and those of its children that are there at the end.
    pub(super) written_mib_per_second: f64,
    /// The most memory it held (resident set), in MiB. Of a family: what all hold at the end, what they share counted
    /// once (proportional set).
    pub(super) memory_mib: f64,
}

/// The load generator, by this name.
pub(super) const BENCH: &str = "sillok bench";
/// What everything else on the machine used, by this name.
pub(super) const OTHERS: &str = "everything else";

const MIB: f64 = 1024.0 * 1024.0;

/// Processes under watch.
pub(super) struct Watch {
    began: Instant,
    busy: Option<f64>,
    processes: Vec<(Process, Spent)>,
}

/// What a process has used since it began.
struct Spent {
    cpu_seconds: f64,
    written_bytes: u64,
}

impl Spent {
    fn so_far(process: &Process) -> Option<Self> {
        let cpu_seconds = system::cpu_seconds(process)?;
        Some(Self { cpu_seconds, written_bytes: system::written_bytes(process).unwrap_or_default() })
    }
}

impl Watch {
    /// Begins: from now on processor time counts, and the most memory is forgotten where the system lets us.
    pub(super) fn begin(processes: Vec<Process>) -> Self {
        let processes = processes
            .into_iter()
            .filter_map(|process| {
                system::forget_most_memory(&process);
                let before = Spent::so_far(&process)?;
                Some((process, before))
            })
            .collect();
        Self { began: Instant::now(), busy: system::busy_seconds(), processes }
    }

    /// What each process has used since, and what all others have: where that is much, the figures say little. A
    /// process that has ended is left out.
    pub(super) fn end(self) -> Vec<Used> {
        let elapsed = self.began.elapsed().as_secs_f64();
        let used = |(process, before): (Process, Spent)| {
            let spent = Spent::so_far(&process)?;
            let cpu_seconds = spent.cpu_seconds - before.cpu_seconds;
            let written = spent.written_bytes.saturating_sub(before.written_bytes);
            Some(Used {
                cpu_seconds,
                cores: cpu_seconds / elapsed,
                written_mib_per_second: written as f64 / MIB / elapsed,
                memory_mib: system::memory_mib(&process)?,
                name: process.name,
            })
        };
        let mut all: Vec<_> = self.processes.into_iter().filter_map(used).collect();
        if let Some((before, after)) = self.busy.zip(system::busy_seconds()) {
            let ours: f64 = all.iter().map(|used| used.cpu_seconds).sum();
            let cpu_seconds = (after - before - ours).max(0.0);
            let cores = cpu_seconds / elapsed;
            let name = OTHERS.to_owned();
            all.push(Used { name, cpu_seconds, cores, written_mib_per_second: 0.0, memory_mib: 0.0 });
        }
        all
    }
}

#[cfg(target_os = "linux")]
mod system {
    use procfs::process::{ClearRefs, Process as Of, Stat};

    use super::{MIB, Process};

    pub(super) fn forget_most_memory(process: &Process) {
        // Where this is not allowed, the most since the process began is told.
        let _ = Of::new(process.pid).and_then(|of| of.clear_refs(ClearRefs::PeakRSS));
    }

    /// Processor time of the process; of a family with what its children, living and ended, have used.
    pub(super) fn cpu_seconds(process: &Process) -> Option<f64> {
        let stat = Of::new(process.pid).ok()?.stat().ok()?;
        let mut ticks = stat.utime + stat.stime;
        if process.family {
            ticks += u64::try_from(stat.cutime + stat.cstime).unwrap_or_default();
            ticks += children(process.pid).map(|child| child.1.utime + child.1.stime).sum::<u64>();
        }
        Some(ticks as f64 / procfs::ticks_per_second() as f64)
    }

    /// What the process, of a family each that is there, has had the disk write. Not to be had of another user's.
    pub(super) fn written_bytes(process: &Process) -> Option<u64> {
        let written = |of: &Of| Some(of.io().ok()?.write_bytes);
        let own = written(&Of::new(process.pid).ok()?)?;
        match process.family {
            true => Some(own + children(process.pid).filter_map(|(of, _)| written(&of)).sum::<u64>()),
            false => Some(own),
        }
    }

    /// Processor time of the whole machine, in seconds of one core.
    pub(super) fn busy_seconds() -> Option<f64> {
        use procfs::CurrentSI as _;
        let total = procfs::KernelStats::current().ok()?.total;
        let ticks = total.user + total.nice + total.system;
        let ticks = ticks + total.irq.unwrap_or_default() + total.softirq.unwrap_or_default();
        Some(ticks as f64 / procfs::ticks_per_second() as f64)
    }

    pub(super) fn memory_mib(process: &Process) -> Option<f64> {
        let of = Of::new(process.pid).ok()?;
        if !process.family {
            let status = of.status().ok()?;
            return Some(status.vmhwm.or(status.vmrss)? as f64 / 1024.0);
        }
        let all = std::iter::once(of).chain(children(process.pid).map(|(of, _)| of));
        Some(all.filter_map(|of| proportional_bytes(&of)).sum::<u64>() as f64 / MIB)
    }

    fn proportional_bytes(of: &Of) -> Option<u64> {
        let maps = of.smaps_rollup().ok()?.memory_map_rollup;
        Some(maps.into_iter().filter_map(|map| map.extension.map.get("Pss").copied()).sum())
    }

    fn children(parent: i32) -> impl Iterator<Item = (Of, Stat)> {
        let all = procfs::process::all_processes().into_iter().flatten().filter_map(Result::ok);
        all.filter_map(move |of| {
            let stat = of.stat().ok().filter(|stat| stat.ppid == parent)?;
            Some((of, stat))
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Nothing is known of processes here, and nothing is told.

    use super::Process;

    pub(super) fn forget_most_memory(_: &Process) {}

    pub(super) fn cpu_seconds(_: &Process) -> Option<f64> {
        None
    }

    pub(super) fn written_bytes(_: &Process) -> Option<u64> {
        None
    }

    pub(super) fn memory_mib(_: &Process) -> Option<f64> {
        None
    }

    pub(super) fn busy_seconds() -> Option<f64> {
        None
    }
}

/// The machine, for whoever reads the results.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_gib: f64,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let (processor, memory_gib) = described();
        Self { cores, processor, memory_gib }
    }
}

#[cfg(target_os = "linux")]
fn described() -> (String, f64) {
    use procfs::Current as _;
    let processor = procfs::CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned));
    let memory = procfs::Meminfo::current().map_or(0, |info| info.mem_total);
    (processor.unwrap_or_default(), (memory as f64 / f64::from(1 << 30) * 10.0).round() / 10.0)
}

#[cfg(not(target_os = "linux"))]
fn described() -> (String, f64) {
    (String::new(), 0.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn this(family: bool) -> Process {
        let pid = std::process::id().try_into().unwrap();
        Process { name: "this".to_owned(), pid, family }
    }

    #[test]
    fn processor_time_and_memory_are_told_of_one_and_of_a_family() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let watch = Watch::begin(vec![this(false), this(true), Process { pid: i32::MAX, ..this(false) }]);
        let end = Instant::now() + std::time::Duration::from_millis(50);
        while Instant::now() < end {}
        let used = watch.end();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(used.len(), 3, "what is not there is left out");
        assert_eq!(used[2].name, OTHERS);
        for used in &used[..2] {
            assert!(used.cpu_seconds > 0.0 && used.cores > 0.0 && used.memory_mib > 1.0, "{used:?}");
        }
    }
}

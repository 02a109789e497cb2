//! What is done to the system, when and for how long: all of it follows from the seed.

use std::{fmt, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _, seq::SliceRandom as _};

/// The two gateways.
pub(crate) const GATEWAYS: [&str; 2] = ["gateway1", "gateway2"];
/// Roles that are processes of their own, beside the gateways, which have all of them.
pub(crate) const ROLES: [&str; 2] = ["verifier", "recorder"];
/// What brings events.
pub(crate) const BROKER: &str = "kafka";
/// Those who call the gateways.
pub(crate) const CLIENTS: &str = "clients";
/// The nodes whose data lie on a disk of their own, where there may be one.
pub(crate) const WITH_DISK: [&str; 3] = ["peer-office", "orderer2", "postgres"];
const NODES: [&str; 8] = [
    "orderer1",
    "orderer2",
    "orderer3",
    "peer-office",
    "peer-support",
    "chaincode-office",
    "chaincode-support",
    "postgres",
];
/// Any two that talk to each other.
const LINES: [(&str, &str); 20] = [
    (CLIENTS, "gateway1"),
    (CLIENTS, "gateway2"),
    ("gateway1", "postgres"),
    ("gateway2", "postgres"),
    ("gateway1", "peer-office"),
    ("gateway1", "peer-support"),
    ("gateway2", "peer-office"),
    ("gateway2", "peer-support"),
    ("peer-office", "peer-support"),
    ("peer-office", "orderer1"),
    ("peer-office", "orderer2"),
    ("peer-office", "orderer3"),
    ("peer-support", "orderer1"),
    ("peer-support", "orderer2"),
    ("peer-support", "orderer3"),
    ("orderer1", "orderer2"),
    ("orderer1", "orderer3"),
    ("orderer2", "orderer3"),
    ("peer-office", "chaincode-office"),
    ("peer-support", "chaincode-support"),
];
/// Seconds that a gateway's clock is set forward or back: within what requests allow, beyond it, and beyond what the
/// ledger's peers allow.
const STEPS: [i64; 10] = [30, 120, 280, 420, 3_600, -30, -120, -280, -600, -3_600];
/// Tables that a transaction of somebody else's may lock.
const TABLES: [&str; 4] = ["sillok_entries", "sillok_leases", "sillok_requests", "grades"];

/// Something that is done to the system, and undone after a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and started again.
    Kill(&'static str),
    /// SIGSTOP, and SIGCONT.
    Freeze(&'static str),
    /// The connections between two end, and no others are made.
    Cut(&'static str, &'static str),
    /// What two send each other does not arrive until later.
    Hold(&'static str, &'static str),
    /// What two send each other arrives so many milliseconds later.
    Slow(&'static str, &'static str, u64),
    /// A node's disk has no space left.
    DiskFull(&'static str),
    /// A gateway's clock is so many seconds off.
    ClockStep(&'static str, i64),
    /// The database answers so many milliseconds later.
    SlowDatabase(u64),
    /// Somebody else's transaction has locked a table.
    LockedTable(&'static str),
    /// No gateway reaches a peer.
    LedgerAway,
    /// The chaincode is upgraded.
    Upgrade,
    /// A new gateway takes a gateway's place, which is drained.
    Replace(&'static str),
}

impl Fault {
    /// What it is called in counts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Kill(node) if GATEWAYS.contains(node) => "kill -9 of a gateway",
            Self::Kill(node) if ROLES.contains(node) => "kill -9 of a role",
            Self::Kill(BROKER) => "kill -9 of the broker",
            Self::Kill(_) => "kill -9 of a node",
            Self::Freeze(node) if GATEWAYS.contains(node) => "freeze of a gateway",
            Self::Freeze(_) => "freeze of a node",
            Self::Cut(..) => "network cut",
            Self::Hold(..) => "network silent",
            Self::Slow(..) => "network slow",
            Self::DiskFull(_) => "disk full",
            Self::ClockStep(..) => "clock step",
            Self::SlowDatabase(_) => "slow database",
            Self::LockedTable(_) => "locked table",
            Self::LedgerAway => "ledger away",
            Self::Upgrade => "chaincode upgrade",
            Self::Replace(_) => "gateway replaced",
        }
    }

    /// The processes it acts on; none means that nothing else may happen meanwhile.
    fn touches(&self) -> Vec<&'static str> {
        match self {
            Self::Kill(one) | Self::Freeze(one) | Self::DiskFull(one) | Self::Replace(one) => vec![one],
            Self::ClockStep(gateway, _) => vec![gateway],
            Self::Cut(one, other) | Self::Hold(one, other) | Self::Slow(one, other, _) => vec![one, other],
            Self::SlowDatabase(_) | Self::LockedTable(_) => vec!["postgres"],
            Self::LedgerAway => GATEWAYS.to_vec(),
            Self::Upgrade => Vec::new(),
        }
    }

    /// Whether both may act at once.
    fn goes_with(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.touches(), other.touches());
        !mine.is_empty() && !theirs.is_empty() && mine.iter().all(|process| !theirs.contains(process))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(node) => write!(f, "kill -9 of {node}"),
            Self::Freeze(node) => write!(f, "freeze of {node}"),
            Self::Cut(one, other) => write!(f, "cut between {one} and {other}"),
            Self::Hold(one, other) => write!(f, "silence between {one} and {other}"),
            Self::Slow(one, other, ms) => write!(f, "{ms} ms between {one} and {other}"),
            Self::DiskFull(node) => write!(f, "disk full for {node}"),
            Self::ClockStep(gateway, seconds) => write!(f, "clock of {gateway} {seconds:+} s"),
            Self::SlowDatabase(ms) => write!(f, "database {ms} ms slower"),
            Self::LockedTable(table) => write!(f, "lock on {table}"),
            Self::LedgerAway => write!(f, "ledger away"),
            Self::Upgrade => write!(f, "chaincode upgrade"),
            Self::Replace(gateway) => write!(f, "{gateway} replaced by a newer one"),
        }
    }
}

/// One step of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) fault: Fault,
    /// For how long.
    pub(crate) lasts: Duration,
    /// How long to wait first.
    pub(crate) after: Duration,
    /// Whether the fault before is left as it is meanwhile, and not waited for.
    pub(crate) beside: bool,
}

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// For a run of a minute or two.
    Short,
    /// For a run of many minutes.
    Long,
}

/// The steps that follow from a seed: every kind of fault in random order, and then again, without end.
pub(crate) struct Schedule {
    random: StdRng,
    pace: Pace,
    left: Vec<usize>,
    last: Option<Step>,
}

/// How many kinds [`Schedule::draw`] knows.
const KINDS: usize = 16;

impl Schedule {
    /// That of a round of the run with this seed.
    pub(crate) fn new(seed: u64, round: u64, pace: Pace) -> Self {
        let random = StdRng::seed_from_u64(seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Self { random, pace, left: Vec::new(), last: None }
    }

    fn draw(&mut self, kind: usize) -> Fault {
        let random = &mut self.random;
        let node = *NODES.choose(random).expect("there are nodes");
        let gateway = *GATEWAYS.choose(random).expect("there are gateways");
        let (one, other) = *LINES.choose(random).expect("there are lines");
        match kind {
            0 => Fault::Kill(node),
            1 => Fault::Kill(gateway),
            2 => Fault::Freeze(node),
            3 => Fault::Freeze(gateway),
            4 => Fault::Cut(one, other),
            5 => Fault::Hold(one, other),
            6 => Fault::Slow(one, other, random.random_range(20..400)),
            7 => Fault::DiskFull(WITH_DISK.choose(random).expect("there are disks")),
            8 => Fault::ClockStep(gateway, *STEPS.choose(random).expect("there are steps")),
            9 => Fault::SlowDatabase(random.random_range(20..300)),
            10 => Fault::LockedTable(TABLES.choose(random).expect("there are tables")),
            11 => Fault::LedgerAway,
            12 => Fault::Upgrade,
            13 => Fault::Kill(ROLES.choose(random).expect("there are roles")),
            14 => Fault::Kill(BROKER),
            _ => Fault::Replace(gateway),
        }
    }

    fn lasts(&mut self, fault: &Fault) -> Duration {
        let ms = match (self.pace, fault) {
            (Pace::Short, Fault::LedgerAway) => 8_000..8_001,
            (Pace::Long, Fault::LedgerAway) => 60_000..60_001,
            // Long enough for a batch to be formed by the wrong time.
            (Pace::Short, Fault::ClockStep(..)) => 3_000..7_000,
            (Pace::Short, _) => 500..4_000,
            (Pace::Long, _) => 1_000..25_000,
        };
        Duration::from_millis(self.random.random_range(ms))
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.left.is_empty() {
            self.left = (0..KINDS).collect();
            self.left.shuffle(&mut self.random);
        }
        let kind = self.left.pop().expect("there are kinds");
        let fault = self.draw(kind);
        let lasts = self.lasts(&fault);
        let wants_company = self.random.random_bool(0.4);
        let beside = wants_company
            && self.last.as_ref().is_some_and(|last| !last.beside && last.fault.goes_with(&fault));
        let after = match &self.last {
            Some(last) if beside => last.lasts.mul_f64(self.random.random_range(0.1..0.9)),
            _ => Duration::from_millis(self.random.random_range(300..1_500)),
        };
        let step = Step { fault, lasts, after, beside };
        self.last = Some(step.clone());
        Some(step)
    }
}

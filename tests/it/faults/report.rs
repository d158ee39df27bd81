//! What a run was like, in numbers.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use super::{account::Account, receiver::Past, scenario::Scenario};

pub(super) struct Report {
    seed: u64,
    sent: usize,
    /// How often each answer was given.
    answers: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
    /// In milliseconds, of the 200s: half of them, all but one of a hundred, all.
    took: [f64; 3],
    starts: u32,
    failed_starts: u32,
    /// In kB.
    peak_memory: u64,
}

impl Report {
    pub(super) fn of(scenario: &Scenario, account: &Account, past: &Past) -> Self {
        let mut faults = BTreeMap::new();
        for planned in &scenario.plan {
            *faults.entry(format!("{:?}", planned.fault)).or_default() += 1;
        }
        Self {
            seed: scenario.seed,
            sent: account.sent.len(),
            answers: account.answers.clone(),
            faults,
            took: [0.5, 0.99, 1.0].map(|share| account.quantile(share)),
            starts: past.starts,
            failed_starts: past.failed_starts,
            peak_memory: past.peak_memory,
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} authentic deliveries", self.seed, self.sent)?;
        for (answer, count) in &self.answers {
            writeln!(f, "  {count:8} {answer}")?;
        }
        for (fault, count) in &self.faults {
            writeln!(f, "  {count:8} times {fault}")?;
        }
        let [half, most, all] = self.took;
        writeln!(
            f,
            "  200s within {half:.1} ms (p50), {most:.1} ms (p99), {all:.1} ms (all)"
        )?;
        let Self {
            starts,
            failed_starts,
            ..
        } = self;
        writeln!(
            f,
            "  {starts} starts of the receiver, of which {failed_starts} in vain"
        )?;
        write!(f, "  {} MB of memory at most", self.peak_memory / 1024)
    }
}

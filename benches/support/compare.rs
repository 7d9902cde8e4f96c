//! Rounds of contenders on the same work, interleaved, and the table of what they cost.
//!
//! Interleaved, so that a machine that slows down slows all of them; medians, so that one bad run
//! does not decide; ratios, because absolute times are this machine's and not the program's.

use std::ffi::OsString;
use std::time::Duration;

use super::process::{self, Cost};

/// A program and what it is asked to do.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) argv: Vec<OsString>,
    /// What is claimed: the first contender takes at most this many times as long as this one.
    pub(crate) claim: Option<f64>,
    /// Proves, before anything is measured, that the work is done.
    pub(crate) proof: Option<Proof>,
    /// Not more rounds than this, for those that take long.
    pub(crate) rounds: usize,
}

/// A run whose output shows how much was done.
pub(crate) struct Proof {
    pub(crate) argv: Vec<OsString>,
    /// Counts the results in a line of standard output.
    pub(crate) count: fn(&str) -> usize,
    /// How many there must be.
    pub(crate) wanted: usize,
}

impl Contender {
    /// A contender without claim or proof.
    pub(crate) fn new(name: &str, argv: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self {
            name: name.to_owned(),
            argv,
            claim: None,
            proof: None,
            rounds: usize::MAX,
        }
    }

    pub(crate) fn claim(self, claim: f64) -> Self {
        let claim = Some(claim);
        Self { claim, ..self }
    }
}

/// Measures all contenders and prints a table; the first one is what the others are compared with.
/// `reset` is called after each run, outside the clock. A contender that did not do the work is
/// named and not measured. Returns the median wall time of each that ran.
pub(crate) fn compare(
    title: &str,
    contenders: Vec<Contender>,
    rounds: usize,
    reset: &dyn Fn(),
) -> Vec<Option<Duration>> {
    println!("\n{title}");
    // Whoever fails the proof runs no round.
    let contenders: Vec<_> = contenders
        .into_iter()
        .map(|contender| Contender {
            rounds: if proved(&contender, reset) {
                contender.rounds
            } else {
                0
            },
            ..contender
        })
        .collect();
    let mut costs = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            // Another one begins each round: nobody always runs after the same neighbour.
            let index = (turn + round) % contenders.len();
            if round < contenders[index].rounds {
                costs[index].extend(process::cost_of(&contenders[index].argv));
                reset();
            }
        }
    }
    print_table(&contenders, &costs);
    costs
        .iter()
        .map(|costs| median(costs, |cost| cost.wall))
        .collect()
}

/// Whether the contender does the work, said when it does not.
fn proved(contender: &Contender, reset: &dyn Fn()) -> bool {
    let Some(proof) = &contender.proof else {
        return true;
    };
    let found = process::count_in_output(&proof.argv, proof.count);
    reset();
    let (name, wanted) = (&contender.name, proof.wanted);
    match found {
        Ok(found) if found == wanted => return true,
        Ok(found) => println!("  {name}: FOUND {found} OF {wanted}, not measured"),
        Err(error) => println!("  {name}: not measured: {error}"),
    }
    false
}

fn print_table(contenders: &[Contender], costs: &[Vec<Cost>]) {
    let width = contenders.iter().map(|c| c.name.chars().count()).max();
    let width = width.unwrap_or(0);
    let head = [
        "median",
        "fastest",
        "cpu",
        "peak",
        "ratio",
        "cpu ratio",
        "claimed",
        "rounds",
    ];
    println!("  {:width$}{}", "", row(&head.map(str::to_owned)));
    let first = costs.first().and_then(|costs| Summary::of(costs));
    for (contender, costs) in contenders.iter().zip(costs) {
        let cells = Summary::of(costs).map(|own| own.cells(first.as_ref(), contender.claim));
        let cells = cells.map_or_else(|| "  did not run".to_owned(), |cells| row(&cells));
        println!("  {:width$}{cells}", contender.name);
    }
    if let Some(load) = busy() {
        println!("  others keep this machine busy (load {load}): trust the processor times only");
    }
}

/// The rounds of one contender in a few numbers.
struct Summary {
    wall: Duration,
    fastest: Duration,
    cpu: Duration,
    peak_kib: u64,
    rounds: usize,
}

impl Summary {
    fn of(costs: &[Cost]) -> Option<Self> {
        Some(Self {
            wall: median(costs, |cost| cost.wall)?,
            fastest: costs.iter().map(|cost| cost.wall).min()?,
            cpu: median(costs, |cost| cost.cpu)?,
            peak_kib: costs.iter().map(|cost| cost.peak_kib).max()?,
            rounds: costs.len(),
        })
    }

    fn cells(&self, first: Option<&Self>, claim: Option<f64>) -> [String; 8] {
        let ratio = |of: fn(&Self) -> Duration| {
            first.map(|first| of(first).as_secs_f64() / of(self).as_secs_f64())
        };
        let (wall, cpu) = (ratio(|own| own.wall), ratio(|own| own.cpu));
        let times = |ratio: f64| format!("{ratio:.2}x");
        [
            millis(self.wall),
            millis(self.fastest),
            millis(self.cpu),
            format!(
                "{}.{} MiB",
                self.peak_kib / 1024,
                self.peak_kib % 1024 * 10 / 1024
            ),
            wall.map(times).unwrap_or_default(),
            cpu.map(times).unwrap_or_default(),
            verdict(claim.zip(wall)),
            self.rounds.to_string(),
        ]
    }
}

fn row(cells: &[String; 8]) -> String {
    let [
        median,
        fastest,
        cpu,
        peak,
        ratio,
        cpu_ratio,
        claimed,
        rounds,
    ] = cells;
    format!(
        "  {median:>11}  {fastest:>11}  {cpu:>10}  {peak:>8}  {ratio:>6}  {cpu_ratio:>9}  \
         {claimed:>13}  {rounds:>6}"
    )
}

/// The load of the last minute, when it is more than what one benchmark makes.
fn busy() -> Option<f64> {
    const OWN_LOAD: f64 = 1.5;
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let load = text.split(' ').next()?.parse().ok()?;
    (load > OWN_LOAD).then_some(load)
}

fn verdict(claim_and_ratio: Option<(f64, f64)>) -> String {
    let Some((claim, ratio)) = claim_and_ratio else {
        return String::new();
    };
    let word = if ratio <= claim { "holds" } else { "MISSED" };
    format!("<= {claim:.2} {word}")
}

fn median<T: Ord + Copy>(costs: &[Cost], of: impl Fn(&Cost) -> T) -> Option<T> {
    let mut values: Vec<T> = costs.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

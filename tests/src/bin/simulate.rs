//! `make simulate`: runs seeds on all cores, and reports what was checked, what happened, and what never did.
//!
//! Each seed runs in a process of its own, because the SDK keeps some state for the whole process.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tests::sim::report::Report;
use tests::sim::{self, Outcome};

/// Variable that names the seed of a child process.
const ALONE: &str = "SIMULATE_ALONE";

/// What is asked for.
#[derive(Debug, PartialEq)]
struct Order {
    seeds: Seeds,
    /// Every event of the seed is shown.
    verbose: bool,
}

/// Which seeds, and how many.
#[derive(Debug, PartialEq)]
enum Seeds {
    One(u64),
    Many(u64, u64),
    For(u64, Duration),
}

fn main() -> ExitCode {
    if let Ok(seed) = std::env::var(ALONE) {
        return alone(seed.parse().unwrap_or_default());
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match Order::read(variable) {
        Ok(order) => run(&order),
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(2)
        }
    }
}

impl Order {
    /// Reads SEED (one seed, with every event if VERBOSE is set), SEEDS (how many), MINUTES (for how long), and FROM
    /// (the first seed).
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| match variable(name) {
            None => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| format!("{name}={text} is not a whole number from 0 on. Write, for example, {name}=20.")),
        };
        let (seed, seeds, minutes, from) = (number("SEED")?, number("SEEDS")?, number("MINUTES")?, number("FROM")?);
        if seeds == Some(0) || minutes == Some(0) {
            return Err("SEEDS and MINUTES must be at least 1: with 0 nothing would be checked.".to_owned());
        }
        if u8::from(seed.is_some()) + u8::from(seeds.is_some()) + u8::from(minutes.is_some()) > 1 {
            return Err("Set only one of SEED, SEEDS and MINUTES.".to_owned());
        }
        let from = from.unwrap_or(1);
        let seeds = match (seed, seeds, minutes) {
            (Some(seed), ..) => Seeds::One(seed),
            (_, Some(seeds), _) => Seeds::Many(from, seeds),
            (.., minutes) => Seeds::For(from, Duration::from_secs(60 * minutes.unwrap_or(1))),
        };
        Ok(Self { seeds, verbose: variable("VERBOSE").is_some() })
    }
}

/// Runs one seed in this process, and writes the result as JSON.
fn alone(seed: u64) -> ExitCode {
    let outcome = sim::run(seed);
    let broken = outcome.broken.is_some();
    println!("{}", serde_json::json!(outcome));
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(order: &Order) -> ExitCode {
    let started = Instant::now();
    let (first, last, until) = match order.seeds {
        Seeds::One(seed) => (seed, seed, None),
        Seeds::Many(from, seeds) => (from, from.saturating_add(seeds - 1), None),
        Seeds::For(from, time) => (from, u64::MAX, Some(started + time)),
    };
    let next = AtomicU64::new(first);
    let report = Mutex::new(Report::default());
    let broken = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last || until.is_some_and(|until| Instant::now() > until) {
                        return;
                    }
                    match in_a_process(seed) {
                        Ok(outcome) => {
                            show(&outcome, order.verbose);
                            report.lock().unwrap_or_else(PoisonError::into_inner).add(outcome.report);
                            if outcome.broken.is_some() {
                                broken.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                            }
                        }
                        Err(fault) => {
                            eprintln!("seed {seed}: {fault}");
                            broken.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                        }
                    }
                }
            });
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort_unstable();
    println!("{report}");
    let seconds = started.elapsed().as_secs_f64();
    println!("  speed      {:.0} e-mails a second and core", report.mails as f64 / seconds / workers as f64);
    if !broken.is_empty() {
        println!("Run a seed again with `make simulate SEED=<n>`; all its events with VERBOSE=1. Broken: {broken:?}");
    }
    println!("checked {} e-mails in {} seeds, {} broken", report.mails, report.seeds, broken.len());
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_a_process(seed: u64) -> Result<Outcome, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
    let output = Command::new(program).env(ALONE, seed.to_string()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("could not be run: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        format!("the simulation itself failed; run it again with {ALONE}={seed}.\n{said}")
    })
}

/// Shows a run that broke a guarantee: the last events, the history of the people concerned, and the guarantee.
fn show(outcome: &Outcome, verbose: bool) {
    let mut lines = Vec::new();
    if verbose {
        lines.extend(outcome.events.iter().cloned());
    }
    if let Some(failure) = &outcome.broken {
        lines.push(format!("seed {}: the last events", outcome.seed));
        lines.extend(failure.last.iter().map(|event| format!("  {event}")));
        lines.push(format!("seed {}: what is known of {}", outcome.seed, failure.about.join(", ")));
        lines.extend(failure.history.iter().map(|event| format!("  {event}")));
        lines.push(format!("seed {}: {} {}", outcome.seed, failure.at, failure.what));
    }
    lines.push(format!("seed {}: {} e-mails, log {:016x}", outcome.seed, outcome.report.mails, outcome.digest));
    println!("{}", lines.join("\n"));
}

#[cfg(test)]
mod unit {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Order, String> {
        Order::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn seeds_are_chosen_by_variables_and_nonsense_is_refused_with_a_sentence() {
        let seeds = |variables: &[_]| read(variables).map(|order| order.seeds);
        assert_eq!(seeds(&[]), Ok(Seeds::For(1, Duration::from_secs(60))));
        assert_eq!(seeds(&[("SEED", "7")]), Ok(Seeds::One(7)));
        assert_eq!(seeds(&[("SEEDS", "5"), ("FROM", "10")]), Ok(Seeds::Many(10, 5)));
        for nonsense in [
            vec![("SEED", "seven")],
            vec![("SEED", "-1")],
            vec![("SEEDS", "0")],
            vec![("MINUTES", "0")],
            vec![("SEED", "1"), ("SEEDS", "2")],
        ] {
            assert!(read(&nonsense).is_err_and(|fault| fault.ends_with('.')), "{nonsense:?}");
        }
    }
}

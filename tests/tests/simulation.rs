//! The simulation on some seeds that are the same each time and on one that is new, as the command `make simulate` runs it.

#![expect(clippy::print_stdout, reason = "the seed is shown where the test fails")]

use std::process::{Command, Output};

/// Runs the command with these variables, and without those of whoever runs the tests.
fn simulate(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
    for variable in ["SEED", "SEEDS", "MINUTES", "FROM", "VERBOSE"] {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied()).output().expect("the command can be run")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The last line, where the run was as it should be.
fn verdict(output: &Output) -> String {
    let said = said(output);
    assert!(output.status.success(), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn no_promise_is_broken_on_these_seeds() {
    let verdict = verdict(&simulate(&[("SEEDS", "6")]));
    assert!(verdict.starts_with("checked ") && verdict.ends_with(" e-mails in 6 seeds, 0 broken"), "{verdict}");
}

#[test]
fn no_promise_is_broken_on_a_new_seed() {
    // Not one of those in which fifty thousand people are imported.
    let seed = (seed_of_the_commit() * 1_000 + 1).to_string();
    println!("`make simulate SEED={seed}` runs it again");
    let verdict = verdict(&simulate(&[("SEED", &seed)]));
    assert!(verdict.ends_with(" e-mails in 1 seeds, 0 broken"), "{verdict}");
}

/// New with each commit, and the same whenever the tests of a commit run: they don't pass once and fail another time.
fn seed_of_the_commit() -> u64 {
    let git = Command::new("git").args(["rev-parse", "HEAD^{tree}"]).output();
    let tree = git.map(|git| String::from_utf8_lossy(&git.stdout).into_owned()).unwrap_or_default();
    tree.get(..8)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_else(|| rand::random::<u32>().into())
}

#[test]
fn the_same_seed_has_the_same_events() {
    let events = || said(&simulate(&[("SEED", "9"), ("VERBOSE", "1")]));
    let (one, other) = (events(), events());
    let differ = one.lines().zip(other.lines()).find(|(one, other)| one != other && !one.contains("speed"));
    assert_eq!(differ, None);
    assert!(one.lines().count() > 500, "{one}");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    for (variable, value) in [("SEED", "seven"), ("SEEDS", "0"), ("MINUTES", "-1")] {
        let output = simulate(&[(variable, value)]);
        assert_eq!(output.status.code(), Some(2), "{variable}={value}");
        let said = said(&output);
        assert!(said.contains(variable) && said.trim_end().ends_with('.') && said.lines().count() == 1, "{said}");
    }
}

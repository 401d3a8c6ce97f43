//! The simulation on some seeds that are the same each time and on one that is new, as the command `make simulate` runs it; and once
//! without faults, for what is only true then.

#![expect(clippy::print_stdout, reason = "the seed is shown where the test fails")]

use std::process::{Command, Output};

use jiff::SignedDuration;
use serde_json::json;
use tests::http::Call;
use tests::sim::run::scripted;
use tests::sim::sources::call;
use tests::sim::town::sender;

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
fn e_mails_leave_as_fast_as_ses_takes_them_and_no_faster() {
    scripted(300, async |scene| {
        // Of two e-mails, the second may be quicker on its way to SES.
        scene.system.with(|state| (state.cloud.ses.account.rate, state.cloud.ses.account.burst) = (14.0, 1.0));
        let body = json!({"filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": sender("NORTH"),
            "expectedRecipients": 300});
        let request = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "one").json(&body);
        assert_eq!(call(&scene.system, "send", request).await.map(|answer| answer.status.as_u16()), Some(202));
        scene.calm().await;
        let (left, asked) = scene.system.with(|state| {
            let asked = state.log.all().filter(|event| event.contains(" SendEmail ")).count();
            (state.cloud.ses.mails().iter().map(|mail| mail.at).collect::<Vec<_>>(), asked)
        });
        assert_eq!((left.len(), asked), (300, 300), "SES refused none for its rate");
        let took = left[299].duration_since(left[0]);
        assert!(took < SignedDuration::from_secs(24), "{took:#} for what takes 300 / 14 = 21.4 s");
    });
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

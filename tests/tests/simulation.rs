//! The simulation on fixed seeds and on one new seed, as `make simulate` runs it, and once without faults, for
//! properties that hold only then.

#![expect(clippy::print_stdout, reason = "the seed is shown where the test fails")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::http::Call;
use tests::sim::run::scripted;
use tests::sim::sources::call;
use tests::sim::town::{LINKED, division, sender};

/// Runs the command with these variables, and without the environment's own.
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

/// A seed that is new with each commit and the same for all runs of that commit, so that they don't pass once and fail
/// later.
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
        // An e-mail is on its way to SES for up to 100 ms, and one has its turn every 71 ms. So in some second SES may
        // meet one at each end that had its turn outside, and one that was overtaken.
        scene.system.with(|state| (state.cloud.ses.account.rate, state.cloud.ses.account.burst) = (14.0, 3.0));
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

/// Guarantees 3 and 10.
#[test]
fn a_server_taken_off_a_divisions_list_is_in_no_later_email() {
    scripted(300, async |scene| {
        scene.system.with(|state| (state.cloud.ses.account.rate, state.cloud.ses.account.burst) = (1.0, 1.0));
        let ask =
            async |function, call_it: Call| call(&scene.system, function, call_it).await.expect("an answer").json();
        let list = async |is_linked| {
            let stored = division("NORTH", "America/New_York", is_linked);
            ask("directory", Call::new("PUT", "/v1/divisions/NORTH").json(&stored)).await
        };
        let template = json!({"name": "Ours", "subject": "Your access",
            "html": "<p>{{temporaryPassword}}</p><a href=\"{{activationLink}}\">Go</a>",
            "text": format!("{{{{temporaryPassword}}}}\n{{{{activationLink}}}}\nHelp: {LINKED}\n")});
        let template = ask("templates", Call::new("POST", "/v1/templates").json(&template)).await;
        let body = json!({"filter": {"division": "NORTH"}, "templateId": template["templateId"], "emailFrom": sender("NORTH"),
            "expectedRecipients": 300});
        let send = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "one").json(&body);
        let campaign =
            format!("/v1/campaigns/{}", ask("send", send).await["campaignId"].as_str().expect("it was started"));
        scene.wait_for(SignedDuration::from_secs(60)).await;
        list(false).await;
        scene.calm().await;
        let broken = || scene.system.with(|state| state.checks.first_broken().cloned());
        assert!(broken().is_none(), "{:?}", broken());
        let ended = ask("campaigns", Call::new("GET", &campaign)).await;
        let count = |campaign: &Value, outcome: &str| campaign["outcomes"][outcome].as_u64().unwrap_or_default();
        let (sent, failed) = (count(&ended, "sent"), count(&ended, "failed"));
        assert!(sent > 0 && failed > 0 && sent + failed == 300, "{ended}");
        list(true).await;
        ask("campaigns", Call::new("POST", &format!("{campaign}/retry")).json(&json!({"outcome": "failed"}))).await;
        scene.calm().await;
        // Not `sent`: SES may report later that it did not send one after all.
        let mailed: BTreeSet<String> =
            scene.system.with(|state| state.cloud.ses.mails().iter().flat_map(|mail| mail.to.clone()).collect());
        assert_eq!(mailed.len(), 300);
        assert!(broken().is_none(), "{:?}", broken());
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

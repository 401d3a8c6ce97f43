//! What the functions log, and where temporary passwords are and are not (guarantee 4).
//!
//! A program of its own, with one log for the whole process, set up before anything is logged: `tracing` decides once
//! for each line of code whether anybody listens. If another test reached that line first, without a log, it would
//! decide that nobody does.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

use std::collections::BTreeSet;
use std::io;
use std::sync::{LazyLock, Mutex};

use jiff::SignedDuration;
use lambda_http::tracing::subscriber::{self, filter};
use portal_aws::clock;
use serde_json::{Value, json};
use tests::activation::activation;
use tests::cloud::{CAMPAIGNS, DIRECTORY};
use tests::{Account, Contact, World};

/// Everything that this process logs, at the most detailed level and in the format of lambda_runtime.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(|| {
    subscriber::fmt().json().with_max_level(filter::LevelFilter::TRACE).with_writer(|| Log).init();
    Mutex::default()
});

/// What was logged so far.
fn logged() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Guarantee 4.
#[tokio::test]
async fn every_password_is_drawn_anew_and_is_in_its_mail_and_nowhere_else() {
    LazyLock::force(&LOG);
    let world = World::new().await;
    let contact = |i| Contact::new("1", &world.email(format!("p{i}")));
    world.import((0..12).map(|i| Account::new("NORTH", &format!("A{i}")).contact(contact(i)))).await;
    world.send("NORTH").await;
    let mut queued = String::new();
    for queue in ["FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
        for message in world.receive(queue).await {
            queued.push_str(message.body.as_deref().unwrap());
            assert!(world.invoke(queue, &message, clock::now() + SignedDuration::from_secs(60)).await);
        }
    }
    world.pump().await;
    // One asks for another e-mail, and one accepts; one types the wrong password, and one a bad one.
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump().await;
    let accepted = world.passwords(&world.email("p1")).remove(0);
    assert_eq!(world.activate(&world.email("p1"), &accepted).await.status, 204);
    assert_eq!(world.activate(&world.email("p2"), &accepted).await.status, 403);
    let mut bad = activation(&world.email("p2"), &accepted);
    bad["newPassword"] = json!("never-log-me ".repeat(90));
    assert_eq!(world.post_activation(&bad).await.status, 400);
    let mut stored = String::new();
    for table in [DIRECTORY, CAMPAIGNS] {
        let items = world.dynamo.scan().table_name(table).send().await.unwrap();
        assert!(items.last_evaluated_key.is_none());
        stored.push_str(&format!("{:?}", items.items()));
    }
    let logged = logged();
    assert!(logged.contains("batch sent"));
    let mails = world.mails();
    assert_eq!(mails.len(), 13);
    for (place, text) in [("table", &stored), ("log", &logged)] {
        assert!(!text.contains("never-log-me"), "a password that somebody chose is in the {place}");
    }
    let (mut passwords, mut salts) = (BTreeSet::new(), BTreeSet::new());
    for mail in &mails {
        let password = mail.password();
        assert!(stored.contains(&mail.to[0]), "the tables were read");
        for (place, text) in [("subject", &mail.subject), ("queue", &queued), ("table", &stored), ("log", &logged)] {
            assert!(!text.contains(password), "the password is in the {place}");
        }
        passwords.insert(password);
        for kept in world.recipient("NORTH", &mail.to[0]).await.unwrap().passwords() {
            salts.insert(kept.digest.as_str().split('$').nth(1).unwrap().to_owned());
        }
    }
    // Whoever accepted has none any more.
    assert_eq!((passwords.len(), salts.len()), (13, 12), "each has its own");
}

/// The alarm counts lines of the log.
#[tokio::test]
async fn what_is_not_sent_for_the_daily_limit_is_logged_as_the_alarm_reads_it() {
    LazyLock::force(&LOG);
    let mut world = World::with_people(2).await;
    let context = world.context_with(&[("SELF_SERVICE_DAILY_LIMIT", "1")]);
    world.resend = ::resend::Resend::new(&context).unwrap();
    world.send("NORTH").await;
    world.pump().await;
    let now = clock::now();
    for person in ["p0", "p1"] {
        world.resend_at("NORTH", &world.email(person), now).await;
    }
    let logged = logged();
    let lines = logged.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let refused: Vec<_> = lines.filter(|line| line["fields"]["message"] == "no new e-mail").collect();
    let [refused] = &refused[..] else { panic!("one line: {refused:?}") };
    let reason = refused["fields"]["reason"].as_str().unwrap();
    let alarms = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/alarms.yaml")).unwrap();
    assert!(alarms.contains(&format!("FilterPattern: '{{ $.fields.reason = \"{reason}\" }}'")), "{reason}");
}

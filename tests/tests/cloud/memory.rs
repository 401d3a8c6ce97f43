//! The scenarios against the services in memory.

use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use jiff::Timestamp;
use tests::cloud::event_bus::EventBus;
use tests::cloud::scheduler::Scheduler;
use tests::cloud::ses::{Account, Ses};
use tests::cloud::sns::Sns;
use tests::cloud::sqs::Sqs;
use tests::cloud::users::Users;
use tests::cloud::{Call, Reply, connector};

use crate::{mails, others, queues, schedules};

/// Clients of one service, and the service.
fn served<S: Send + 'static>(
    service: S,
    answer: impl Fn(&mut S, &Call, Timestamp) -> Reply + Send + Sync + 'static,
) -> (SdkConfig, Arc<Mutex<S>>) {
    let service = Arc::new(Mutex::new(service));
    let served = service.clone();
    let config = connector::config(move |call| answer(&mut served.lock().unwrap(), call, Timestamp::now()));
    (config, service)
}

#[tokio::test]
async fn queues() {
    let (config, _) = served(Sqs::new(), Sqs::answer);
    queues::scenario(&config).await;
}

#[tokio::test]
async fn mails() {
    let mut ses = Ses::new(Account::default());
    ses.verify("example.com");
    let (config, ses) = served(ses, Ses::answer);
    mails::scenario(&config, "example.com").await;
    let ses = ses.lock().unwrap();
    let mail = &ses.mails()[1];
    assert_eq!((mail.from.as_str(), mail.to[0].as_str()), ("from@example.com", "to@example.com"));
    assert_eq!((mail.subject.as_str(), mail.html.as_str(), mail.text.as_str()), ("S", "<p>H", "T"));
    assert_eq!((mail.reply_to[0].as_str(), mail.tags["attempt"].as_str()), ("reply@example.com", "1"));
    assert_eq!(mail.configuration_set.as_deref(), Some("tests"));
}

#[tokio::test]
async fn notices() {
    let mut sns = Sns::new();
    let topic = sns.create("notices");
    let (config, sns) = served(sns, Sns::answer);
    others::notices(&config, &topic).await;
    let sns = sns.lock().unwrap();
    let published = &sns.published()[0];
    assert_eq!((published.subject.as_deref(), published.message.as_str()), (Some("A & b"), "ä = <m>\n"));
}

#[tokio::test]
async fn events() {
    let (config, events) = served(EventBus::new(), EventBus::answer);
    others::events(&config, "bus").await;
    assert_eq!(events.lock().unwrap().events().len(), 3);
}

#[tokio::test]
async fn schedules() {
    let mut scheduler = Scheduler::new();
    scheduler.create_group("group");
    let (config, _) = served(scheduler, Scheduler::answer);
    schedules::scenario(&config, "group").await;
}

#[tokio::test]
async fn users() {
    let mut users = Users::new("us-east-1_pool");
    users.put("on", true, &["390", "directory"]);
    users.put("off", false, &[]);
    let (config, _) = served(users, Users::answer);
    others::users(&config, "us-east-1_pool").await;
}

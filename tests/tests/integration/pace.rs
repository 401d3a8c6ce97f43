//! The pace of SES: its send rate, its daily quota, and what happens when it takes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use deliver::Deliver;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::limiter::{Limiter, Reservation};
use portal_aws::mail::Mailer;
use portal_domain::Outcome;
use portal_domain::pace::{Pace, Slots, Window};
use serde_json::json;
use sweep::Sweep;
use tests::World;
use tests::clock::with_clock;
use tests::http::Call;
use tests::line::{Fate, line};

/// No e-mail left before its slot: the e-mail number `index` left at least `index` intervals after the beginning.
fn assert_spaced(world: &World, begin: Timestamp, interval: SignedDuration) {
    for (index, mail) in world.mails().iter().enumerate() {
        let earliest = begin + interval * i32::try_from(index).unwrap();
        assert!(mail.at >= earliest, "e-mail {index} left {:?} too early", earliest.duration_since(mail.at));
    }
}

fn limiter(world: &World, config: &SdkConfig) -> Limiter {
    let context = world.context(config);
    Limiter::new(&context, Mailer::new(&context)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn functions_that_send_at_the_same_time_keep_one_rate_together() {
    with_clock(async |_| {
        let world = World::with_people(60).await;
        world.cloud().ses.account.rate = 25.0;
        let id = world.send("NORTH").await;
        let messages = world.fan_out().await;
        let functions: Vec<_> = messages.iter().map(|_| Deliver::new(&world.context(&world.config)).unwrap()).collect();
        let begin = clock::now();
        let all = functions.iter().zip(&messages).map(|(deliver, message)| world.invoke_with(deliver, message));
        assert!(futures::future::join_all(all).await.into_iter().all(|handled| handled));
        assert!(functions.len() > 4, "there are several");
        assert_eq!(world.campaign(id).await["outcomes"]["sent"], 60);
        assert_spaced(&world, begin, SignedDuration::from_millis(40));
    })
    .await;
}

#[tokio::test]
async fn slots_of_many_askers_never_overlap() {
    let world = World::empty();
    world.cloud().ses.account.rate = 1_000.0;
    let limiters: Vec<_> = (0..4).map(|_| limiter(&world, &world.config)).collect();
    let now = clock::now();
    let window = Window { now, patience: SignedDuration::from_secs(60) };
    let asks = (0..60).map(|index| limiters[index % 4].reserve(1 + index % 40, None, window));
    let mut slots: Vec<Slots> = Vec::new();
    for answer in futures::stream::iter(asks).buffer_unordered(16).collect::<Vec<_>>().await {
        match answer.unwrap() {
            Reservation::Slots(taken) => slots.push(taken),
            other => panic!("{other:?}"),
        }
    }
    slots.sort_by_key(|slots| slots.first);
    assert!(slots[0].first >= window.earliest());
    assert!(slots.windows(2).all(|pair| pair[0].first + pair[0].span() <= pair[1].first));
    let wanted: usize = (0..60).map(|index| 1 + index % 40).sum();
    assert_eq!(slots.iter().map(|slots| slots.count).sum::<usize>(), wanted);
}

#[tokio::test]
async fn who_comes_when_all_near_slots_are_taken_is_told_to_come_later() {
    let world = World::empty();
    world.cloud().ses.account.rate = 1.0;
    let limiter = limiter(&world, &world.config);
    let window = Window { now: clock::now(), patience: SignedDuration::from_secs(7) };
    let mut taken = 0;
    let wait = loop {
        match limiter.reserve(40, None, window).await.unwrap() {
            Reservation::Slots(slots) => taken += slots.count,
            Reservation::Later(wait) => break wait,
            Reservation::QuotaUsedUp => panic!("there is quota"),
        }
    };
    assert_eq!(taken, 10, "five seconds' worth at once, as long as it begins within seven");
    assert_eq!(wait, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_campaign_with_a_pace_of_its_own_keeps_to_it() {
    with_clock(async |_| {
        let world = World::with_people(4).await;
        let mut body = world.send_request("NORTH").await;
        body["maxPerMinute"] = json!(60);
        let answer = world.post_campaign("slow", &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["maxPerMinute"]), (202, &json!(60)));
        let begin = clock::now();
        world.pump().await;
        assert_eq!(world.mails().len(), 4);
        assert_spaced(&world, begin, SignedDuration::from_secs(1));
    })
    .await;
}

/// The clock stands still outside of waits: what an invocation takes is what it waited.
#[tokio::test(start_paused = true)]
async fn a_slow_campaign_waits_in_its_queue_and_leaves_deliver_to_others() {
    const QUEUE: &str = "DELIVER_QUEUE_URL";
    with_clock(async |_| {
        let world = World::with_people(4).await;
        let mut body = world.send_request("NORTH").await;
        body["maxPerMinute"] = json!(2);
        world.post_campaign("slow", &body).await;
        world.write_ledger().await;
        let (begin, mut occupied) = (clock::now(), SignedDuration::ZERO);
        while world.mails().len() < 4 {
            for message in world.receive(QUEUE).await {
                let invoked = clock::now();
                assert!(world.invoke(QUEUE, &message, invoked + SignedDuration::from_secs(60)).await);
                world.delete(QUEUE, &message).await;
                occupied += clock::now().duration_since(invoked);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(clock::now().duration_since(begin) < SignedDuration::from_secs(120), "it keeps its rate");
        }
        assert_spaced(&world, begin, SignedDuration::from_secs(30));
        assert!(occupied < SignedDuration::from_secs(4 * 4), "deliver was occupied for {occupied:?}");
    })
    .await;
}

#[tokio::test]
async fn at_the_daily_quota_a_campaign_pauses_says_why_and_goes_on_when_there_is_room() {
    let world = World::with_people(12).await;
    world.cloud().ses.account.quota = Some(5);
    let id = world.send("NORTH").await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["stateReason"]), (&json!("paused"), &json!("dailyQuota")), "{campaign}");
    assert_eq!((&campaign["outcomes"]["sent"], &campaign["outcomes"]["queued"]), (&json!(5), &json!(7)));

    assert_eq!(world.sweep_after(Duration::ZERO).await.resumed, 0, "there is no room");
    world.cloud().ses.account.quota = Some(1_000);
    assert_eq!(world.sweep_after(Duration::ZERO).await.resumed, 1);
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(12)));
    assert_eq!(world.mails().len(), 12);
    let by: Vec<_> = campaign["audit"].as_array().unwrap().iter().filter(|entry| entry["action"] == "paused").collect();
    assert_eq!((by.len(), &by[0]["by"], &by[0]["reason"]), (1, &json!("system"), &json!("dailyQuota")));
}

#[tokio::test]
async fn a_person_who_pauses_a_campaign_is_not_overruled_when_there_is_quota() {
    let world = World::with_people(2).await;
    let id = world.send("NORTH").await;
    world.call(Call::new("POST", &format!("/v1/campaigns/{id}/pause"))).await;
    assert_eq!(world.sweep_after(Duration::from_secs(600)).await.resumed, 0);
    assert_eq!(world.campaign(id).await["state"], "paused");
}

#[tokio::test]
async fn a_sender_that_loses_its_verification_pauses_the_campaign_and_loses_nobody() {
    const DOMAIN: &str = "simulator.amazonses.com";
    let world = World::with_people(5).await;
    let id = world.send("NORTH").await;
    world.cloud().ses.unverify(DOMAIN);
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["stateReason"]), (&json!("paused"), &json!("senderNotVerified")));
    assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Queued));
    // SES still refuses.
    world.call(Call::new("POST", &format!("/v1/campaigns/{id}/resume"))).await;
    world.pump().await;
    assert_eq!(world.campaign(id).await["stateReason"], "senderNotVerified");
    world.cloud().ses.verify(DOMAIN);
    world.call(Call::new("POST", &format!("/v1/campaigns/{id}/resume"))).await;
    world.pump().await;
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 5);
}

#[tokio::test]
async fn a_campaign_pauses_and_notifies_when_ses_refuses_the_account() {
    let table = [
        (400, "SendingPausedException", "", "sendingPaused"),
        (403, "AccessDeniedException", "", "accountRefused"),
        (404, "NotFoundException", "Configuration set <x> does not exist.", "accountRefused"),
        (400, "MailFromDomainNotVerifiedException", "", "senderNotVerified"),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", "dailyQuota"),
    ];
    for (status, code, message, reason) in table {
        let world = World::with_people(3).await;
        let body = json!({"__type": code, "message": message}).to_string();
        let body: &'static str = Box::leak(body.into_boxed_str());
        let config = line(&world.config, move |operation, _| match operation {
            "SendEmail" => Fate::Answered(status, body),
            _ => Fate::Made,
        });
        let before = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        let id = world.send("NORTH").await;
        world.pump_with(&Deliver::new(&world.context(&config)).unwrap()).await;
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["stateReason"]), (&json!("paused"), &json!(reason)), "{code}");
        assert!(world.ledger(id).await.iter().all(|row| row.outcome == Outcome::Queued));
        let after = world.recipient("NORTH", &world.email("p0")).await.unwrap();
        assert_eq!((after.status, after.digest), (before.status, None), "everyone has what they had");

        world.sweep_after(Duration::ZERO).await;
        let notices = world.notices();
        assert!(notices.len() == 1 && notices[0].contains(&format!("/#/campaigns/{id}")), "{notices:?}");
        world.call(Call::new("POST", &format!("/v1/campaigns/{id}/resume"))).await;
        world.pump().await;
        assert_eq!(world.campaign(id).await["outcomes"]["sent"], 3, "{code}");
    }
}

#[tokio::test]
async fn operators_are_told_once_of_an_end_and_not_of_what_people_did() {
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    for name in ["pause", "resume"] {
        world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{name}"))).await;
    }
    world.pump().await;
    for published in [1, 0] {
        assert_eq!(world.sweep_after(Duration::ZERO).await.notices, published);
    }
    let notices = world.notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("The campaign has ended.") && notices[0].contains("Sent: 3"), "{}", notices[0]);
}

#[tokio::test]
async fn a_rate_of_ones_own_is_refused_without_an_endpoint_of_ones_own() {
    let world = World::empty();
    for name in ["SES_RATE_OVERRIDE", "SES_QUOTA_OVERRIDE"] {
        let on_aws = world.context_with(&[(name, "5")]);
        assert!(Deliver::new(&on_aws).is_err() && Sweep::new(&on_aws).is_err());
        let elsewhere = world.context_with(&[(name, "5"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]);
        assert!(Deliver::new(&elsewhere).is_ok() && Sweep::new(&elsewhere).is_ok());
    }
}

#[tokio::test]
async fn rate_and_quota_are_asked_of_ses_and_only_when_they_are_old() {
    let world = World::empty();
    world.cloud().ses.account.rate = 10.0;
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let config = line(&world.config, move |operation, _| {
        count.fetch_add(u64::from(operation == "GetAccount"), Ordering::Relaxed);
        Fate::Made
    });
    let limiters = [limiter(&world, &config), limiter(&world, &config)];
    let now = clock::now();
    let patience = SignedDuration::from_secs(30);
    for limiter in limiters.iter().cycle().take(6) {
        let reserved = limiter.reserve(2, None, Window { now, patience }).await.unwrap();
        let Reservation::Slots(slots) = reserved else { panic!("{reserved:?}") };
        assert_eq!((slots.pace, slots.count), (Pace::per_second(10.0), 2), "unlimited, at SES's rate");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let later = now + SignedDuration::from_mins(5);
    limiters[1].reserve(1, None, Window { now: later, patience }).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn when_ses_finds_the_senders_too_fast_all_of_them_wait_a_moment() {
    let world = World::empty();
    let [ours, theirs] = [0, 1].map(|_| limiter(&world, &world.config));
    let window = Window { now: clock::now(), patience: SignedDuration::from_secs(30) };
    theirs.reserve(1, None, window).await.unwrap();
    ours.slow_down(window.now).await.unwrap();
    let Reservation::Slots(slots) = theirs.reserve(1, None, window).await.unwrap() else { panic!("there is time") };
    assert!(slots.first >= (window.now + SignedDuration::from_secs(1)).as_microsecond());
}

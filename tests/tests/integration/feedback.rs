//! SES's reports and their effects on rows, counters, recipients and campaigns.

use jiff::SignedDuration;
use portal_aws::campaigns::control::Obeyed;
use portal_aws::clock;
use portal_aws::people::PeopleStore;
use portal_domain::campaign::Command;
use portal_domain::feedback::Standing;
use portal_domain::{CampaignId, Outcome, PortalStatus, Recipient};
use serde_json::{Value, json};
use tests::World;
use tests::http::Call;
use tests::ses::{event, event_of, in_envelope, notification};

/// A world with a completed campaign that e-mailed this many people.
async fn sent_to(people: usize) -> (World, CampaignId) {
    let world = World::with_people(people).await;
    let id = world.send("NORTH").await;
    world.pump().await;
    (world, id)
}

async fn undeliverable(world: &World, name: &str) -> Option<String> {
    Recipient::from(world.recipient("NORTH", &world.email(name)).await.unwrap()).undeliverable
}

#[tokio::test]
async fn every_kind_of_event_changes_row_counters_and_recipient() {
    let kinds = [
        ("delivery", Some(Standing::Delivered), None, None),
        ("delay", Some(Standing::Delayed), Some("MailboxFull"), None),
        ("softBounce", Some(Standing::SoftBounced), Some("Transient/General"), None),
        ("refusal", Some(Standing::SoftBounced), Some("Transient/General/5.7.1"), None),
        ("undetermined", Some(Standing::SoftBounced), Some("Undetermined/Undetermined"), None),
        ("bounce", Some(Standing::Bounced), Some("Permanent/NoEmail"), Some("bounced")),
        ("complaint", Some(Standing::Complained), Some("abuse"), Some("complained")),
        ("reject", Some(Standing::Rejected), None, None),
        ("renderingFailure", Some(Standing::Rejected), None, None),
        ("send", None, None, None),
    ];
    let (world, id) = sent_to(kinds.len()).await;
    for (index, (kind, standing, detail, mark)) in kinds.into_iter().enumerate() {
        let email = world.email(format!("p{index}"));
        let before = world.row(id, &email).await;
        world.reports([event_of(kind, id, &before)]).await;
        let row = world.row(id, &email).await;
        assert_eq!((row.standing, row.standing_detail.as_deref()), (standing, detail), "{kind}");
        assert_eq!(undeliverable(&world, &format!("p{index}")).await.as_deref(), mark, "{kind}");
        let recipient = world.recipient("NORTH", &email).await.unwrap();
        if standing == Some(Standing::Rejected) {
            assert_eq!((row.outcome, row.reason.as_deref()), (Outcome::Failed, Some("rejected")), "{kind}");
            assert_eq!(
                (recipient.status, recipient.digest, recipient.last_invited_at),
                (PortalStatus::NotSent, None, None)
            );
        } else {
            assert_eq!((row.outcome, recipient.status), (Outcome::Sent, PortalStatus::Pending), "{kind}");
        }
    }
    let campaign = world.campaign(id).await;
    let expected = json!({"delayed": 1, "softBounced": 3, "delivered": 1, "bounced": 1, "complained": 1});
    assert_eq!(campaign["feedback"], expected);
    assert_eq!((&campaign["outcomes"]["sent"], &campaign["outcomes"]["failed"]), (&json!(8), &json!(2)));
    let failed = world.get_json(&format!("/v1/campaigns/{id}/recipients?outcome=failed")).await;
    assert_eq!(failed["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_rejected_email_keeps_a_newer_password_and_an_acceptance() {
    let (world, id) = sent_to(2).await;
    world.set(&world.email("p0"), "digest", "newer").await;
    world.accept("NORTH", &world.email("p1")).await;
    for name in ["p0", "p1"] {
        let row = world.row(id, &world.email(name)).await;
        world.reports([event_of("reject", id, &row)]).await;
        assert_eq!(world.row(id, &world.email(name)).await.outcome, Outcome::Failed);
    }
    let recipient = world.recipient("NORTH", &world.email("p0")).await.unwrap();
    assert_eq!((recipient.status, recipient.digest.unwrap().as_str()), (PortalStatus::Pending, "newer"));
    assert_eq!(world.recipient("NORTH", &world.email("p1")).await.unwrap().status, PortalStatus::Accepted);
}

#[tokio::test]
async fn reports_in_any_order_and_any_number_count_once() {
    let (world, id) = sent_to(2).await;
    for (name, kinds) in
        [("p0", ["send", "delay", "delivery", "complaint"]), ("p1", ["complaint", "delivery", "delay", "send"])]
    {
        let row = world.row(id, &world.email(name)).await;
        world.reports(kinds.iter().chain(&kinds).map(|kind| event_of(kind, id, &row))).await;
        assert_eq!(world.row(id, &world.email(name)).await.standing, Some(Standing::Complained));
    }
    let campaign = world.campaign(id).await;
    assert_eq!(
        campaign["feedback"],
        json!({"delayed": 0, "softBounced": 0, "delivered": 0, "bounced": 0, "complained": 2})
    );
    assert_eq!(campaign["outcomes"]["sent"], 2);
}

#[tokio::test]
async fn of_an_older_attempt_only_a_bounce_or_complaint_counts() {
    let (world, id) = sent_to(2).await;
    for (name, outcome) in [("p0", "sent"), ("p1", "unconfirmed")] {
        let row = world.row(id, &world.email(name)).await;
        world.set_attempt(id, &row, outcome, 2).await;
        let before = world.row(id, &world.email(name)).await;
        let first = |kind| event(kind, id, row.recipient_id, 1, "the-first");
        world.reports(["send", "delivery", "softBounce", "reject"].map(first)).await;
        assert_eq!(world.row(id, &world.email(name)).await, before);
        world.reports([first("bounce")]).await;
        let after = world.row(id, &world.email(name)).await;
        assert_eq!((after.outcome, after.standing), (before.outcome, Some(Standing::Bounced)));
        assert_eq!(after.message_id, before.message_id, "the id of the newest attempt stays");
        assert_eq!(undeliverable(&world, name).await.as_deref(), Some("bounced"));
    }
}

#[tokio::test]
async fn a_report_that_comes_again_does_not_mark_again_who_was_cleared() {
    let (world, id) = sent_to(1).await;
    let row = world.row(id, &world.email("p0")).await;
    world.reports([event_of("bounce", id, &row)]).await;
    assert!(
        world.store(PeopleStore::new).clear_undeliverable(row.recipient_id, &"ann".into(), clock::now()).await.unwrap()
    );
    world.reports([event_of("bounce", id, &row)]).await;
    assert_eq!(undeliverable(&world, "p0").await, None);
}

#[tokio::test]
async fn who_bounced_is_counted_and_shown_and_not_mailed() {
    let (world, first) = sent_to(2).await;
    let mut body = world.send_request("NORTH").await;
    body["includeRecentlyInvited"] = json!(true);
    body["expectedRecipients"] = json!(2);
    let second: CampaignId =
        world.post_campaign("key", &body).await.json()["campaignId"].as_str().unwrap().parse().unwrap();
    for message in world.receive("FAN_OUT_QUEUE_URL").await {
        assert!(world.invoke("FAN_OUT_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(60)).await);
        world.delete("FAN_OUT_QUEUE_URL", &message).await;
    }
    // The delivery to both is under way when the first e-mail comes back.
    world.reports([event_of("bounce", first, &world.row(first, &world.email("p0")).await)]).await;
    world.pump().await;
    let skipped = world.row(second, &world.email("p0")).await;
    assert_eq!((skipped.outcome, skipped.reason.as_deref()), (Outcome::Skipped, Some("undeliverable")));
    assert_eq!(world.row(second, &world.email("p1")).await.outcome, Outcome::Sent);
    assert_eq!(world.mails().len(), 3);
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["total"], &counts["excluded"]["undeliverable"]), (&json!(2), &json!(1)));
    let listed = world.get_json("/v1/recipients?division=NORTH&excluded=undeliverable").await;
    assert_eq!(listed["items"][0]["email"], world.email("p0"));
}

#[tokio::test]
async fn who_bounced_and_was_cleared_may_be_mailed_at_once_everywhere_and_nobody_else() {
    let (world, first) = sent_to(3).await;
    let id = |name: &str| {
        let email = world.email(name);
        let world = &world;
        async move { world.recipient("NORTH", &email).await.unwrap().recipient_id }
    };
    // One bounced, one complained, one only was mailed a moment ago.
    for (name, kind) in [("p0", "bounce"), ("p1", "complaint")] {
        world.reports([event_of(kind, first, &world.row(first, &world.email(name)).await)]).await;
        let path = format!("/v1/recipients/{}/undeliverable", id(name).await);
        assert_eq!(world.call(Call::new("DELETE", &path)).await.status, 204);
        assert_eq!(undeliverable(&world, name).await, None);
    }
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["willEmail"], &counts["excluded"]["recentlyInvited"]), (&json!(1), &json!(2)));
    let person = world.get_json(&format!("/v1/recipients/{}?division=NORTH", id("p0").await)).await;
    assert_eq!((&person["decision"]["willEmail"], &person["undeliverable"]), (&json!(true), &Value::Null));

    let second = world.send("NORTH").await;
    world.pump().await;
    assert_eq!(world.row(second, &world.email("p0")).await.outcome, Outcome::Sent);
    assert_eq!(world.mails().len(), 4);
    // The e-mail that left since did not bounce, so it counts as a recent invitation.
    assert_eq!(world.counts("division=NORTH").await["excluded"]["recentlyInvited"], 3);
    world.reports([event_of("bounce", second, &world.row(second, &world.email("p0")).await)]).await;
    assert_eq!(undeliverable(&world, "p0").await.as_deref(), Some("bounced"), "a new bounce counts anew");
}

#[tokio::test]
async fn an_older_email_that_bounced_does_not_void_the_newest() {
    let (world, first) = sent_to(1).await;
    let mut body = world.send_request("NORTH").await;
    (body["includeRecentlyInvited"], body["expectedRecipients"]) = (json!(true), json!(1));
    assert_eq!(world.post_campaign("key", &body).await.status, 202);
    world.pump().await;
    let row = world.row(first, &world.email("p0")).await;
    world.reports([event_of("bounce", first, &row)]).await;
    assert!(
        world.store(PeopleStore::new).clear_undeliverable(row.recipient_id, &"ann".into(), clock::now()).await.unwrap()
    );
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["willEmail"], &counts["excluded"]["recentlyInvited"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn both_forms_are_taken_up_in_an_envelope_and_without() {
    let (world, id) = sent_to(4).await;
    for (index, enveloped) in [false, true, false, true].into_iter().enumerate() {
        let email = world.email(format!("p{index}"));
        let row = world.row(id, &email).await;
        let report = match index {
            0 | 1 => event_of("bounce", id, &row),
            // The address as SES may give it back.
            _ => notification("bounce", &email.to_uppercase(), row.message_id.as_deref().unwrap()),
        };
        world.reports([if enveloped { in_envelope(&report) } else { report }]).await;
        assert_eq!(world.row(id, &email).await.standing, Some(Standing::Bounced), "{index}");
        assert_eq!(undeliverable(&world, &format!("p{index}")).await.as_deref(), Some("bounced"), "{index}");
    }
}

#[tokio::test]
async fn a_report_without_tags_waits_for_the_record_and_is_dropped_if_unknown() {
    let (world, id) = sent_to(1).await;
    let email = world.email("p0");
    let row = world.row(id, &email).await;
    let of_another = notification("bounce", &email, "of-another-system");
    world
        .reports([of_another.clone(), notification("bounce", "nobody@example.com", "x"), json!({"eventType": "Open"})])
        .await;
    assert_eq!(world.row(id, &email).await, row);
    // A second attempt is under way; the row still has the id of the first.
    world.set_attempt(id, &row, "claimed", 2).await;
    assert_eq!(world.feed(&[of_another.to_string()]).await, [0]);
    world.reports([notification("delivery", &email, row.message_id.as_deref().unwrap())]).await;
    assert_eq!(world.row(id, &email).await.outcome, Outcome::Claimed, "it was about the first");
}

#[tokio::test]
async fn a_body_that_cant_be_read_fails_alone() {
    let (world, id) = sent_to(2).await;
    let of = async |name: &str| event_of("bounce", id, &world.row(id, &world.email(name)).await).to_string();
    let batch = [of("p0").await, "garbage".to_owned(), "{}".to_owned(), of("p1").await];
    assert_eq!(world.feed(&batch).await, [1, 2]);
    assert_eq!(world.campaign(id).await["feedback"]["bounced"], 2);
}

/// A campaign that has a delivery left, and the events of this kind of all others, of whom there are more than `least`.
async fn with_a_delivery_left(kind: &str, least: usize) -> (World, CampaignId, Vec<Value>) {
    let world = World::with_people(30).await;
    let id = world.send("NORTH").await;
    for message in world.receive("FAN_OUT_QUEUE_URL").await {
        assert!(world.invoke("FAN_OUT_QUEUE_URL", &message, clock::now() + SignedDuration::from_secs(60)).await);
        world.delete("FAN_OUT_QUEUE_URL", &message).await;
    }
    let messages = world.receive("DELIVER_QUEUE_URL").await;
    for message in &messages[1..] {
        assert!(world.invoke("DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await);
        world.delete("DELIVER_QUEUE_URL", message).await;
    }
    let sent = world.ledger(id).await.into_iter().filter(|row| row.outcome == Outcome::Sent);
    let events: Vec<_> = sent.map(|row| event_of(kind, id, &row)).collect();
    assert!(events.len() > least, "{}", events.len());
    (world, id, events)
}

#[tokio::test]
async fn a_campaign_halts_for_bounces_and_after_a_resume_for_new_ones_only() {
    for (kind, most, reason) in [("bounce", 10, "bounces"), ("complaint", 5, "complaints")] {
        let (world, id, events) = with_a_delivery_left(kind, most).await;
        world.reports(events[..most].iter().cloned()).await;
        assert_eq!(world.campaign(id).await["state"], "sending", "{most} are not too many");
        world.reports([events[most].clone()]).await;
        let campaign = world.campaign(id).await;
        assert_eq!((&campaign["state"], &campaign["stateReason"]), (&json!("halted"), &json!(reason)));
        let resumed = world.campaigns.obey(id, Command::Resume(None), &"ann".into(), clock::now()).await.unwrap();
        assert!(matches!(resumed, Obeyed::Done(_)));
        world.reports(events[..=most].iter().cloned()).await;
        assert_eq!(world.campaign(id).await["state"], "preparing", "what a person took note of halts it no more");
    }
}

/// Mails everybody once more, and has SES report this of each; the reports may come twice.
async fn mailed_again(world: &World, reports: &[&str]) -> CampaignId {
    let mut request = world.send_request("NORTH").await;
    (request["includeRecentlyInvited"], request["expectedRecipients"]) = (json!(true), json!(reports.len()));
    let answer = world.post_campaign(&uuid::Uuid::new_v4().to_string(), &request).await;
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    world.pump().await;
    for (index, kind) in reports.iter().enumerate() {
        let row = world.row(id, &world.email(format!("p{index}"))).await;
        world.reports([event_of(kind, id, &row), event_of(kind, id, &row)]).await;
    }
    id
}

#[tokio::test]
async fn an_address_that_three_campaigns_were_refused_by_is_undeliverable() {
    let world = World::with_people(5).await;
    for reports in [
        ["refusal", "refusal", "undetermined", "softBounce", "refusal"],
        ["refusal", "delivery", "refusal", "refusal", "undetermined"],
        ["delay", "refusal", "softBounce", "refusal", "refusal"],
    ] {
        assert_eq!(undeliverable(&world, "p4").await, None);
        mailed_again(&world, &reports).await;
    }
    let marks = async || {
        let mut marks = Vec::new();
        for person in 0..5 {
            marks.push(undeliverable(&world, &format!("p{person}")).await.is_some());
        }
        marks
    };
    assert_eq!(marks().await, [false, false, false, false, true]);
    assert_eq!(undeliverable(&world, "p4").await.as_deref(), Some("bounced"));
    let id = mailed_again(&world, &["refusal"; 4]).await;
    assert_eq!(marks().await, [true, false, true, true, true]);
    assert_eq!(world.campaign(id).await["feedback"]["bounced"], 0, "they halt nothing");
    // A recipient who was cleared stays cleared when a report comes again.
    let p0 = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    world.call(Call::new("DELETE", &format!("/v1/recipients/{p0}/undeliverable"))).await;
    world.reports([event_of("refusal", id, &world.row(id, &world.email("p0")).await)]).await;
    assert_eq!(undeliverable(&world, "p0").await, None);
}

#[tokio::test]
async fn automatic_answers_of_people_who_are_away_halt_nothing() {
    let (world, id, events) = with_a_delivery_left("softBounce", 11).await;
    world.reports(events).await;
    assert_eq!(world.campaign(id).await["state"], "sending");
}

#[tokio::test]
async fn a_late_report_of_a_rejected_attempt_does_not_mark_the_retry_as_sent() {
    let (world, id) = sent_to(1).await;
    let email = world.email("p0");
    let rejected = world.row(id, &email).await;
    world.reports([event_of("reject", id, &rejected)]).await;
    let retry = Call::new("POST", &format!("/v1/campaigns/{id}/retry"));
    assert_eq!(world.call(retry).await.status, 200);
    world.write_ledger().await;
    world.reports([event_of("send", id, &rejected)]).await;
    assert_eq!(world.row(id, &email).await.outcome, Outcome::Queued);
    world.pump().await;
    let row = world.row(id, &email).await;
    assert_eq!((row.outcome, row.standing, world.mails().len()), (Outcome::Sent, None, 2));
    assert_eq!(world.campaign(id).await["outcomes"]["sent"], 1);
}

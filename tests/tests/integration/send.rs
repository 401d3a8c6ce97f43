//! `POST /v1/campaigns`: what starts, and what is refused with nothing written.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use portal_aws::campaigns::start::{Once, Started};
use portal_aws::clock;
use portal_aws::idempotency::{IdempotencyKeys, KEY_LIFETIME, RequestKey, Seen};
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, PortalStatus};
use serde_json::{Value, json};
use tests::http::Call;
use tests::{Account, Contact, World};

async fn assert_nothing_started(world: &World) {
    let list = world.call(Call::new("GET", "/v1/campaigns")).await.json();
    assert_eq!(list["items"], json!([]));
    assert!(world.campaigns.active().await.unwrap().is_empty());
    assert!(world.receive("FAN_OUT_QUEUE_URL").await.is_empty());
}

#[tokio::test]
async fn a_campaign_goes_from_counts_to_mails_to_its_end() {
    let world = World::with_people(20).await;
    world.accept("NORTH", &world.email("p0")).await;
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["total"], &counts["accepted"], &counts["willEmail"]), (&json!(20), &json!(1), &json!(19)));
    let id = world.send("NORTH").await;
    assert_eq!(world.campaign(id).await["state"], "preparing");
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!(campaign["state"], "completed");
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(19), &json!(19)));
    assert_eq!(campaign["createdBy"], "operator@example.com");
    assert!(campaign["completedAt"].is_string());
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["pending"], &counts["willEmail"]), (&json!(19), &json!(0)));
    assert_eq!(counts["excluded"]["recentlyInvited"], 19);
    for mail in world.mails() {
        assert!(!mail.subject.contains(mail.password()));
        assert_eq!(mail.to.len(), 1);
        let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
        assert_eq!(recipient.status, PortalStatus::Pending);
        assert!(recipient.digest.unwrap().verifies(mail.password()));
    }
}

#[tokio::test]
async fn a_repeated_key_answers_the_same_campaign_also_when_repeated_at_once() {
    let world = World::with_people(3).await;
    let body = world.send_request("NORTH").await;
    let answers = futures::future::join_all((0..6).map(|_| world.post_campaign("k", &body))).await;
    let mut ids: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 202, "{}", answer.text);
            answer.json()["campaignId"].as_str().unwrap().to_owned()
        })
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    world.pump().await;
    let again = world.post_campaign("k", &body).await;
    assert_eq!((again.status.as_u16(), again.json()["state"].clone()), (202, json!("completed")));
    assert_eq!(world.mails().len(), 3);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_before_anything_else() {
    let world = World::with_people(3).await;
    let body = world.send_request("NORTH").await;
    world.post_campaign("k", &body).await;
    let other = world.post_campaign("k", &json!({"completely": "wrong"})).await;
    assert_eq!((other.status.as_u16(), other.json()["type"].clone()), (422, json!("/problems/idempotency-key-reused")));
}

#[tokio::test]
async fn a_second_campaign_in_the_division_is_told_which_one_is_active() {
    let world = World::with_people(3).await;
    let id = world.send("NORTH").await;
    let busy = world.post_campaign("other", &world.send_request("NORTH").await).await;
    assert_eq!((busy.status.as_u16(), busy.json()["type"].clone()), (409, json!("/problems/division-busy")));
    assert_eq!(busy.json()["campaignId"], id.to_string());
    assert_eq!(busy.headers["retry-after"], "30");
    let detail = busy.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("Portal Invitation") && detail.contains("0 of 3 people") && !detail.contains(&id.to_string()),
        "{detail}"
    );
    // Load says so before anybody presses Send, for the whole division and for one person.
    let counts = world.counts("division=NORTH&billGroup=NONE").await;
    let person = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    let person = world.get_json(&format!("/v1/recipients/{person}?division=NORTH")).await;
    for active in [&counts["activeCampaign"], &person["activeCampaign"], &busy.json()["campaign"]] {
        assert_eq!((&active["campaignId"], &active["templateName"]), (&json!(id), &json!("Portal Invitation")));
        assert_eq!((&active["createdBy"], &active["state"]), (&json!("operator@example.com"), &json!("preparing")));
        assert!(active["outcomes"].is_object() && active["createdAt"].is_string(), "{active}");
    }
    world.pump().await;
    assert_eq!(world.counts("division=NORTH").await.get("activeCampaign"), None, "it has ended");
    assert_eq!(world.post_campaign("third", &world.send_request("NORTH").await).await.status, 202);
}

#[tokio::test]
async fn of_campaigns_started_at_once_in_one_division_one_wins() {
    let world = World::with_people(3).await;
    let body = world.send_request("NORTH").await;
    let keys = ["a", "b", "c", "d", "e", "f"];
    let answers = futures::future::join_all(keys.map(|key| world.post_campaign(key, &body))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409, 409, 409, 409]);
    world.pump().await;
    assert_eq!(world.mails().len(), 3);
}

#[tokio::test]
async fn a_drifted_expectation_is_refused_with_the_new_counts() {
    let world = World::with_people(12).await;
    for expected in [11, 14, 0] {
        let mut body = world.send_request("NORTH").await;
        body["expectedRecipients"] = json!(expected);
        let answer = world.post_campaign(&format!("k{expected}"), &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["type"].clone()), (409, json!("/problems/drift")));
        assert_eq!(answer.json()["counts"]["willEmail"], 12);
    }
    assert_nothing_started(&world).await;
    let mut body = world.send_request("NORTH").await;
    body["expectedRecipients"] = json!(13);
    assert_eq!(world.post_campaign("k13", &body).await.status, 202, "12 of 13 is within 10 %");
}

#[tokio::test]
async fn bad_requests_are_refused_field_by_field_and_write_nothing() {
    let world = World::with_people(2).await;
    let good = world.send_request("NORTH").await;
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let table = [
        (with("filter", json!({"division": "NOWHERE"})), vec!["filter.division"]),
        (with("filter", json!({"division": "NORTH", "colour": "red"})), vec!["filter.colour"]),
        (with("filter", json!({})), vec!["filter.division"]),
        (with("templateId", json!("nonsense")), vec!["templateId"]),
        (with("expectedRecipients", json!(-1)), vec!["expectedRecipients"]),
        (with("expectedRecipients", json!("2")), vec!["expectedRecipients"]),
        (with("emailFrom", json!("a@example.com\r\nBcc: x@example.com")), vec!["emailFrom"]),
        (with("emailFrom", json!("nobody")), vec!["emailFrom"]),
        (with("recipientId", json!("8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11")), vec!["recipientId"]),
        (json!([]), vec!["body"]),
        (json!({}), vec!["emailFrom", "expectedRecipients", "filter", "templateId"]),
    ];
    for (body, fields) in table {
        let answer = world.post_campaign("k", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert_eq!(answer.faulty_fields(), fields, "{body}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let unverified = world.post_campaign("k", &with("emailFrom", json!("x@not-verified.example"))).await;
    assert_eq!(
        (unverified.status.as_u16(), unverified.json()["type"].clone()),
        (422, json!("/problems/sender-refused"))
    );
    let keyless = world.call(Call::new("POST", "/v1/campaigns").json(&good)).await;
    assert_eq!((keyless.status.as_u16(), keyless.faulty_fields()), (400, vec!["Idempotency-Key".to_owned()]));
    let text = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").body("text/plain", "x");
    assert_eq!(world.call(text).await.status, 415);
    let long = world.post_campaign("k", &with("templateId", json!("x".repeat(64 * 1024)))).await;
    assert_eq!(long.status, 413);
    let broken =
        Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").body("application/json", "{\n\"a\":");
    let broken = world.call(broken).await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.contains("line 2"), "{}", broken.text);
    assert_nothing_started(&world).await;
}

#[tokio::test]
async fn a_division_with_a_list_of_senders_sends_as_no_one_else() {
    let world = World::with_people(1).await;
    let division = json!({
        "name": "North", "email": "success+north@simulator.amazonses.com", "timeZone": "America/New_York",
        "portalUrl": "https://portal.example.com", "senders": ["success+north@simulator.amazonses.com"],
    });
    world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&division)).await;
    let mut body = world.send_request("NORTH").await;
    let refused = world.post_campaign("k", &body).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].clone()), (422, json!("/problems/sender-refused")));
    body["emailFrom"] = json!("Success+North@simulator.amazonses.com");
    assert_eq!(world.post_campaign("k", &body).await.status, 202);
}

#[tokio::test]
async fn a_campaign_with_nobody_to_send_to_ends_at_once_and_leaves_the_lock_free() {
    let world = World::with_people(1).await;
    world.accept("NORTH", &world.email("p0")).await;
    let answer = world.post_campaign("k", &world.send_request("NORTH").await).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].clone()), (202, json!("completed")));
    assert!(world.campaigns.active().await.unwrap().is_empty());
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.campaign(id).await["audience"], 0);
}

#[tokio::test]
async fn who_was_invited_today_is_left_out_unless_the_request_says_so() {
    let world = World::with_people(2).await;
    world.send("NORTH").await;
    world.pump().await;
    let mut body = world.send_request("NORTH").await;
    assert_eq!(body["expectedRecipients"], 0);
    body["includeRecentlyInvited"] = json!(true);
    body["expectedRecipients"] = json!(2);
    let answer = world.post_campaign("k", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.pump().await;
    let mails = world.mails();
    assert_eq!(mails.len(), 4);
    let newest = &mails[3];
    let recipient = world.recipient("NORTH", &newest.to[0]).await.unwrap();
    assert!(recipient.digest.unwrap().verifies(newest.password()), "the newest password is the one that works");
}

/// Guarantee 6, with somebody for every reason not to be mailed.
#[tokio::test]
async fn load_send_fan_out_and_delivery_mean_the_same_people_by_a_filter() {
    let world = World::new().await;
    let groups = ["ODD", "ODD", "ODD", "EVEN", "ODD", "ODD", "ODD"];
    let accounts = groups.iter().enumerate().map(|(i, group)| {
        let contact = Contact::new("1", &world.email(format!("p{i}")));
        Account::new("NORTH", &format!("A{i}")).with("billGroup", *group).contact(contact)
    });
    world.import(accounts).await;
    world.accept("NORTH", &world.email("p4")).await;
    world.bounce(&world.email("p5")).await;
    world.invited_now(&world.email("p6")).await;
    let counts = world.counts("division=NORTH&billGroup=ODD").await;
    let excluded = json!({"recentlyInvited": 1, "undeliverable": 1});
    assert_eq!((&counts["total"], &counts["willEmail"], &counts["excluded"]), (&json!(6), &json!(3), &excluded));
    let mut body = world.send_request("NORTH").await;
    body["filter"]["billGroup"] = json!("ODD");
    body["expectedRecipients"] = counts["willEmail"].clone();
    let answer = world.post_campaign("k", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.pump().await;
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["audience"]), (&json!("completed"), &json!(3)));
    assert_eq!((&campaign["outcomes"]["sent"], &campaign["excluded"]), (&json!(3), &excluded));
    let mailed: BTreeSet<_> = world.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(mailed, (0..3).map(|i| world.email(format!("p{i}"))).collect());
}

/// Guarantee 7.
#[tokio::test]
async fn an_idempotency_key_is_its_callers_own_and_kept_for_seven_days() {
    let world = World::with_people(1).await;
    let body = world.send_request("NORTH").await;
    let post =
        |sub: &str| Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").json(&body).claim("sub", sub);
    let first = world.call(post("ann")).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let other = world.call(post("bob")).await;
    assert_eq!((other.status.as_u16(), other.json()["type"].clone()), (409, json!("/problems/division-busy")));
    world.pump().await;

    let id = first.json()["campaignId"].as_str().unwrap().parse().unwrap();
    let campaign = world.campaigns.campaign(id).await.unwrap().unwrap();
    let request = RequestKey { caller: "ann", key: "k", body_hash: "of another body" };
    let minute = SignedDuration::from_mins(1);
    let (kept, forgotten) = (campaign.created_at + KEY_LIFETIME - minute, campaign.created_at + KEY_LIFETIME + minute);
    assert_eq!(KEY_LIFETIME, SignedDuration::from_hours(168));
    let keys = world.store(IdempotencyKeys::new);
    assert_eq!(keys.seen(request, kept).await.unwrap(), Seen::OtherBody);
    assert_eq!(keys.seen(request, forgotten).await.unwrap(), Seen::No);
    for (created_at, started) in [(kept, Started::Before), (forgotten, Started::Now)] {
        let later = Campaign { campaign_id: clock::new_campaign_id(created_at), created_at, ..campaign.clone() };
        assert_eq!(world.campaigns.start(&later, Excluded::default(), Once::Request(request)).await.unwrap(), started);
    }
}

#[tokio::test]
async fn one_named_recipient_can_be_invited_alone() {
    let world = World::with_people(5).await;
    let recipient = world.recipient("NORTH", &world.email("p3")).await.unwrap();
    let mut body = world.send_request("NORTH").await;
    body["recipientId"] = json!(recipient.recipient_id);
    body.as_object_mut().unwrap().remove("expectedRecipients");
    let answer = world.post_campaign("k", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.pump().await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [world.email("p3")]);
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["audience"], &campaign["state"]), (&json!(1), &json!("completed")));
}

#[tokio::test]
async fn without_permission_390_nothing_is_told_and_nothing_starts() {
    let world = World::with_people(1).await;
    let body = world.send_request("NORTH").await;
    let call = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "k").json(&body);
    assert_eq!(world.call(call.clone().claim("cognito:groups", "directory")).await.status, 403);
    assert_eq!(world.call(call.clone().claim("cognito:groups", "3901,x390")).await.status, 403);
    assert_eq!(world.call(call.claim("token_use", "access")).await.status, 401);
    for path in ["/v1/counts?division=NORTH", "/v1/recipients?division=NORTH", "/v1/filters", "/v1/campaigns"] {
        assert_eq!(world.call(Call::new("GET", path).claim("cognito:groups", "directory")).await.status, 403, "{path}");
    }
    assert_nothing_started(&world).await;
}

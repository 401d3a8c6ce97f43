//! Customers who ask for a new e-mail themselves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::active::SELF_SERVICE;
use portal_aws::clock;
use portal_aws::table::s;
use portal_domain::{CampaignId, Outcome, PortalStatus};
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::cloud::CAMPAIGNS;
use tests::http::Call;
use tests::ses::event;
use tests::world::SENDER;
use tests::{Account, Contact, World};

/// A world in which `p0`, `p1`, … were invited.
pub(crate) async fn invited(people: usize) -> World {
    let world = World::with_people(people).await;
    world.send("NORTH").await;
    world.pump().await;
    world
}

/// An operator invites these people once more, which they can renew once more.
async fn invite_again(world: &World, people: u32) {
    let mut request = world.send_request("NORTH").await;
    (request["includeRecentlyInvited"], request["expectedRecipients"]) = (json!(true), json!(people));
    assert_eq!(world.post_campaign(&uuid::Uuid::new_v4().to_string(), &request).await.status, 202);
    world.pump().await;
}

/// The self-service campaigns of `NORTH`, the newest first.
async fn self_service(world: &World) -> Vec<Value> {
    let listed = world.call(Call::new("GET", "/v1/campaigns?division=NORTH")).await.json();
    let campaigns = listed["items"].as_array().unwrap().iter();
    campaigns.filter(|campaign| campaign["selfService"].is_object()).cloned().collect()
}

fn id_of(campaign: &Value) -> CampaignId {
    campaign["campaignId"].as_str().unwrap().parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Longer than a day in which others may join.
const NEXT_DAY: Duration = Duration::from_secs(30 * 3_600);

#[tokio::test]
async fn everybody_is_answered_the_same_and_only_who_is_pending_gets_an_e_mail() {
    let world = invited(3).await;
    world.accept("NORTH", &world.email("p1")).await;
    world.bounce(&world.email("p2")).await;
    let fresh = Contact::new("1", &world.email("fresh"));
    let imported = Contact::new("1", &world.email("imported")).with("portal", "pending");
    world.import([Account::new("NORTH", "F").contact(fresh), Account::new("NORTH", "I").contact(imported)]).await;
    let mut answers = Vec::new();
    for who in ["p0", "p1", "p2", "fresh", "imported", "nobody"] {
        answers.push(world.ask_again("NORTH", &world.email(who)).await);
    }
    answers.push(world.ask_again("NOWHERE", &world.email("p0")).await);
    assert_eq!((answers[0].status.as_u16(), answers[0].text.as_str()), (202, ""));
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.text, &answer.headers),
            (answers[0].status, &answers[0].text, &answers[0].headers)
        );
    }
    world.pump().await;
    assert_eq!(world.mails().len(), 5);
    assert_eq!(world.passwords(&world.email("p0")).len(), 2);
    assert_eq!(world.passwords(&world.email("imported")).len(), 1);
    for faulty in [json!({"division": "NORTH", "email": "x"}), json!({"email": world.email("p0")}), json!([])] {
        let call = Call::new("POST", "/v1/activations/resend").public().json(&faulty);
        assert_eq!(world.call(call).await.status, 400, "{faulty}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_e_mail_speaks_of_earlier_passwords_only_where_they_ended() {
    with_clock(async |watch| {
        let world = invited(2).await;
        let [p0, p1] = ["p0", "p1"].map(|person| world.email(person));
        world.ask_again("NORTH", &p0).await;
        world.pump().await;
        invite_again(&world, 2).await;
        watch.put_ahead(hours(8 * 24));
        invite_again(&world, 2).await;
        world.ask_again("NORTH", &p1).await;
        world.pump().await;
        // First invited, asked for one beside it, invited again, and again after the last one had expired.
        assert_eq!(speaks_of_earlier_passwords(&world, &p0), [false, false, true, true]);
        assert_eq!(speaks_of_earlier_passwords(&world, &p1), [false, true, true, false]);
        // The preview shows what an operator's campaign would mail.
        let invited = world.recipient("NORTH", &p0).await.unwrap().recipient_id;
        for (recipient, speaks) in [(json!(invited), true), (Value::Null, false)] {
            let audience = json!({"division": "NORTH", "recipientId": recipient});
            let preview = Call::new("POST", "/v1/templates/portal-invitation/preview").json(&audience);
            let preview = world.call(preview).await.json();
            assert_eq!(preview["text"].as_str().unwrap().contains(EARLIER_ENDED), speaks);
        }
    })
    .await;
}

const EARLIER_ENDED: &str = "Passwords that we mailed to you earlier no longer work.";

/// Of each e-mail to somebody, whether it says so, in both bodies.
fn speaks_of_earlier_passwords(world: &World, email: &str) -> Vec<bool> {
    let mails = world.mails().into_iter().filter(|mail| mail.to == [email]);
    let says = |body: &str| body.contains(EARLIER_ENDED);
    let each = mails.map(|mail| {
        assert_eq!(says(&mail.text), says(&mail.html));
        says(&mail.text)
    });
    each.collect()
}

/// Guarantee 5.
#[tokio::test]
async fn a_new_e_mail_breaks_none_that_somebody_has_and_an_operators_does() {
    let world = invited(2).await;
    for person in ["p0", "p1"] {
        world.ask_again("NORTH", &world.email(person)).await;
    }
    world.pump().await;
    let p0 = world.email("p0");
    let passwords = world.passwords(&p0);
    let recipient = world.recipient("NORTH", &p0).await.unwrap();
    assert_eq!((passwords.len(), recipient.earlier.len(), recipient.status), (2, 1, PortalStatus::Pending));
    for password in &passwords {
        assert!(recipient.passwords().iter().any(|kept| kept.digest.verifies(password)));
    }
    assert_eq!(world.activate(&p0, &passwords[0]).await.status, 204, "the first of all");
    for password in &passwords {
        assert_eq!(world.activate(&p0, password).await.status, 403, "and with it all are spent");
    }

    invite_again(&world, 1).await;
    let p1 = world.email("p1");
    let passwords = world.passwords(&p1);
    let recipient = world.recipient("NORTH", &p1).await.unwrap();
    let (newest, earlier) = passwords.split_last().unwrap();
    assert!(recipient.digest.unwrap().verifies(newest) && recipient.earlier.is_empty());
    for password in earlier {
        assert_eq!(world.activate(&p1, password).await.status, 403, "of before the operator's");
    }
    assert_eq!(world.activate(&p1, newest).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_password_holds_until_it_expires_and_no_longer() {
    with_clock(async |watch| {
        let world = invited(1).await;
        let email = world.email("p0");
        let first = world.passwords(&email).remove(0);
        world.set(&email, "expiresAt", &(clock::now() + SignedDuration::from_secs(4)).to_string()).await;
        world.ask_again("NORTH", &email).await;
        world.pump().await;
        assert_eq!(world.recipient("NORTH", &email).await.unwrap().earlier.len(), 1);
        watch.put_ahead(SignedDuration::from_secs(4));
        assert_eq!(world.activate(&email, &first).await.status, 403);
        assert_eq!(world.activate(&email, &world.passwords(&email)[1]).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn each_invitation_is_renewed_once_for_life() {
    let world = invited(1).await;
    let imported = Contact::new("1", &world.email("imported")).with("portal", "pending");
    world.import([Account::new("NORTH", "I").contact(imported)]).await;
    let [p0, imported] = ["p0", "imported"].map(|person| world.email(person));
    let asks = async |days: i64| {
        for email in [&p0, &imported] {
            world.resend_at("NORTH", email, clock::now() + hours(24 * days)).await;
        }
        world.pump().await;
        (world.passwords(&p0).len(), world.passwords(&imported).len())
    };
    assert_eq!(asks(0).await, (2, 1), "also who is pending because an import said so");
    for days in [1, 7, 400] {
        assert_eq!(asks(days).await, (2, 1), "after {days} days");
    }
    invite_again(&world, 2).await;
    assert_eq!(asks(401).await, (4, 3), "an operator's e-mail, and what renews it");
    assert_eq!(asks(402).await, (4, 3));
}

#[tokio::test]
async fn one_in_an_hour_and_three_in_a_day_however_often_an_operator_invites() {
    let world = invited(1).await;
    let email = world.email("p0");
    // Noon in the division, so that all is on one day.
    let noon: Timestamp = "2027-03-01T12:00:00-05:00".parse().unwrap();
    let mut mails = 1;
    for (minutes, mailed) in
        [(0, true), (59, false), (60, true), (90, false), (120, true), (180, false), (24 * 60 - 1, false)]
    {
        invite_again(&world, 1).await;
        world.resend_at("NORTH", &email, noon + SignedDuration::from_mins(minutes)).await;
        world.pump().await;
        mails += 1 + usize::from(mailed);
        assert_eq!(world.mails().len(), mails, "after {minutes} minutes");
    }
    world.resend_at("NORTH", &email, noon + hours(24)).await;
    world.pump().await;
    assert_eq!(world.mails().len(), mails + 1, "a day after the first");
    let rounds: Vec<_> = self_service(&world).await.iter().map(|campaign| campaign["selfService"].clone()).collect();
    let rounds: Vec<_> =
        rounds.iter().map(|which| (which["day"].as_str().unwrap(), which["round"].as_u64().unwrap())).collect();
    assert_eq!(rounds, [("2027-03-02", 1), ("2027-03-01", 3), ("2027-03-01", 2), ("2027-03-01", 1)]);
}

#[tokio::test]
async fn who_asks_again_while_the_first_e_mail_waits_is_granted_no_second() {
    let world = invited(1).await;
    let email = world.email("p0");
    let now = clock::now();
    let command = async |what: &str| {
        for campaign in self_service(&world).await {
            world.call(Call::new("POST", &format!("/v1/campaigns/{}/{what}", id_of(&campaign)))).await;
        }
    };
    for ago in [3, 2, 1] {
        world.resend_at("NORTH", &email, now - hours(ago)).await;
        command("pause").await;
    }
    world.pump().await;
    let [campaign] = &self_service(&world).await[..] else { panic!("one campaign") };
    assert_eq!((&campaign["audience"], world.mails().len()), (&json!(1), 1), "it waits");
    invite_again(&world, 1).await;
    world.resend_at("NORTH", &email, now).await;
    command("resume").await;
    world.pump().await;
    assert_eq!(world.mails().len(), 3, "the operator's, and the one that was asked for");
}

#[tokio::test]
async fn what_surely_did_not_leave_can_be_asked_for_again_and_is_sent_once() {
    let world = invited(1).await;
    let email = world.email("p0");
    world.resend_at("NORTH", &email, clock::now() - hours(30)).await;
    world.pump_with(&world.refused_deliver()).await;
    let first = id_of(&self_service(&world).await[0]);
    world.sweep_after(NEXT_DAY).await;
    // An hour counts from the e-mail on, also if SES refused it.
    world.resend_at("NORTH", &email, clock::now() + hours(2)).await;
    let second = id_of(&self_service(&world).await[0]);
    assert_ne!(first, second);
    assert_eq!(world.call(Call::new("POST", &format!("/v1/campaigns/{first}/retry"))).await.status, 200);
    world.pump().await;
    assert_eq!(world.passwords(&email).len(), 2, "the invitation, and one of the two that would renew it");
    let mut rows = Vec::new();
    for campaign in [first, second] {
        rows.extend(world.ledger(campaign).await.into_iter().map(|row| (row.outcome, row.reason)));
    }
    rows.sort_unstable_by_key(|(outcome, _)| *outcome == Outcome::Skipped);
    assert_eq!(rows, [(Outcome::Sent, None), (Outcome::Skipped, Some("recentlyInvited".to_owned()))]);
    world.resend_at("NORTH", &email, clock::now() + hours(48)).await;
    world.pump().await;
    assert_eq!(world.passwords(&email).len(), 2);
}

#[tokio::test]
async fn those_who_ask_share_a_campaign_that_takes_no_lock_and_ends_with_its_day() {
    let world = invited(3).await;
    for person in ["p0", "p1"] {
        world.ask_again("NORTH", &world.email(person)).await;
        world.pump().await;
    }
    let [campaign] = &self_service(&world).await[..] else { panic!("one campaign") };
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(2), &json!(2)));
    assert_eq!((&campaign["state"], &campaign["createdBy"]), (&json!("sending"), &json!("system")));
    let id = id_of(campaign);
    let mut request = world.send_request("NORTH").await;
    (request["includeRecentlyInvited"], request["expectedRecipients"]) = (json!(true), json!(3));
    assert_eq!(world.post_campaign("meanwhile", &request).await.status, 202, "it holds no lock");
    world.pump().await;
    world.sweep_after(Duration::from_secs(600)).await;
    assert_eq!(world.campaign(id).await["state"], "sending", "others may join");
    world.notices();
    world.sweep_after(NEXT_DAY).await;
    let ended = world.campaign(id).await;
    assert_eq!((&ended["state"], ended["completedAt"].is_string()), (&json!("completed"), true));
    assert_eq!(
        world.sweep_after(NEXT_DAY).await.active,
        1,
        "it is looked after once more, and then taken off the list"
    );
    assert_eq!(world.sweep_after(NEXT_DAY).await.active, 0);
    assert!(world.notices().is_empty(), "that a day is over is no news");
}

#[tokio::test]
async fn an_e_mail_asked_for_looks_like_the_one_before() {
    let world = World::with_people(1).await;
    let template = json!({"name": "Ours", "subject": "Welcome again", "html": "<p>{{temporaryPassword}}</p><p><a href=\"{{activationLink}}\">Go</a></p>",
        "text": "{{temporaryPassword}}\n{{activationLink}}\n"});
    let made = world.call(Call::new("POST", "/v1/templates").json(&template)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let template_id = made.json()["templateId"].clone();
    let mut body = world.send_request("NORTH").await;
    body["templateId"] = template_id.clone();
    assert_eq!(world.post_campaign("ours", &body).await.status, 202);
    world.pump().await;
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump().await;
    let mails = world.mails();
    assert_eq!(mails.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["Welcome again", "Welcome again"]);
    let [campaign] = &self_service(&world).await[..] else { panic!("one campaign") };
    assert_eq!(campaign["templateId"], template_id);
}

#[tokio::test]
async fn who_sends_is_on_the_divisions_list_and_verified() {
    let world = World::with_people(2).await;
    let first = world.send_refused("NORTH").await;
    world.pump().await;
    world.cloud().ses.unverify(&world.email("sender"));
    let contact = |person: &str| Contact::new("2", &world.email(person)).with("portal", "pending");
    world.import([world.account_of(0).contact(contact("p0")), world.account_of(1).contact(contact("p1"))]).await;
    // The sender of the campaign before is verified no longer.
    world.set(&world.email("p0"), "lastCampaignId", &first.to_string()).await;
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump().await;
    assert_eq!(self_service(&world).await[0]["emailFrom"], SENDER);
    assert_eq!(world.passwords(&world.email("p0")).len(), 1);

    // Another day, and a list that the division's own address is not on.
    let listed = "success+listed@simulator.amazonses.com";
    let body = json!({"name": "North", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com",
        "senders": [listed]});
    assert!(world.call(Call::new("PUT", "/v1/divisions/NORTH").json(&body)).await.status.is_success());
    world.resend_at("NORTH", &world.email("p1"), clock::now() + hours(48)).await;
    assert_eq!(self_service(&world).await[0]["emailFrom"], listed);
}

#[tokio::test]
async fn what_ses_rejects_later_leaves_all_passwords_and_can_be_asked_for_again() {
    let world = invited(1).await;
    let email = world.email("p0");
    let before = world.recipient("NORTH", &email).await.unwrap();
    let noon: Timestamp = "2027-03-01T12:00:00-05:00".parse().unwrap();
    world.resend_at("NORTH", &email, noon).await;
    world.pump().await;
    let campaign = id_of(&self_service(&world).await[0]);
    world.reports([event("reject", campaign, before.recipient_id, 1, "0100-example")]).await;
    let after = world.recipient("NORTH", &email).await.unwrap();
    assert_eq!((after.earlier.len(), &after.digest), (0, &before.digest));
    let passwords = world.passwords(&email);
    assert_eq!(passwords.len(), 2);
    assert!(
        !after.passwords().iter().any(|kept| kept.digest.verifies(&passwords[1])),
        "the rejected one opens nothing"
    );
    world.resend_at("NORTH", &email, noon + hours(2)).await;
    world.pump().await;
    assert_eq!(world.passwords(&email).len(), 3);
}

#[tokio::test]
async fn an_operator_can_pause_and_cancel_the_campaign_of_the_day() {
    let world = invited(3).await;
    let [p0, p1, p2] = ["p0", "p1", "p2"].map(|person| world.email(person));
    world.ask_again("NORTH", &p0).await;
    world.pump().await;
    let id = id_of(&self_service(&world).await[0]);
    let command = |what: &str| world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{what}")));
    assert_eq!(command("pause").await.status, 200);
    world.ask_again("NORTH", &p1).await;
    world.pump().await;
    assert_eq!(world.passwords(&p1).len(), 1, "waits");
    assert_eq!(world.campaign(id).await["outcomes"]["queued"], 1);
    assert_eq!(command("resume").await.status, 200);
    world.pump().await;
    assert_eq!(world.passwords(&p1).len(), 2, "and goes on");
    assert_eq!(command("cancel").await.status, 200);
    world.pump().await;
    world.ask_again("NORTH", &p2).await;
    world.pump().await;
    assert_eq!(world.passwords(&p2).len(), 1, "no more on this day");
    let ended = world.campaign(id).await;
    assert_eq!((&ended["state"], ended["completedAt"].is_string()), (&json!("cancelled"), true));
    assert_eq!(self_service(&world).await.len(), 1);
}

#[tokio::test]
async fn what_ses_refused_can_be_retried_after_the_day_too() {
    let world = invited(1).await;
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump_with(&world.refused_deliver()).await;
    let id = id_of(&self_service(&world).await[0]);
    assert_eq!(world.campaign(id).await["outcomes"]["failed"], 1);
    world.sweep_after(NEXT_DAY).await;
    world.sweep_after(NEXT_DAY).await;
    assert_eq!(world.campaign(id).await["state"], "completed");
    assert_eq!(world.call(Call::new("POST", &format!("/v1/campaigns/{id}/retry"))).await.status, 200);
    assert_eq!(world.sweep_after(NEXT_DAY).await.active, 1, "it is looked after again");
    world.pump().await;
    world.sweep_after(NEXT_DAY).await;
    let ended = world.campaign(id).await;
    assert_eq!((&ended["state"], &ended["outcomes"]["sent"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn a_withdrawn_invitation_is_not_sent_again_by_asking() {
    let world = invited(1).await;
    let email = world.email("p0");
    world.ask_again("NORTH", &email).await;
    let [message] = &world.receive("RESEND_QUEUE_URL").await[..] else { panic!("one message") };
    world.work("RESEND_QUEUE_URL", message).await;
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id;
    let withdraw = Call::new("POST", &format!("/v1/recipients/{id}/withdraw")).json(&json!({"reason": "moved away"}));
    assert_eq!(world.call(withdraw).await.status, 204);
    world.pump().await;
    assert_eq!(world.passwords(&email).len(), 1);
    let campaign = self_service(&world).await.remove(0);
    assert_eq!(campaign["outcomes"]["skipped"], 1);
    assert_eq!(world.ledger(id_of(&campaign)).await[0].reason.as_deref(), Some("noLongerSelected"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_fails_by_itself() {
    let world = invited(1).await;
    for poison in ["{}", "ann@example.com", r#"{"division":"NORTH","email":1}"#] {
        world.enqueue("RESEND_QUEUE_URL", poison).await;
        let message = world.receive("RESEND_QUEUE_URL").await.remove(0);
        assert!(!world.invoke("RESEND_QUEUE_URL", &message, clock::now() + hours(1)).await, "{poison}");
        world.delete("RESEND_QUEUE_URL", &message).await;
    }
    assert!(self_service(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_and_twice_get_one_e_mail_each_of_one_campaign() {
    let world = invited(12).await;
    let asks = (0..24).map(|i| {
        let (world, email) = (&world, world.email(format!("p{}", i % 12)));
        async move { world.resend_at("NORTH", &email, clock::now()).await }
    });
    futures::future::join_all(asks).await;
    world.pump().await;
    assert_eq!(world.mails().len(), 24);
    for person in 0..12 {
        assert_eq!(world.passwords(&world.email(format!("p{person}"))).len(), 2, "p{person}");
    }
    let [campaign] = &self_service(&world).await[..] else { panic!("one campaign") };
    assert_eq!((&campaign["audience"], &campaign["outcomes"]["sent"]), (&json!(12), &json!(12)));
    let pointers = world
        .dynamo
        .query()
        .table_name(CAMPAIGNS)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", s(SELF_SERVICE))
        .send()
        .await
        .unwrap();
    assert_eq!(pointers.count, 1);
}

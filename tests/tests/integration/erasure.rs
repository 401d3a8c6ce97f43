//! A person is erased on request: nothing of them is left, and they do not come back by themselves.

use std::time::Duration;

use jiff::SignedDuration;
use portal_domain::{CampaignId, Outcome};
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::cloud::{AUDIT, CAMPAIGNS, DIRECTORY};
use tests::http::{Answer, Call};
use tests::{Account, Contact, World};

/// A name that nobody else has.
const NAME: &str = "Zenobia Quist";

async fn erase(world: &World, id: impl std::fmt::Display) -> Answer {
    let call = Call::new("POST", &format!("/v1/recipients/{id}/erase"));
    world.call(call.json(&json!({"reason": "asked on the phone"}))).await
}

async fn readmit(world: &World, email: &str) -> Answer {
    let call = Call::new("POST", "/v1/divisions/NORTH/readmit");
    world.call(call.json(&json!({"email": email, "reason": "is a customer again"}))).await
}

async fn id_of(world: &World, email: &str) -> String {
    world.recipient("NORTH", email).await.unwrap().recipient_id.to_string()
}

/// The items of all tables that hold one of these texts.
async fn holding(world: &World, texts: &[&str]) -> Vec<String> {
    let cloud = world.cloud();
    let items = [DIRECTORY, CAMPAIGNS, AUDIT].into_iter().flat_map(|table| cloud.tables.all(table));
    let holds = |text: &str| texts.iter().any(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()));
    items.filter(|(_, item)| holds(&item.to_json())).map(|(name, _)| format!("{} {}", name.pk, name.sk)).collect()
}

/// Ann, who is on two accounts, one of them with Bob.
async fn world_with_ann() -> (World, String) {
    let world = World::new().await;
    let (ann, bob) = (world.email("ann"), world.email("bob"));
    world.import(accounts_of(&ann, &bob)).await;
    (world, ann)
}

fn accounts_of(ann: &str, bob: &str) -> [Account; 2] {
    [
        Account::new("NORTH", "A1").contact(Contact::new("1", ann).with("name", NAME)),
        Account::new("NORTH", "A2")
            .contact(Contact::new("1", ann).with("name", NAME))
            .contact(Contact::new("2", bob).with("name", "Bob")),
    ]
}

#[tokio::test(start_paused = true)]
async fn whoever_is_erased_is_in_no_table_and_every_number_still_adds_up() {
    with_clock(async |clock| {
        let (world, ann) = world_with_ann().await;
        let campaign = world.send("NORTH").await;
        world.pump().await;
        let password = world.passwords(&ann).remove(0);
        assert_eq!(world.activate(&ann, &password).await.status, 204);
        let id = id_of(&world, &ann).await;
        let set_back = Call::new("POST", &format!("/v1/recipients/{id}/set-back"));
        assert_eq!(world.call(set_back.json(&json!({"reason": format!("{NAME} called")}))).await.status, 204);

        let answer = erase(&world, &id).await;
        let expected = json!({"recipientId": id, "division": "NORTH", "state": "erased", "accountCount": 2, "accounts": 2,
            "ledgerRows": 1, "trailEntries": 2});
        let mut said = answer.json();
        assert!(said.as_object_mut().unwrap().remove("kept").is_some_and(|kept| kept.as_str().unwrap().contains("hash")));
        assert_eq!((answer.status.as_u16(), said), (200, expected));
        assert_eq!(holding(&world, &[&ann, NAME, &password]).await, Vec::<String>::new());
        let rows = world.ledger(campaign).await;
        let row = rows.iter().find(|row| row.recipient_id.to_string() == id).unwrap();
        assert_eq!((row.outcome, &row.digest, &row.prior_state, &row.message_id), (Outcome::Sent, &None, &None, &None));
        assert_eq!(world.campaign(campaign).await["outcomes"]["sent"], 2);
        let counts = world.counts("division=NORTH").await;
        assert_eq!((&counts["total"], &counts["unreachable"]), (&json!(1), &json!(2)));
        let unreachable = world.list("/v1/unreachable?division=NORTH").await;
        assert!(unreachable.iter().all(|row| row["reason"] == "erased" && row["name"] == ""), "{unreachable:?}");
        for path in [format!("/v1/recipients/{id}?division=NORTH"), format!("/v1/recipients/{id}/data")] {
            assert_eq!(world.call(Call::new("GET", &path)).await.status, 404);
        }
        world.sweep_after(Duration::from_secs(30)).await;
        let told: Vec<_> = world.told().into_iter().map(|(kind, _)| kind).filter(|kind| kind.contains("erased")).collect();
        assert_eq!(told, ["portal.recipient.erased"]);
        // The last look of the sweep.
        clock.put_ahead(SignedDuration::from_mins(20));
        assert_eq!(world.sweep.run(portal_aws::clock::now()).await.unwrap().erased, 1);
        assert_eq!(world.sweep.run(portal_aws::clock::now()).await.unwrap().erased, 0);
    })
    .await;
}

#[tokio::test]
async fn an_import_does_not_bring_them_back_in_any_spelling_and_says_so() {
    let (world, ann) = world_with_ann().await;
    let id = id_of(&world, &ann).await;
    assert_eq!(erase(&world, &id).await.status, 200);
    let spelled = format!(" {} ", ann.to_uppercase());
    let posted: Vec<_> = accounts_of(&spelled, &world.email("bob")).into_iter().map(|account| account.0).collect();
    for _ in 0..2 {
        let answer = world.call(Call::new("POST", "/v1/accounts").json(&json!(posted))).await.json();
        assert_eq!(answer["stored"], 2);
        let warning = json!([{"field": "contacts", "message": "contact 1: the person with this e-mail address was erased on request; it is stored without address and name"}]);
        assert_eq!((&answer["results"][0]["warnings"], &answer["results"][1]["warnings"]), (&warning, &warning));
    }
    let moved =
        Account::new("NORTH", "NEW").contact(Contact::new("9", &ann).with("name", NAME).with("portal", "accepted"));
    world.import([moved]).await;
    assert_eq!(holding(&world, &[&ann, NAME]).await, Vec::<String>::new());
    assert_eq!(world.counts("division=NORTH").await["total"], 1);
    // Of another division they are another recipient.
    world.put_division("SOUTH").await;
    world.import([Account::new("SOUTH", "S1").contact(Contact::new("1", &ann))]).await;
    assert_eq!(world.counts("division=SOUTH").await["total"], 1);
}

#[tokio::test]
async fn nothing_mails_them_again_and_an_email_that_had_left_brings_nothing_back() {
    let (world, ann) = world_with_ann().await;
    let id = id_of(&world, &ann).await;
    let campaign = world.send("NORTH").await;
    let messages = world.fan_out().await;
    assert_eq!(erase(&world, &id).await.status, 200);
    for message in &messages {
        assert!(
            world.invoke("DELIVER_QUEUE_URL", message, portal_aws::clock::now() + SignedDuration::from_secs(60)).await
        );
    }
    let row = |rows: Vec<portal_aws::campaigns::ledger::item::LedgerItem>| {
        rows.into_iter().find(|row| row.recipient_id.to_string() == id).unwrap()
    };
    assert_eq!(row(world.ledger(campaign).await).reason.as_deref(), Some("noLongerSelected"));
    assert_eq!(world.campaign(campaign).await["state"], "completed");
    let asks = json!({"division": "NORTH", "email": ann});
    assert_eq!(world.call(Call::new("POST", "/v1/activations/resend").public().json(&asks)).await.status, 202);
    world.pump().await;
    assert!(world.mails().iter().all(|mail| mail.to != [ann.clone()]));
    let mut body = world.send_request("NORTH").await;
    (body["recipientId"], body["expectedRecipients"]) = (json!(id), json!(1));
    assert!(world.post_campaign("alone", &body).await.status.is_client_error());
}

/// SES reports of an e-mail to somebody who was erased.
#[tokio::test]
async fn a_late_report_of_ses_writes_nothing_of_them() {
    let (world, ann) = world_with_ann().await;
    let id = id_of(&world, &ann).await;
    let campaign: CampaignId = world.send("NORTH").await;
    world.pump().await;
    assert_eq!(erase(&world, &id).await.status, 200);
    world.reports([tests::ses::event("bounce", campaign, id.parse().unwrap(), 1, "the-id-of-the-email")]).await;
    let row = world.ledger(campaign).await.into_iter().find(|row| row.recipient_id.to_string() == id).unwrap();
    assert_eq!((row.standing.map(<&str>::from), row.message_id), (Some("bounced"), None));
    assert_eq!(holding(&world, &[&ann, NAME]).await, Vec::<String>::new());
}

#[tokio::test]
async fn they_may_be_admitted_again_and_then_an_import_brings_them() {
    let (world, ann) = world_with_ann().await;
    assert_eq!(readmit(&world, &ann).await.json(), json!({"wasErased": false}));
    let id = id_of(&world, &ann).await;
    erase(&world, &id).await;
    assert_eq!(readmit(&world, &ann.to_uppercase()).await.json(), json!({"wasErased": true}));
    assert!(world.recipient("NORTH", &ann).await.is_none(), "only an import brings them");
    world.import(accounts_of(&ann, &world.email("bob"))).await;
    assert_ne!(id_of(&world, &ann).await, id);
    assert_eq!(world.counts("division=NORTH").await["total"], 2);
    // A finished erasure is answered again, and a person who came since is not affected.
    assert_eq!(erase(&world, &id).await.json()["state"], "erased");
    assert!(world.recipient("NORTH", &ann).await.is_some());
}

#[tokio::test]
async fn refusals_say_what_is_wrong_and_change_nothing() {
    let (world, ann) = world_with_ann().await;
    let id = id_of(&world, &ann).await;
    let path = format!("/v1/recipients/{id}/erase");
    let call = |body: &Value| Call::new("POST", &path).json(body);
    let right = json!({"reason": "asked on the phone"});
    for (groups, status) in [("390", 403), ("directory:SOUTH", 404), ("audit", 403)] {
        let answer = world.call(call(&right).claim("cognito:groups", groups)).await;
        assert_eq!(answer.status, status, "{groups}: {}", answer.text);
    }
    for reason in [
        json!({}),
        json!({"reason": " "}),
        json!({"reason": "x".repeat(501)}),
        json!({"reason": format!("{ann} asked")}),
        json!({"reason": format!("for {}", NAME.to_uppercase())}),
    ] {
        let answer = world.call(call(&reason)).await;
        assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec!["reason".to_owned()]), "{reason}");
    }
    for unknown in ["0", "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11"] {
        assert_eq!(erase(&world, unknown).await.status, 404);
    }
    let wrong = Call::new("POST", "/v1/divisions/NORTH/readmit").json(&json!({"email": "nobody"}));
    let answer = world.call(wrong).await;
    assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec!["email".to_owned(), "reason".to_owned()]));
    let south = Call::new("POST", "/v1/divisions/NORTH/readmit").claim("cognito:groups", "directory:SOUTH");
    assert_eq!(world.call(south.json(&json!({"email": ann, "reason": "x"}))).await.status, 403);
    assert_eq!(world.recipient("NORTH", &ann).await.unwrap().undeliverable, None);
    let audit = world.get_json("/v1/audit?division=NORTH").await;
    assert!(!audit.to_string().contains("personErased") && !audit.to_string().contains("personReadmitted"));
}

#[tokio::test]
async fn the_audit_says_who_erased_whom_by_id_and_why() {
    let (world, ann) = world_with_ann().await;
    let id = id_of(&world, &ann).await;
    erase(&world, &id).await;
    readmit(&world, &ann).await;
    let audit = world.get_json("/v1/audit?division=NORTH").await;
    let entries = audit["items"].as_array().unwrap();
    let [readmitted, erased, ..] = &entries[..] else { panic!("{audit}") };
    assert_eq!(
        (&erased["deed"], &erased["subject"], &erased["ending"]),
        (&json!("personErased"), &json!(id), &json!("done"))
    );
    assert_eq!(erased["before"], json!({"reason": "asked on the phone"}));
    assert_eq!((&readmitted["deed"], &readmitted["after"]), (&json!("personReadmitted"), &json!({"wasErased": true})));
    assert!(!audit.to_string().contains(&ann) && !audit.to_string().contains(NAME));
}

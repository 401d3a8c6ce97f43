//! Accepting an invitation: who may, only once, and its effects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use jiff::SignedDuration;
use portal_aws::clock;
use portal_domain::PortalStatus;
use portal_domain::new_password::PasswordHashed;
use serde_json::{Value, json};
use sweep::Sweep;
use tests::activation::{CHOSEN, activation};
use tests::http::{Answer, Call};
use tests::line::{Fate, line};
use tests::{Account, Contact, World};

/// A world in which `p0`, `p1`, … were invited, and the passwords that they were mailed.
async fn invited(people: usize) -> (World, Vec<String>) {
    let world = World::with_people(people).await;
    world.send("NORTH").await;
    world.pump().await;
    let mut passwords = Vec::new();
    for person in 0..people {
        passwords.push(world.passwords(&world.email(format!("p{person}"))).remove(0));
    }
    (world, passwords)
}

#[tokio::test]
async fn who_proves_the_password_is_accepted_and_everybody_learns_of_it() {
    let world = World::with_people(2).await;
    let campaign = world.send("NORTH").await;
    world.pump().await;
    let email = world.email("p0");
    let password = world.passwords(&email).remove(0);
    let answer = world.activate(&email.to_uppercase(), &format!(" {} ", password.to_lowercase())).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));

    let recipient = world.recipient("NORTH", &email).await.unwrap();
    assert_eq!((recipient.status, recipient.digest, recipient.expires_at), (PortalStatus::Accepted, None, None));
    let hash = world.chosen_hash(&email).await.unwrap();
    assert!(hash.starts_with("$argon2id$") && PasswordHashed::verifies(&hash, CHOSEN));
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["accepted"], &counts["pending"]), (&json!(1), &json!(1)));
    let shown = world.campaign(campaign).await;
    assert_eq!(shown["acceptances"]["accepted"], 1);
    assert!(shown["acceptances"]["medianSeconds"].as_u64().unwrap() < 60, "{shown}");
    let person = world.person(&email).await;
    assert_eq!((&person["audit"][0]["action"], &person["audit"][0]["by"]), (&json!("accepted"), &json!("customer")));
    assert_eq!(person["acceptedAt"], person["audit"][0]["at"]);

    let told = world.told();
    let [(kind, detail)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(kind, "portal.invitation.accepted");
    let id = recipient.recipient_id.to_string();
    assert_eq!((&detail["recipientId"], &detail["division"]), (&json!(id), &json!("NORTH")));
    assert_eq!(detail["campaignId"], campaign.to_string());
    assert!(!detail.to_string().contains('@'), "ids only");
    world.sweep_after(Duration::from_secs(60)).await;
    assert!(world.told().is_empty(), "told once");
    assert_eq!(world.sweep_after(Duration::from_secs(60)).await.events, 0);
}

/// Guarantee 14: nobody learns who is a customer.
#[tokio::test]
async fn every_refusal_is_the_same_whatever_its_reason() {
    let (world, passwords) = invited(3).await;
    let [p0, p1, p2] = [0, 1, 2].map(|person| world.email(format!("p{person}")));
    let imported = Contact::new("1", &world.email("imported")).with("portal", "pending");
    let fresh = Contact::new("1", &world.email("fresh"));
    world.import([Account::new("NORTH", "I").contact(imported), Account::new("NORTH", "F").contact(fresh)]).await;
    world.set(&p1, "expiresAt", "2020-01-01T00:00:00Z").await;
    assert_eq!(world.activate(&p2, &passwords[2]).await.status, 204);
    let elsewhere = json!({"division": "SOUTH", "email": p0, "temporaryPassword": passwords[0], "newPassword": CHOSEN});
    let nowhere = activation(&world.email("nobody"), &passwords[0]);
    let refused = [
        ("nobody", nowhere),
        ("another division", elsewhere),
        ("wrong", activation(&p0, &passwords[1])),
        ("no password at all", activation(&p0, "x")),
        ("expired", activation(&p1, &passwords[1])),
        ("spent", activation(&p2, &passwords[2])),
        ("imported as pending", activation(&world.email("imported"), &passwords[0])),
        ("never invited", activation(&world.email("fresh"), &passwords[0])),
    ];
    let mut answers: Vec<(&str, Answer)> = Vec::new();
    for (reason, body) in refused {
        answers.push((reason, world.post_activation(&body).await));
    }
    let (_, first) = &answers[0];
    assert_eq!(first.status, 403);
    assert_eq!(first.json()["type"], "/problems/not-activated");
    for (reason, answer) in &answers {
        assert_eq!(
            (answer.status, &answer.text, &answer.headers),
            (first.status, &first.text, &first.headers),
            "{reason}"
        );
    }
    assert_eq!(world.activate(&p0, &passwords[0]).await.status, 204, "wrong tries block nothing");
}

/// The calls of AWS, by operation, that a request makes.
async fn calls_of(world: &World, call: Call) -> (Answer, HashMap<String, usize>) {
    let calls: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let counted = calls.clone();
    let config = line(&world.config, move |operation, _| {
        *counted.lock().unwrap().entry(operation.to_owned()).or_default() += 1;
        Fate::Made
    });
    let answer = call.on(activate::router(activate::Activate::new(&world.context(&config)).unwrap())).await;
    let calls = calls.lock().unwrap().clone();
    (answer, calls)
}

#[tokio::test]
async fn every_refusal_asks_for_the_same_items() {
    let (world, passwords) = invited(3).await;
    world.set(&world.email("p1"), "expiresAt", "2020-01-01T00:00:00Z").await;
    assert_eq!(world.activate(&world.email("p2"), &passwords[2]).await.status, 204);
    let expected = HashMap::from(["GetItem", "BatchGetItem", "UpdateItem"].map(|operation| (operation.to_owned(), 1)));
    for (who, password) in [("nobody", 0), ("p0", 1), ("p1", 1), ("p2", 2)] {
        let body = activation(&world.email(who), &passwords[password]);
        let (answer, calls) = calls_of(&world, Call::new("POST", "/v1/activations").public().json(&body)).await;
        assert_eq!((answer.status.as_u16(), &calls), (403, &expected), "{who}");
    }
    for who in ["nobody", "p0"] {
        let mut body = activation(&world.email(who), &passwords[0]);
        body["newPassword"] = json!("password1234");
        let (answer, calls) = calls_of(&world, Call::new("POST", "/v1/activations").public().json(&body)).await;
        let counted = HashMap::from([("UpdateItem".to_owned(), 1)]);
        assert_eq!((answer.status.as_u16(), calls), (400, counted), "{who}: the new password comes first");
    }
    for who in ["nobody", "p0", "p2"] {
        let body = json!({"division": "NORTH", "email": world.email(who)});
        let (answer, calls) = calls_of(&world, Call::new("POST", "/v1/activations/resend").public().json(&body)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str(), calls.len()), (202, "", 1), "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_try_at_the_same_time_exactly_one_is_accepted() {
    let (world, passwords) = invited(1).await;
    let email = world.email("p0");
    let tries = (0..16).map(|i| {
        let mut body = activation(&email, &passwords[0]);
        body["newPassword"] = json!(format!("{CHOSEN} {i}"));
        let world = &world;
        async move { world.post_activation(&body).await.status.as_u16() }
    });
    let statuses = join_all(tries).await;
    let winners: Vec<_> = statuses.iter().enumerate().filter(|(_, status)| **status == 204).map(|(i, _)| i).collect();
    assert_eq!(winners.len(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [204, 403].contains(status)), "{statuses:?}");
    let hash = world.chosen_hash(&email).await.unwrap();
    assert!(PasswordHashed::verifies(&hash, &format!("{CHOSEN} {}", winners[0])), "the winner's password is kept");
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.counts("division=NORTH").await["accepted"], 1);
}

#[tokio::test]
async fn a_source_with_many_refusals_is_throttled_and_the_right_password_works() {
    let (world, passwords) = invited(1).await;
    // One function for all calls, because building one takes longer than an answer.
    let router = activate::router(activate::Activate::new(&world.context(&world.config)).unwrap());
    let post = async |body: Value, source: &str| {
        Call::new("POST", "/v1/activations").public().from(source).json(&body).on(router.clone()).await
    };
    let wrong = || activation(&world.email("nobody"), "x");
    let mut tries = 0;
    let slowed = loop {
        let answer = post(wrong(), "198.51.100.1").await;
        tries += 1;
        if answer.status != 403 {
            break answer;
        }
        // Two windows, since another may begin meanwhile.
        assert!(tries < 2 * 100 + 1, "never slowed down");
    };
    assert!(tries > 100, "slowed down after {tries}");
    assert_eq!(slowed.status, 429);
    assert_eq!(slowed.headers["retry-after"], "300");
    assert_eq!(post(wrong(), "198.51.100.2").await.status, 403, "others are not");
    assert_eq!(post(activation(&world.email("p0"), &passwords[0]), "198.51.100.1").await.status, 204);
}

#[tokio::test]
async fn faults_of_a_request_are_told_and_change_nothing() {
    let (world, passwords) = invited(1).await;
    let email = world.email("p0");
    let with = |field: &str, value: Value| {
        let mut body = activation(&email, &passwords[0]);
        body[field] = value;
        body
    };
    let table = [
        (with("newPassword", json!("short")), "newPassword"),
        (with("newPassword", json!("password1234")), "newPassword"),
        (with("newPassword", json!(email.clone())), "newPassword"),
        (with("newPassword", json!(passwords[0])), "newPassword"),
        (with("newPassword", json!("x".repeat(1_025))), "newPassword"),
        (with("newPassword", Value::Null), "newPassword"),
        (with("temporaryPassword", json!(7)), "temporaryPassword"),
        (with("email", json!("p0")), "email"),
        (with("division", json!("")), "division"),
        (with("surprise", json!(1)), "surprise"),
    ];
    for (body, field) in table {
        let answer = world.post_activation(&body).await;
        assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec![field.to_owned()]), "{body}");
    }
    let call = |content_type: &str, body: &str| {
        world.call(Call::new("POST", "/v1/activations").public().body(content_type, body))
    };
    assert_eq!(call("text/plain", "{}").await.status, 415);
    assert_eq!(call("application/json", "{").await.status, 400);
    let long = with("newPassword", json!("x".repeat(9_000))).to_string();
    assert_eq!(call("application/json", &long).await.status, 413);
    assert_eq!(world.call(Call::new("GET", "/v1/activations").public()).await.status, 405, "to look changes nothing");
    assert_eq!(world.activate(&email, &passwords[0]).await.status, 204);
}

#[tokio::test]
async fn a_page_can_be_branded_by_its_division_and_learns_nothing_else() {
    let world = World::new().await;
    let brand =
        |division: &str| world.call(Call::new("GET", &format!("/v1/activations/brand?division={division}")).public());
    let expected = json!({"division": "NORTH", "name": "NORTH Hauling", "portalUrl": "https://portal.example.com/"});
    for called in ["NORTH", "north", "North Hauling", " NORTH  hauling "] {
        assert_eq!(brand(called).await.json(), expected, "{called}");
    }
    assert_eq!(brand("Hauling").await.status, 404);
    assert_eq!(brand("SOUTH").await.status, 404);
    assert_eq!(brand("").await.status, 400);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_no_refusal() {
    let (world, passwords) = invited(1).await;
    // Each time the transaction is written, and its answer is lost.
    let config = line(&world.config, |operation, _| match operation {
        "TransactWriteItems" => Fate::AnswerLost,
        _ => Fate::Made,
    });
    let call = Call::new("POST", "/v1/activations").public().json(&activation(&world.email("p0"), &passwords[0]));
    let answer = call.on(activate::router(activate::Activate::new(&world.context(&config)).unwrap())).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(world.counts("division=NORTH").await["accepted"], 1);
}

#[tokio::test]
async fn an_event_that_could_not_be_published_comes_later() {
    let (world, passwords) = invited(1).await;
    let config = line(&world.config, |operation, _| match operation {
        "PutEvents" => Fate::Answered(500, "{}"),
        _ => Fate::Made,
    });
    let call = Call::new("POST", "/v1/activations").public().json(&activation(&world.email("p0"), &passwords[0]));
    let answer = call.on(activate::router(activate::Activate::new(&world.context(&config)).unwrap())).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert!(world.told().is_empty());
    assert_eq!(world.sweep_after(Duration::ZERO).await.events, 0, "it may be on its way");
    let faulty = Sweep::new(&world.context(&config)).unwrap();
    let after = |seconds| clock::now() + SignedDuration::from_secs(seconds);
    assert_eq!(faulty.run(after(60)).await.unwrap().errors, 1, "that may pass");
    assert!(faulty.run(after(600)).await.is_err(), "that an alarm must tell");
    assert_eq!(world.sweep_after(Duration::from_secs(30)).await.events, 1);
    let told = world.told();
    assert_eq!((told.len(), told[0].0.as_str()), (1, "portal.invitation.accepted"));
    assert_eq!(world.sweep_after(Duration::from_secs(30)).await.events, 0);
}

async fn set_back(world: &World, email: &str, what: &str, body: &Value) -> Answer {
    let id = world.recipient("NORTH", email).await.unwrap().recipient_id;
    world.call(Call::new("POST", &format!("/v1/recipients/{id}/{what}")).json(body)).await
}

#[tokio::test]
async fn an_invitation_that_is_withdrawn_holds_no_longer() {
    let (world, passwords) = invited(1).await;
    let email = world.email("p0");
    let why = json!({"reason": "moved away"});
    assert_eq!(set_back(&world, &email, "withdraw", &json!({})).await.faulty_fields(), ["reason"]);
    assert_eq!(set_back(&world, &email, "set-back", &why).await.status, 409, "there is nothing to set back");
    let answer = set_back(&world, &email, "withdraw", &why).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let again = set_back(&world, &email, "withdraw", &why).await;
    assert_eq!((again.status.as_u16(), &again.json()["recipientStatus"]), (409, &json!("notSent")));
    assert_eq!(again.json()["type"], "/problems/recipient-status");
    assert_eq!(world.activate(&email, &passwords[0]).await.status, 403);
    let person = world.person(&email).await;
    let entry = &person["audit"][0];
    assert_eq!(
        (&entry["action"], &entry["by"], &entry["note"]),
        (&json!("withdrawn"), &json!("operator@example.com"), &json!("moved away"))
    );
    assert_eq!((&person["status"], &person["expiresAt"]), (&json!("notSent"), &Value::Null));
    let reason = &person["decision"]["reason"];
    assert_eq!(reason, "recentlyInvited", "and nobody mails them again by mistake");
    let without_permission =
        Call::new("POST", "/v1/recipients/x/withdraw").claim("cognito:groups", "directory").json(&why);
    assert_eq!(world.call(without_permission).await.status, 403);
    let unknown = uuid::Uuid::new_v4();
    assert_eq!(
        world.call(Call::new("POST", &format!("/v1/recipients/{unknown}/withdraw")).json(&why)).await.status,
        404
    );
}

#[tokio::test]
async fn who_accepted_by_mistake_is_set_back_and_may_be_invited_again() {
    let world = World::with_people(1).await;
    let campaign = world.send("NORTH").await;
    world.pump().await;
    let email = world.email("p0");
    let password = world.passwords(&email).remove(0);
    assert_eq!(world.activate(&email, &password).await.status, 204);
    let why = json!({"reason": "the neighbour did"});
    assert_eq!(set_back(&world, &email, "withdraw", &why).await.status, 409, "they have accepted");
    assert_eq!(set_back(&world, &email, "set-back", &why).await.status, 204);
    assert_eq!(world.recipient("NORTH", &email).await.unwrap().status, PortalStatus::NotSent);
    assert_eq!(world.chosen_hash(&email).await, None);
    assert_eq!(world.campaign(campaign).await["acceptances"], json!({"accepted": 0, "medianSeconds": null}));
    world.sweep_after(Duration::from_secs(30)).await;
    let told: Vec<_> = world.told().into_iter().map(|(kind, _)| kind).collect();
    assert!(told.contains(&"portal.acceptance.revoked".to_owned()), "{told:?}");
    assert_eq!(world.activate(&email, &password).await.status, 403, "the old password is spent");

    let mut again = world.send_request("NORTH").await;
    again["includeRecentlyInvited"] = json!(true);
    again["expectedRecipients"] = json!(1);
    assert_eq!(world.post_campaign("again", &again).await.status, 202);
    world.pump().await;
    let newest = world.passwords(&email).remove(1);
    assert_eq!(world.activate(&email, &newest).await.status, 204);
    let actions: Vec<_> =
        world.person(&email).await["audit"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
    assert_eq!(actions, ["accepted", "setBack", "accepted"]);
}

#[tokio::test]
async fn who_was_imported_as_accepted_can_be_set_back_too() {
    let world = World::new().await;
    let contact = Contact::new("1", &world.email("old")).with("portal", "accepted");
    world.import([Account::new("NORTH", "A").contact(contact)]).await;
    assert_eq!(set_back(&world, &world.email("old"), "set-back", &json!({"reason": "left"})).await.status, 204);
    assert_eq!(world.counts("division=NORTH").await["notSent"], 1);
}

#[tokio::test]
async fn an_import_in_between_takes_nothing_away_from_an_invitation() {
    let (world, passwords) = invited(1).await;
    world.import([world.account_of(0).with("balanceDue", "99.00")]).await;
    let email = world.email("p0");
    assert_eq!(world.activate(&email, &passwords[0]).await.status, 204);
    world.import([world.account_of(0).with("balanceDue", "1.00")]).await;
    assert!(world.recipient("NORTH", &email).await.unwrap().acceptance.is_some());
    assert_eq!(world.counts("division=NORTH").await["accepted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_during_the_next_campaign_succeeds_or_a_newer_password_works() {
    const PEOPLE: usize = 40;
    let (world, passwords) = invited(PEOPLE).await;
    let mut again = world.send_request("NORTH").await;
    (again["includeRecentlyInvited"], again["expectedRecipients"]) = (json!(true), json!(PEOPLE));
    let answer = world.post_campaign("again", &again).await;
    let id = answer.json()["campaignId"].as_str().unwrap().parse().unwrap();
    let people = (0..PEOPLE).map(|person| {
        let (world, password) = (&world, &passwords[person]);
        async move { world.activate(&world.email(format!("p{person}")), password).await.status }
    });
    let (statuses, ()) = futures::join!(join_all(people), world.pump());
    world.pump().await;
    let mut accepted = 0;
    for (person, status) in statuses.into_iter().enumerate() {
        let email = world.email(format!("p{person}"));
        let mails = world.passwords(&email);
        let recipient = world.recipient("NORTH", &email).await.unwrap();
        if status == StatusCode::NO_CONTENT {
            accepted += 1;
            assert_eq!((recipient.status, mails.len()), (PortalStatus::Accepted, 1), "{email}");
            assert!(PasswordHashed::verifies(&world.chosen_hash(&email).await.unwrap(), CHOSEN));
        } else {
            assert_eq!((status.as_u16(), mails.len(), recipient.status), (403, 2, PortalStatus::Pending), "{email}");
            assert_eq!(world.activate(&email, &mails[1]).await.status, 204, "{email}");
        }
    }
    let outcomes = world.campaign(id).await["outcomes"].clone();
    // People who had accepted before the ledger was written are not in it.
    assert_eq!(outcomes["sent"], PEOPLE - accepted, "{outcomes}");
    assert_eq!(world.counts("division=NORTH").await["accepted"], PEOPLE);
}

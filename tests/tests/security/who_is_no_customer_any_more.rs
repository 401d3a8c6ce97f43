//! Guarantee 13: the temporary password of a recipient whose last account is gone, or whose address was corrected.

use std::time::Duration;

use jiff::SignedDuration;
use portal_aws::clock;
use portal_domain::PortalStatus;
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::http::Call;
use tests::{Account, Contact, World};

/// A world with somebody who was invited, and their password; they are a contact of the account `A1`.
async fn invited() -> (World, String, String) {
    let world = World::new().await;
    let email = world.email("ann");
    world.import([account(&email)]).await;
    world.send("NORTH").await;
    world.pump().await;
    let password = world.passwords(&email).remove(0);
    (world, email, password)
}

fn account(email: &str) -> Account {
    Account::new("NORTH", "A1").contact(Contact::new("1", email))
}

async fn delete(world: &World) {
    let answer = world.call(Call::new("DELETE", "/v1/accounts/A1")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

async fn told(world: &World) -> Vec<(String, Value)> {
    world.sweep_after(Duration::from_secs(30)).await;
    world.told()
}

#[tokio::test]
async fn cannot_activate_however_the_last_link_was_lost() {
    let other = |world: &World| world.email("somebody-else");
    let losses: [fn(&World, &str) -> Option<Account>; 3] =
        [|_, _| None, |_, _| Some(Account::new("NORTH", "A1")), |world, _| Some(account(&world.email("anne")))];
    for loss in losses {
        let (world, email, password) = invited().await;
        match loss(&world, &email) {
            None => delete(&world).await,
            Some(account) => world.import([account]).await,
        }
        let refused = world.activate(&email, &password).await;
        let of_nobody = world.activate(&other(&world), &password).await;
        assert_eq!((refused.status.as_u16(), &refused.text), (403, &of_nobody.text), "as every refusal");
        assert_eq!(told(&world).await, []);
        let recipient = world.recipient("NORTH", &email).await.unwrap();
        assert_eq!((recipient.status, recipient.digest, recipient.earlier.len()), (PortalStatus::Pending, None, 0));
        assert!(recipient.expires_at.is_some_and(|at| at <= clock::now()), "it is shown as expired");
    }
}

#[tokio::test]
async fn loses_the_passwords_of_earlier_mails_too() {
    let (world, email, first) = invited().await;
    let body = json!({"division": "NORTH", "email": email});
    assert_eq!(world.call(Call::new("POST", "/v1/activations/resend").public().json(&body)).await.status, 202);
    world.pump().await;
    let second = world.passwords(&email).remove(1);
    delete(&world).await;
    world.import([account(&email)]).await;
    for password in [first, second] {
        assert_eq!(world.activate(&email, &password).await.status, 403);
    }
}

#[tokio::test]
async fn keeps_the_password_while_another_account_is_left() {
    let (world, email, password) = invited().await;
    world.import([Account::new("NORTH", "A2").contact(Contact::new("1", &email))]).await;
    delete(&world).await;
    assert_eq!(world.activate(&email, &password).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn may_be_mailed_at_once_when_they_come_back() {
    with_clock(async |_| {
        let (world, email, old) = invited().await;
        assert_eq!(world.counts("division=NORTH").await["excluded"]["recentlyInvited"], 1);
        tokio::time::sleep(SignedDuration::from_mins(5).unsigned_abs()).await;
        delete(&world).await;
        world.import([account(&email)]).await;
        let counts = world.counts("division=NORTH").await;
        assert_eq!((&counts["pending"], &counts["willEmail"]), (&json!(1), &json!(1)), "{counts}");
        world.send("NORTH").await;
        world.pump().await;
        let new = world.passwords(&email).remove(1);
        assert_eq!(world.activate(&email, &old).await.status, 403);
        assert_eq!(world.activate(&email, &new).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn is_told_to_the_portal_if_they_had_accepted_and_when_they_come_back() {
    let (world, email, password) = invited().await;
    assert_eq!(world.activate(&email, &password).await.status, 204);
    let id = world.recipient("NORTH", &email).await.unwrap().recipient_id.to_string();
    delete(&world).await;
    delete(&world).await;
    world.import([account(&email)]).await;
    let told = told(&world).await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["portal.invitation.accepted", "portal.recipient.unlinked", "portal.recipient.linked"]);
    for ((_, detail), at) in told[1..].iter().zip(["unlinkedAt", "linkedAt"]) {
        assert_eq!((&detail["recipientId"], &detail["division"]), (&json!(id), &json!("NORTH")));
        assert!(detail[at].is_string(), "{detail}");
    }
    let counts = world.counts("division=NORTH").await;
    assert_eq!((&counts["total"], &counts["accepted"]), (&json!(1), &json!(1)), "they have access as before");
}

#[tokio::test]
async fn can_be_listed() {
    let (world, ann, password) = invited().await;
    assert_eq!(world.activate(&ann, &password).await.status, 204);
    let ben = world.email("ben");
    world.import([Account::new("NORTH", "A2").contact(Contact::new("1", &ben))]).await;
    let listed = async |query: &str| {
        let list = world.call(Call::new("GET", &format!("/v1/recipients?division=NORTH{query}"))).await.json();
        let rows = list["items"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("&linked=false").await, [""; 0]);
    assert_eq!((listed("").await.len(), listed("&linked=true").await.len()), (2, 2));
    delete(&world).await;
    let gone = [ann];
    assert_eq!(listed("&linked=false").await, gone);
    assert_eq!(listed("&linked=false&status=accepted&search=ann").await, gone);
    assert_eq!(listed("&linked=false&status=pending").await, [""; 0]);
    assert_eq!(listed("").await, [ben]);
    let refused = world.call(Call::new("GET", "/v1/recipients?division=NORTH&linked=false&billGroup=X")).await;
    assert_eq!((refused.status.as_u16(), refused.faulty_fields()), (400, vec!["linked".to_owned()]));
}

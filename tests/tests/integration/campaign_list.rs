//! `GET /v1/campaigns`: pages, and what narrows them.

use jiff::{SignedDuration, Timestamp};
use portal_domain::CampaignId;
use serde_json::{Value, json};
use tests::clock::with_clock;
use tests::http::Call;
use tests::{Account, Contact, World};

#[tokio::test]
async fn campaigns_are_listed_newest_first_page_by_page_and_by_division() {
    let world = World::with_people(1).await;
    world.put_division("SOUTH").await;
    let south = Contact::new("1", &world.email("s"));
    world.import([Account::new("SOUTH", "S1").contact(south)]).await;
    let mut started = Vec::new();
    for division in ["NORTH", "SOUTH", "NORTH"] {
        let mut body = world.send_request(division).await;
        body["includeRecentlyInvited"] = json!(true);
        body["expectedRecipients"] = json!(1);
        let answer = world.post_campaign(&format!("k{}", started.len()), &body).await;
        started.push(answer.json()["campaignId"].clone());
        world.pump().await;
    }
    started.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/campaigns?limit=2".to_owned();
    loop {
        let page = world.call(Call::new("GET", &path)).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|campaign| campaign["campaignId"].clone()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/v1/campaigns?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, started);
    let south = world.call(Call::new("GET", "/v1/campaigns?division=SOUTH")).await.json();
    assert_eq!(south["items"].as_array().unwrap().len(), 1);
    assert_eq!(south["items"][0]["outcomes"]["sent"], 1);
}

/// The ids in all pages of a list.
async fn listed(world: &World, query: &str) -> Vec<Value> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.call(Call::new("GET", &format!("/v1/campaigns?{query}&limit=1{cursor}"))).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        let page = page.json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|campaign| campaign["campaignId"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

/// A completed, a paused, a cancelled and a sending campaign, started a minute after each other.
async fn four_campaigns(world: &World, pass: impl Fn(SignedDuration)) -> Vec<(CampaignId, Timestamp)> {
    let mut campaigns = Vec::new();
    for (division, command) in [("D0", None), ("D1", Some("pause")), ("D2", Some("cancel")), ("D3", None)] {
        world.put_division(division).await;
        let contact = Contact::new("1", &world.email(division));
        world.import([Account::new(division, division).contact(contact)]).await;
        let id = world.send(division).await;
        if division == "D0" {
            world.pump().await;
        }
        if let Some(command) = command {
            let done = world.call(Call::new("POST", &format!("/v1/campaigns/{id}/{command}"))).await;
            assert_eq!(done.status, 200, "{}", done.text);
        }
        campaigns.push((id, world.campaigns.campaign(id).await.unwrap().unwrap().created_at));
        pass(SignedDuration::from_mins(1));
    }
    campaigns
}

#[tokio::test(start_paused = true)]
async fn campaigns_are_listed_by_state_and_by_time() {
    with_clock(async |clock| {
        let world = World::new().await;
        let campaigns = four_campaigns(&world, |time| clock.put_ahead(time)).await;
        let ids = |wanted: &[usize]| wanted.iter().map(|&one| json!(campaigns[one].0)).collect::<Vec<_>>();
        let at = |one: usize, more: i64| campaigns[one].1 + SignedDuration::from_millis(more);
        let table = [
            ("state=completed".to_owned(), ids(&[0])),
            ("state=preparing,paused,sending".to_owned(), ids(&[3, 1])),
            ("state=cancelled,completed&division=D2".to_owned(), ids(&[2])),
            ("state=halted".to_owned(), ids(&[])),
            (format!("from={}", at(2, 0)), ids(&[3, 2])),
            (format!("from={}", at(2, 1)), ids(&[3])),
            (format!("to={}", at(2, 0)), ids(&[1, 0])),
            (format!("to={}", at(2, 1)), ids(&[2, 1, 0])),
            (format!("from={}&to={}&state=paused,cancelled", at(1, 0), at(2, 0)), ids(&[1])),
            ("from=2026-06-10&to=2026-06-10".to_owned(), ids(&[3, 2, 1, 0])),
            ("from=2026-06-11".to_owned(), ids(&[])),
            ("to=2026-06-09".to_owned(), ids(&[])),
        ];
        for (query, wanted) in table {
            assert_eq!(listed(&world, &query).await, wanted, "{query}");
        }
        let only_d1 = Call::new("GET", "/v1/campaigns?state=paused,completed").claim("cognito:groups", "390:D1");
        assert_eq!(world.call(only_d1).await.json()["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn wrong_filters_of_campaigns_are_refused_by_name() {
    let world = World::new().await;
    for (query, faulty) in [
        ("state=done", vec!["state"]),
        ("state=paused,", vec!["state"]),
        ("state=paused&state=halted", vec!["state"]),
        ("from=yesterday&to=2026-13-01", vec!["from", "to"]),
        ("from=2026-06-11&to=2026-06-09", vec!["to"]),
    ] {
        let answer = world.call(Call::new("GET", &format!("/v1/campaigns?{query}"))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.faulty_fields()),
            (400, faulty.iter().map(|name| (*name).to_owned()).collect()),
            "{query}"
        );
    }
    // A cursor belongs to its filters.
    four_campaigns(&world, |_| {}).await;
    let page = world.call(Call::new("GET", "/v1/campaigns?limit=1")).await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    for narrowed in ["state=paused", "from=2020-01-01", "to=2099-01-01"] {
        let answer = world.call(Call::new("GET", &format!("/v1/campaigns?{narrowed}&cursor={cursor}"))).await;
        assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec!["cursor".to_owned()]), "{narrowed}");
    }
}

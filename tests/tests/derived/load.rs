//! Load counts by the derived numbers if they include everything that was written before, or else by the index.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use futures::future::{Either, select};
use jiff::SignedDuration;
use load::Load;
use portal_aws::context::Context;
use portal_aws::directory::read::Owner;
use serde_json::{Value, json};
use tests::World;
use tests::cloud::connector::named;
use tests::http::{Answer, Call};
use tests::line::{Fate, Gate, line};
use tests::numbers::derived;
use tokio::time::Instant;

use super::build::aged;
use super::{epoch, town};

const QUERIES: [&str; 4] = [
    "division=NORTH",
    "division=NORTH&billGroup=G3",
    "division=NORTH&billingContactsOnly=true&withoutAutomaticPayment=true",
    "division=NORTH&withActiveServices=true",
];

/// Does something while the stream is read.
pub(super) async fn while_read<T>(world: &World, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        let reading = pin!(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            world.roll_up().await;
        });
        match select(work, reading).await {
            Either::Left((done, _)) => return done,
            Either::Right(((), going_on)) => work = going_on,
        }
    }
}

/// Load while the stream is read.
async fn counts(world: &World, query: &str) -> Value {
    while_read(world, world.counts(query)).await
}

/// The counts alone.
fn numbers(counts: &Value) -> Value {
    let mut numbers = counts.clone();
    ["asOf", "ageSeconds", "countedFrom"]
        .into_iter()
        .for_each(|name| _ = numbers.as_object_mut().unwrap().remove(name));
    numbers
}

async fn assert_numbers(world: &World, query: &str) {
    let counted = counts(world, query).await;
    assert_eq!((&counted["countedFrom"], &counted["ageSeconds"]), (&json!("numbers"), &json!(0)));
    let strong = world.counts(&format!("{query}&consistency=strong")).await;
    assert_eq!(strong["countedFrom"], "index");
    assert_eq!(numbers(&counted), numbers(&strong), "{query}");
}

/// Load on a line to AWS.
async fn load(context: &Context) -> Answer {
    let router = load::router(Load::new(context).unwrap());
    Call::new("GET", "/v1/counts?division=NORTH").on(router).await
}

/// Calls a function where the index has more pages than can be read in time.
pub(super) async fn with_large_index<T>(world: &World, function: &str, work: impl AsyncFnOnce(&Context) -> T) -> T {
    let began = Instant::now();
    let page = r#"{"Items": [], "LastEvaluatedKey": {"pk": {"S": "there"}, "sk": {"S": "is more"}}}"#;
    let config = line(&named(&world.config, function), move |operation, _| match operation {
        "Query" if began.elapsed() < Duration::from_secs(24) => Fate::AnsweredAfter(Duration::from_secs(1), page),
        _ => Fate::Made,
    });
    work(&world.context(&config)).await
}

#[tokio::test]
async fn load_shows_what_was_imported_just_before_by_the_numbers() {
    let world = town().await;
    world.roll_up().await;
    for query in QUERIES {
        assert_numbers(&world, query).await;
    }
    let before = counts(&world, "division=NORTH").await;
    world.import((100..103).map(|person| world.account_of(person))).await;
    let after = counts(&world, "division=NORTH").await;
    assert_eq!(after["countedFrom"], "numbers");
    assert_eq!(after["total"].as_u64(), before["total"].as_u64().map(|total| total + 3));
    world.rollup().handle(json!({})).await.unwrap();
    for query in QUERIES {
        assert_numbers(&world, query).await;
    }
}

#[tokio::test(start_paused = true)]
async fn load_counts_by_the_index_what_the_numbers_do_not_include() {
    let world = town().await;
    assert_eq!(world.counts("division=NORTH").await["countedFrom"], "index", "there are no numbers");
    world.roll_up().await;
    world.import([world.account_of(100)]).await;
    let expected = world.counts("division=NORTH&consistency=strong").await;
    let counted = world.counts("division=NORTH").await;
    assert_eq!(counted["countedFrom"], "index", "the stream is not read");
    assert_eq!(numbers(&counted), numbers(&expected));
}

#[tokio::test]
async fn load_uses_no_numbers_while_somebody_is_set_aside() {
    let world = town().await;
    world.roll_up().await;
    let somebody = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
    let derived = derived(&world.config);
    derived.set_aside(&epoch(&world).await, &Owner::Recipient(somebody)).await.unwrap();
    assert_eq!(counts(&world, "division=NORTH").await["countedFrom"], "index");
    world.rollup().handle(json!({})).await.unwrap();
    assert_numbers(&world, "division=NORTH").await;
}

#[tokio::test]
async fn load_notices_what_happens_to_the_numbers_while_it_waits() {
    for ends in [false, true] {
        let world = town().await;
        world.roll_up().await;
        let gate = Arc::new(Gate::default());
        let at_gate = gate.clone();
        let config = line(&named(&world.config, "load"), move |operation, earlier| match (operation, earlier) {
            ("PutItem", 0) => Fate::Held(at_gate.clone()),
            _ => Fate::Made,
        });
        let context = world.context(&config);
        let waiting = load(&context);
        let meanwhile = async {
            gate.arrived().await;
            let derived = derived(&world.config);
            let control = derived.control().await.unwrap().unwrap();
            if ends {
                // Nobody is counted in the other epoch yet.
                assert!(derived.begin(Some(&control)).await.unwrap());
            } else {
                let somebody = world.recipient("NORTH", &world.email("p0")).await.unwrap().recipient_id;
                derived.set_aside(&control.epoch, &Owner::Recipient(somebody)).await.unwrap();
            }
            gate.open();
            for _ in 0..200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                world.roll_up().await;
            }
        };
        let answer = match select(pin!(waiting), pin!(meanwhile)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), waiting)) => waiting.await,
        };
        assert_eq!(answer.json()["countedFrom"], "index", "the epoch has ended: {ends}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_division_gets_numbers_of_the_last_minutes_with_their_age() {
    let world = town().await;
    world.roll_up().await;
    world.rollup().handle(json!({})).await.unwrap();
    for event in aged(world.read_stream(), SignedDuration::from_secs(100)) {
        world.rollup().handle(event).await.unwrap();
    }
    let expected = world.counts("division=NORTH&consistency=strong").await;
    world.import([world.account_of(100)]).await;
    let answer = with_large_index(&world, "load", async |context| load(context).await).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let counted = answer.json();
    assert_eq!(counted["countedFrom"], "numbers");
    assert!((99..170).contains(&counted["ageSeconds"].as_u64().unwrap()), "{counted}");
    assert_eq!(numbers(&counted), numbers(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_large_division_gets_no_numbers_that_are_older_or_not_complete() {
    let world = town().await;
    let answer = with_large_index(&world, "load", async |context| load(context).await).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!((&answer.headers["retry-after"], &answer.json()["counted"]), (&"60".parse().unwrap(), &json!(0)));
    world.roll_up().await;
    world.rollup().handle(json!({})).await.unwrap();
    for event in aged(world.read_stream(), SignedDuration::from_secs(200)) {
        world.rollup().handle(event).await.unwrap();
    }
    let problem = with_large_index(&world, "load", async |context| load(context).await).await.json();
    assert_eq!((&problem["type"], problem.get("counted")), (&json!("/problems/not-counted"), None));
    assert!((199..270).contains(&problem["ageSeconds"].as_u64().unwrap()), "{problem}");
    let derived = derived(&world.config);
    let control = derived.control().await.unwrap().unwrap();
    assert!(derived.begin(Some(&control)).await.unwrap());
    assert_eq!(with_large_index(&world, "load", async |context| load(context).await).await.json()["counted"], 0);
}

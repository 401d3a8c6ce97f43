//! Guarantee 14: public requests that cost processor time.

use serde_json::{Value, json};
use tests::World;
use tests::activation::CHOSEN;
use tests::clock::with_clock;
use tests::http::{Answer, Call};

async fn activate(world: &World, source: &str, body: &Value) -> Answer {
    world.call(Call::new("POST", "/v1/activations").public().from(source).json(body)).await
}

fn body(changes: Value) -> Value {
    let mut body = json!({"email": "ann@example.com", "division": "NORTH",
        "temporaryPassword": "3479A-CDEFG-HJKMN-PQRTV-WXY34", "newPassword": CHOSEN});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_new_password_is_judged_only_if_nothing_else_is_wrong() {
    let world = World::new().await;
    for (wrong, field) in [("email", json!("nobody")), ("division", json!("X\0")), ("temporaryPassword", json!(""))] {
        let faulty = body(json!({wrong: field, "newPassword": "password1234"}));
        let answer = activate(&world, "192.0.2.1", &faulty).await;
        assert_eq!((answer.status.as_u16(), answer.faulty_fields()), (400, vec![wrong.to_owned()]));
    }
    let guessed = activate(&world, "192.0.2.1", &body(json!({"newPassword": "password1234"}))).await;
    assert_eq!(guessed.faulty_fields(), ["newPassword"]);
    // Its length is one of several faults.
    let both = activate(&world, "192.0.2.1", &body(json!({"email": "nobody", "newPassword": "short"}))).await;
    assert_eq!(both.faulty_fields(), ["email", "newPassword"]);
}

#[tokio::test(start_paused = true)]
async fn every_try_that_is_refused_counts_for_its_source() {
    // Tries are counted by the clock's five minutes.
    with_clock(async |_| count().await).await;
}

async fn count() {
    let world = World::with_people(1).await;
    world.send("NORTH").await;
    world.pump().await;
    let source = "192.0.2.7";
    let refused = [
        (json!({"newPassword": "password1234"}), 400),
        (json!({"newPassword": "short"}), 400),
        (json!({"email": "nobody"}), 400),
        (json!({"surprise": 1}), 400),
    ];
    for _ in 0..25 {
        for (changes, status) in &refused {
            assert_eq!(activate(&world, source, &body(changes.clone())).await.status, *status);
        }
    }
    for (changes, _) in &refused {
        let answer = activate(&world, source, &body(changes.clone())).await;
        assert_eq!(answer.status, 429, "{}", answer.text);
        assert!(answer.headers.contains_key("retry-after"));
    }
    let broken = Call::new("POST", "/v1/activations").public().from(source).body("application/json", "{");
    assert_eq!(world.call(broken).await.status, 429);
    assert_eq!(activate(&world, "198.51.100.1", &body(json!({"email": "nobody"}))).await.status, 400);

    let email = world.email("p0");
    let right = body(json!({"email": email, "temporaryPassword": world.passwords(&email)[0]}));
    assert_eq!(activate(&world, source, &right).await.status, 204, "the right password is never refused");
}

//! Optimistic locking, alike for everything that can be changed: `ETag` on answers, `If-Match` on changes.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::World;
use tests::http::{Answer, Call};
use tests::scheduling::{Scheduling, weekly};
use tests::world::SENDER;

const DIVISION: &str = "/v1/divisions/NORTH";

/// What is changed by `PUT`: its path, and a body that says something else for each word.
struct Changed {
    path: String,
    body: fn(&str) -> Value,
}

fn division(word: &str) -> Value {
    json!({"name": word, "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com"})
}

fn template(word: &str) -> Value {
    let body = "{{temporaryPassword}} {{activationLink}}";
    json!({"name": word, "subject": "Welcome", "html": "{{temporaryPassword}} <a href=\"{{activationLink}}\">Go</a>",
        "text": body})
}

fn schedule(word: &str) -> Value {
    weekly(json!({"name": word}))
}

async fn all_three(scheduling: &Scheduling) -> [Changed; 3] {
    let world = &scheduling.world;
    let made = world.call(Call::new("POST", "/v1/templates").json(&template("One"))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let template_id = made.json()["templateId"].as_str().unwrap().to_owned();
    let schedule_id = scheduling.schedule(json!({})).await["scheduleId"].as_str().unwrap().to_owned();
    [
        Changed { path: DIVISION.to_owned(), body: division },
        Changed { path: format!("/v1/templates/{template_id}"), body: template },
        Changed { path: format!("/v1/schedules/{schedule_id}"), body: schedule },
    ]
}

fn tag(answer: &Answer) -> String {
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.headers["etag"].to_str().unwrap().to_owned()
}

async fn get(world: &World, path: &str) -> Answer {
    world.call(Call::new("GET", path)).await
}

#[tokio::test]
async fn a_change_of_what_somebody_else_has_changed_is_refused_alike_everywhere() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    for Changed { path, body } in all_three(&scheduling).await {
        let put = async |word: &str, if_match: &str| {
            world.call(Call::new("PUT", &path).header("If-Match", if_match).json(&body(word))).await
        };
        let read = tag(&get(world, &path).await);
        let done = put("Two", &read).await;
        let now = tag(&done);
        assert_ne!(now, read, "{path}");
        assert_eq!(tag(&get(world, &path).await), now, "{path}: of the same thing");
        let late = put("Late", &read).await;
        assert_eq!((late.status.as_u16(), &late.json()["type"]), (412, &json!("/problems/changed")), "{}", late.text);
        assert_eq!(late.json()["etag"], json!(now), "{path}");
        assert_eq!(get(world, &path).await.json()["name"], "Two", "{path}: nothing is changed");
        // One of several tags is enough; a weak one is not, and a star takes whatever is there.
        assert_eq!(put("Weak", &format!("W/{now}")).await.status, 412, "{path}");
        let now = tag(&put("Three", &format!("{read}, {now}")).await);
        assert_ne!(tag(&put("Four", "*").await), now, "{path}");
        for wrong in ["7", "", "\"7"] {
            assert_eq!(put("Wrong", wrong).await.faulty_fields(), ["If-Match"], "{path} {wrong}");
        }
        assert_eq!(get(world, &path).await.json()["name"], "Four", "{path}");
    }
}

#[tokio::test]
async fn of_many_changes_of_the_same_at_once_one_is_made() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    for Changed { path, body } in all_three(&scheduling).await {
        let read = tag(&get(world, &path).await);
        let changes = ["a", "b", "c", "d", "e"].map(|word| {
            let call = Call::new("PUT", &path).header("If-Match", &read).json(&body(word));
            world.call(call)
        });
        let answers = join_all(changes).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412], "{path}");
        let done = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(get(world, &path).await.json()["name"], done.json()["name"], "{path}");
    }
}

#[tokio::test]
async fn a_switch_or_deletion_of_what_has_changed_is_refused_too() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let [_, template, schedule] = all_three(&scheduling).await;
    for (path, verbs) in [(&template.path, ["deactivate", "activate"]), (&schedule.path, ["pause", "resume"])] {
        let mut read = tag(&get(world, path).await);
        for verb in verbs {
            let call = Call::new("POST", &format!("{path}/{verb}"));
            let old = world.call(call.clone().header("If-Match", "\"0\"")).await;
            assert_eq!((old.status.as_u16(), &old.json()["type"]), (412, &json!("/problems/changed")), "{verb}");
            assert_eq!(tag(&get(world, path).await), read, "{verb}: nothing is changed");
            let now = tag(&world.call(call.header("If-Match", &read)).await);
            assert_ne!(now, read, "{verb}");
            read = now;
        }
    }
    let delete = |if_match: &str| Call::new("DELETE", &schedule.path).header("If-Match", if_match);
    let read = tag(&get(world, &schedule.path).await);
    assert_eq!(world.call(delete("\"0\"")).await.status, 412);
    assert_eq!(world.call(delete(&read)).await.status, 204);
}

#[tokio::test]
async fn without_a_tag_everything_is_as_before() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    let [_, template, schedule] = all_three(&scheduling).await;
    for (Changed { path, body }, field) in [(template, "version"), (schedule, "revision")] {
        let put = async |number: Value, if_match: Option<&str>| {
            let mut body = body("Two");
            body[field] = number;
            let call = Call::new("PUT", &path).json(&body);
            world.call(if_match.iter().fold(call, |call, tag| call.header("If-Match", tag))).await
        };
        assert_eq!(put(Value::Null, None).await.faulty_fields(), [field], "{path}");
        assert_eq!(put(json!(7), None).await.status, 409, "{path}");
        // Who sends both means both.
        assert_eq!(put(json!(7), Some("*")).await.status, 409, "{path}");
        assert_eq!(put(json!(1), Some("*")).await.status, 200, "{path}");
    }
    let south = Call::new("PUT", "/v1/divisions/SOUTH").json(&division("South"));
    let nothing = world.call(south.clone().header("If-Match", "*")).await;
    assert_eq!((nothing.status.as_u16(), &nothing.json()["etag"]), (412, &Value::Null), "{}", nothing.text);
    assert_eq!(get(world, "/v1/divisions/SOUTH").await.status, 404);
    let made = world.call(south).await;
    assert_eq!((made.status.as_u16(), tag(&made)), (201, tag(&get(world, "/v1/divisions/SOUTH").await)));
}

//! The deployed system: through the gateway, the queues and the built binaries.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::contract;
use tests::ses::event;
use tests::stack::{Answer, Request, fetch};
use tests::{Account, Contact, Stack};

struct Api {
    stack: Stack,
    token: String,
}

impl Api {
    fn signed_in() -> Self {
        let stack = Stack::running();
        let token = stack.token();
        Self { stack, token }
    }

    /// A request as an operator with all permissions makes it.
    fn request(&self, method: &str, path: &str) -> Request {
        self.bearing(&self.token, method, path)
    }

    fn bearing(&self, token: &str, method: &str, path: &str) -> Request {
        let request = Request::new().method(method).uri(format!("{}/v1{path}", self.stack.api_url));
        request.header("authorization", format!("Bearer {token}"))
    }

    fn get(&self, path: &str) -> Value {
        json(&fetch(self.request("GET", path), ""))
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        fetch(self.request(method, path).header("content-type", "application/json"), &body.to_string())
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(answer.body()).unwrap_or_else(|_| json!(answer.body()))
}

fn unique(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::new_v4().simple())
}

const SENDER: &str = "success+flow@simulator.amazonses.com";

/// Stores a division with this many people, whose addresses have this ending.
fn import(api: &Api, division: &str, ending: &str, people: usize) {
    let body = json!({"name": "Flow", "email": SENDER, "timeZone": "Europe/Berlin", "portalUrl": "https://portal.example.com"});
    let put = api.send("PUT", &format!("/divisions/{division}"), &body);
    assert!(put.status().is_success(), "{put:?}");
    let accounts = (0..people).map(|i| {
        let contact = Contact::new("1", &format!("p{i}{ending}"));
        Account::new(division, &format!("{division}-{i}")).contact(contact).0.to_string()
    });
    let post = api.request("POST", "/accounts").header("content-type", "application/x-ndjson");
    let stored = json(&fetch(post, &accounts.collect::<Vec<_>>().join("\n")));
    assert_eq!(stored["stored"], people, "{stored}");
}

/// Sends to everyone in a division and waits for the end of the campaign; answers it.
fn send(api: &Api, division: &str, people: usize) -> Value {
    let request = json!({
        "filter": {"division": division}, "templateId": "portal-invitation", "emailFrom": SENDER,
        "expectedRecipients": people,
    });
    let post = api.request("POST", "/campaigns").header("content-type", "application/json");
    let post = fetch(post.header("idempotency-key", unique("k")), &request.to_string());
    assert_eq!(post.status(), 202, "{post:?}");
    let location = post.headers()["location"].to_str().unwrap().to_owned();
    let started = json(&post);
    assert_eq!(location, format!("campaigns/{}", started["campaignId"].as_str().unwrap()));
    until("the campaign ends", || {
        let campaign = api.get(&format!("/{location}"));
        (campaign["state"] == "completed").then_some(campaign)
    })
}

/// Asks every half second, for two minutes at most.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    within(Duration::from_secs(120), what, ask)
}

fn within<T>(patience: Duration, what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < patience, "{what}: it does not");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn the_whole_flow_from_import_to_mail() {
    let api = Api::signed_in();
    let (division, ending, people) = (unique("D"), format!("@{}.example.com", unique("m")), 120);
    import(&api, &division, &ending, people);
    let counts = api.get(&format!("/counts?division={division}"));
    assert_eq!((&counts["total"], &counts["willEmail"]), (&json!(people), &json!(people)));
    let campaign = send(&api, &division, people);
    assert_eq!(campaign["outcomes"]["sent"], people);
    let mails = api.stack.mails(&ending);
    assert_eq!(mails.len(), people);
    let link = format!("{}/activate#division={division}&", api.stack.public_url);
    assert!(mails[0].contains(&link), "{}", mails[0]);
    // A scanner of mail may ask for the head alone.
    for method in ["HEAD", "GET"] {
        let page = format!("{}/activate", api.stack.public_url);
        assert_eq!(fetch(Request::new().method(method).uri(page), "").status(), 200, "{method}");
    }
}

#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn a_schedule_fires_once_when_it_is_due_and_mails() {
    let api = Api::signed_in();
    let (division, ending, people) = (unique("D"), format!("@{}.example.com", unique("m")), 3);
    import(&api, &division, &ending, people);
    let due = Timestamp::now().round(jiff::Unit::Second).unwrap() + SignedDuration::from_secs(30);
    let local = due.to_zoned(jiff::tz::TimeZone::get("Europe/Berlin").unwrap()).datetime();
    let schedule = json!({
        "name": "Once", "filter": {"division": division}, "templateId": "portal-invitation", "emailFrom": SENDER,
        "maxRecipients": people, "rule": {"at": local.to_string()},
    });
    let made = api.send("POST", "/schedules", &schedule);
    assert_eq!(made.status(), 201, "{made:?}");
    let made = json(&made);
    let next: Vec<Timestamp> = serde_json::from_value(made["nextRuns"].clone()).unwrap();
    assert_eq!(next, [due]);
    let path = format!("/schedules/{}", made["scheduleId"].as_str().unwrap());
    let occurrence = within(Duration::from_secs(240), "the schedule is due", || {
        let page = api.get(&format!("{path}/occurrences"));
        page["items"].get(0).cloned()
    });
    assert_eq!(
        (&occurrence["result"], &occurrence["scheduledAt"]),
        (&json!("started"), &json!(due.to_string())),
        "{occurrence}"
    );
    let handled: Timestamp = serde_json::from_value(occurrence["at"].clone()).unwrap();
    assert!(handled >= due, "not before its time");
    let campaign = format!("/campaigns/{}", occurrence["campaignId"].as_str().unwrap());
    let ended = until("the campaign ends", || {
        let campaign = api.get(&campaign);
        (campaign["state"] == "completed").then_some(campaign)
    });
    assert_eq!((&ended["outcomes"]["sent"], &ended["schedule"]["name"]), (&json!(people), &json!("Once")));
    assert_eq!(api.stack.mails(&ending).len(), people);
    let shown = api.get(&path);
    assert_eq!((&shown["state"], &shown["nextRuns"]), (&json!("ended"), &json!([])));
}

#[tokio::test]
#[ignore = "needs a local cloud, as make test starts one"]
async fn what_ses_publishes_to_the_topic_reaches_recipient_and_campaign() {
    let api = Api::signed_in();
    let division = unique("D");
    import(&api, &division, &format!("@{}.example.com", unique("m")), 1);
    let campaign = send(&api, &division, 1);
    let campaign_id = campaign["campaignId"].as_str().unwrap();
    let listed = api.get(&format!("/recipients?division={division}"));
    let recipient_id = listed["items"][0]["recipientId"].as_str().unwrap();
    let bounce = event("bounce", campaign_id.parse().unwrap(), recipient_id.parse().unwrap(), 1, "0100-example");
    let sns = aws_sdk_sns::Client::new(&api.stack.config());
    let publish = sns.publish().topic_arn(&api.stack.topics["Feedback"]).message(bounce.to_string());
    publish.send().await.unwrap();
    until("the recipient is undeliverable", || {
        let counts = api.get(&format!("/counts?division={division}"));
        (counts["excluded"]["undeliverable"] == 1).then_some(())
    });
    let campaign = api.get(&format!("/campaigns/{campaign_id}"));
    assert_eq!((&campaign["feedback"]["bounced"], &campaign["outcomes"]["sent"]), (&json!(1), &json!(1)));
}

#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn without_a_token_or_with_a_wrong_one_nobody_gets_in() {
    let api = Api::signed_in();
    let status = |token: &str, path: &str| fetch(api.bearing(token, "GET", path), "").status();
    for (method, path) in contract::routes_of_operators() {
        let unsigned =
            Request::new().method(method).uri(format!("{}{}", api.stack.api_url, path.replace(['{', '}'], "")));
        refused(&fetch(unsigned, ""), 401);
    }
    for path in ["/filters", "/campaigns/x"] {
        refused(&fetch(api.bearing("garbage", "GET", path), ""), 401);
        // Another character in the middle of the signature; at its end it might change no bit.
        let (kept, rest) = api.token.split_at(api.token.len() - 40);
        let forged = format!("{kept}{}{}", if rest.starts_with('A') { 'B' } else { 'A' }, &rest[1..]);
        refused(&fetch(api.bearing(&forged, "GET", path), ""), 401);
    }
    let nowhere = Request::new().uri(format!("{}/v1/nothing", api.stack.api_url));
    refused(&fetch(nowhere, ""), 404);
    let tokens = api.stack.sign_in(&api.stack.operator.username, &api.stack.operator.password);
    let access = tokens["AccessToken"].as_str().unwrap();
    assert_eq!(status(access, "/filters"), 401, "an access token is no ID token");
}

/// The gateway refused a call, with a problem.
fn refused(answer: &Answer, status: u16) {
    assert_eq!((answer.status().as_u16(), json(answer)["status"].clone()), (status, status.into()));
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("content-type"), Some("application/problem+json"));
    assert_eq!(header("www-authenticate"), Some("Bearer").filter(|_| status == 401));
}

#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn a_token_without_390_is_told_what_is_missing() {
    let api = Api::signed_in();
    let username = unique("u");
    let password = format!("Aa1!{}", unique(""));
    let pool = &api.stack.user_pool_id;
    let create = json!({
        "UserPoolId": pool, "Username": username, "TemporaryPassword": password, "MessageAction": "SUPPRESS",
    });
    api.stack.cognito("AdminCreateUser", &create);
    let set = json!({"UserPoolId": pool, "Username": username, "Password": password, "Permanent": true});
    api.stack.cognito("AdminSetUserPassword", &set);
    let tokens = api.stack.sign_in(&username, &password);
    let answer = fetch(api.bearing(tokens["IdToken"].as_str().unwrap(), "GET", "/filters"), "");
    assert_eq!(answer.status(), 403);
    let problem = json(&answer);
    assert!(problem["detail"].as_str().unwrap().contains("390, Send Account Portal Invitations"), "{problem}");
}

/// The token of the client that the template has for programs that import.
fn machine_token(api: &Api) -> String {
    let pool = &api.stack.user_pool_id;
    let clients = api.stack.cognito("ListUserPoolClients", &json!({"UserPoolId": pool, "MaxResults": 60}));
    let client = clients["UserPoolClients"].as_array().unwrap().iter().find(|client| client["ClientName"] == "import");
    let id = client.expect("the local cloud has ImportClient=true")["ClientId"].as_str().unwrap();
    let client = api.stack.cognito("DescribeUserPoolClient", &json!({"UserPoolId": pool, "ClientId": id}));
    let secret = client["UserPoolClient"]["ClientSecret"].as_str().unwrap();
    let settings = Request::new().uri(format!("{}/settings.json", api.stack.api_url));
    let endpoint = json(&fetch(settings, ""))["signIn"]["tokenUrl"].as_str().unwrap().to_owned();
    let request =
        Request::new().method("POST").uri(endpoint).header("content-type", "application/x-www-form-urlencoded");
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    json(&fetch(request, &body))["access_token"].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn a_machine_client_imports_and_does_nothing_else() {
    let api = Api::signed_in();
    let token = machine_token(&api);
    let division = unique("M");
    let send = |token: &str, method: &str, path: &str, body: &Value| {
        let request = api.bearing(token, method, path).header("content-type", "application/json");
        fetch(request, &body.to_string())
    };
    let body = json!({"name": "Machine", "email": SENDER, "timeZone": "Europe/Berlin", "portalUrl": "https://portal.example.com"});
    let path = format!("/machine/divisions/{division}");
    assert_eq!(send(&api.token, "PUT", &path, &body).status(), 401, "an operator's ID token has no scope");
    let access = api.stack.sign_in(&api.stack.operator.username, &api.stack.operator.password)["AccessToken"].clone();
    assert_eq!(
        send(access.as_str().unwrap(), "PUT", &path, &body).status(),
        401,
        "nor has their access token this one"
    );
    assert_eq!(send(&token, "PUT", &path, &body).status(), 201);
    let account = Account::new(&division, &unique("A")).contact(Contact::new("1", "ann@customers.example.com"));
    let posted = send(&token, "POST", "/machine/accounts", &json!([account.0]));
    assert_eq!((posted.status().as_u16(), &json(&posted)["stored"]), (200, &json!(1)), "{posted:?}");
    for (method, path) in [("GET", format!("/counts?division={division}")), ("POST", "/campaigns".to_owned())] {
        // AWS's gateway refuses it (401) on a path without scopes; the local one leaves that to the function.
        let status = send(&token, method, &path, &json!({})).status();
        assert!(matches!(status.as_u16(), 401 | 403), "{method} {path}: {status}");
    }
    assert_eq!(api.get(&format!("/counts?division={division}"))["total"], 1);
}

/// `FanOutFunction` in the template is `fan-out` in a file name.
fn file_name_of(logical: &str) -> String {
    let mut name = String::new();
    for letter in logical.trim_end_matches("Function").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// Every event in `events/`, through the binary that `sam build` made, by the name of the function that takes it.
#[test]
#[ignore = "needs a local cloud, as make test starts one"]
fn every_event_runs_through_its_built_function() {
    let stack = Stack::running();
    let events = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../events")).unwrap();
    let mut paths: Vec<_> = events.map(|entry| entry.unwrap().path()).collect();
    // The example division comes first: the account is imported into it.
    paths.sort_by_key(|path| (!path.ends_with("directory-put-division.json"), path.clone()));
    for function in stack.functions.keys().map(|logical| file_name_of(logical)) {
        let has_event = |path: &std::path::PathBuf| {
            path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{function}-"))
        };
        assert!(paths.iter().any(has_event), "{function} has no event");
    }
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (function, deployed) = stack
            .functions
            .iter()
            .map(|(logical, deployed)| (file_name_of(logical), deployed))
            .find(|(function, _)| name.starts_with(&format!("{function}-")))
            .unwrap_or_else(|| panic!("{name} names no function"));
        let answer = stack.invoke(deployed, &std::fs::read_to_string(&path).unwrap());
        assert!(answer.headers().get("x-amz-function-error").is_none(), "{name}: {}", answer.body());
        let answer = json(&answer);
        match function.as_str() {
            "fan-out" | "deliver" | "feedback" | "resend" => {
                assert_eq!(answer["batchItemFailures"], json!([]), "{name}: {answer}")
            }
            "sweep" => assert!(answer["active"].is_number(), "{name}: {answer}"),
            // Their answers are not used; the result of a run is in the schedule's occurrences.
            "scheduled-send" | "rollup" => {}
            _ => {
                // The example division is there or not, depending on the order of the events; no event is malformed.
                let status = answer["statusCode"].as_u64().unwrap();
                // Nobody has the temporary password of that event.
                let refused = name == "activate-post" && status == 403;
                assert!(refused || [200, 201, 202, 204, 302, 400, 404, 409].contains(&status), "{name}: {answer}");
                assert!(
                    status != 400 || answer["body"].as_str().unwrap().contains("not a known division"),
                    "{name}: {answer}"
                );
            }
        }
    }
}

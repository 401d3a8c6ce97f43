//! `/v1/templates`, and campaigns that use one.

use portal_aws::directory::keys;
use portal_aws::table::key;
use portal_domain::TemplateId;
use portal_domain::mail::template::newest_built_in;
use serde_json::{Value, json};
use tests::cloud::DIRECTORY;
use tests::http::{Answer, Call};
use tests::world::SENDER;
use tests::{Account, Contact, World};

const BUILT_IN: &str = "/v1/templates/portal-invitation";

/// A template whose e-mails say `word`.
fn draft(word: &str) -> Value {
    json!({
        "name": format!("Spring {word}"),
        "subject": format!("{word}: your access to {{{{division.name}}}}"),
        "html": format!("<p>{word}</p><b>{{{{temporaryPassword}}}}</b> <a href=\"{{{{activationLink}}}}\">Activate</a>"),
        "text": format!("{word}\n{{{{temporaryPassword}}}}\n{{{{activationLink}}}}\n"),
    })
}

fn edit(word: &str, version: u32) -> Value {
    let mut edit = draft(word);
    edit["version"] = json!(version);
    edit
}

async fn world() -> World {
    let world = World::new().await;
    let people = ["ann", "ben"].map(|name| {
        let contact = Contact::new("1", &world.email(name)).with("name", format!("{name} <&>"));
        Account::new("NORTH", name).contact(contact)
    });
    world.import(people).await;
    world
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    world.call(Call::new("POST", path).json(body)).await
}

async fn get(world: &World, path: &str) -> Answer {
    world.call(Call::new("GET", path)).await
}

/// Makes a template and answers its path.
async fn made(world: &World, word: &str) -> String {
    let answer = post(world, "/v1/templates", &draft(word)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    format!("/v1/{}", answer.headers["location"].to_str().unwrap())
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

async fn start(world: &World, path: &str, key: &str) -> Answer {
    let mut body = world.send_request("NORTH").await;
    body["templateId"] = json!(id_of(path));
    world.post_campaign(key, &body).await
}

fn kind(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["type"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_save_is_a_version_of_its_own_with_who_and_when() {
    let world = world().await;
    let path = made(&world, "One").await;
    let second = world.call(Call::new("PUT", &path).json(&edit("Two", 1)).claim("email", "bea@example.com")).await;
    assert_eq!((second.status.as_u16(), &second.json()["version"]), (200, &json!(2)));
    let newest = get(&world, &path).await.json();
    assert_eq!(newest, second.json());
    assert_eq!((&newest["name"], &newest["updatedBy"]), (&json!("Spring Two"), &json!("bea@example.com")));
    assert_eq!((&newest["active"], &newest["builtIn"]), (&json!(true), &json!(false)));
    let first = get(&world, &format!("{path}?version=1")).await.json();
    for (field, value) in draft("One").as_object().unwrap() {
        assert_eq!(&first[field], value);
    }
    assert_eq!((&first["version"], &first["updatedBy"]), (&json!(1), &json!("operator@example.com")));
    let versions = get(&world, &format!("{path}/versions")).await.json();
    let versions: Vec<_> = versions["items"].as_array().unwrap().iter().map(|v| (&v["version"], &v["name"])).collect();
    assert_eq!(versions, [(&json!(2), &json!("Spring Two")), (&json!(1), &json!("Spring One"))]);
    for missing in [format!("{path}?version=3"), "/v1/templates/x".to_owned(), "/v1/templates/x/versions".to_owned()] {
        assert_eq!(get(&world, &missing).await.status, 404, "{missing}");
    }
    assert_eq!(get(&world, &format!("{path}?version=0")).await.faulty_fields(), ["version"]);
}

#[tokio::test]
async fn an_edit_of_an_old_version_is_refused_and_one_of_two_saves_wins() {
    let world = world().await;
    let path = made(&world, "One").await;
    let edits = ["a", "b", "c", "d"].map(|word| {
        let body = edit(word, 1);
        let call = Call::new("PUT", &path).json(&body);
        world.call(call)
    });
    let answers = futures::future::join_all(edits).await;
    let (done, changed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), changed.len()), (1, 3));
    for answer in changed {
        assert_eq!(kind(answer), (409, "/problems/template-changed".to_owned()));
        let problem = answer.json();
        assert_eq!((&problem["version"], &problem["updatedBy"]), (&json!(2), &json!("operator@example.com")));
        assert!(problem["updatedAt"].is_string());
    }
    assert_eq!(get(&world, &path).await.json(), done[0].json());
    let ahead = world.call(Call::new("PUT", &path).json(&edit("x", 7))).await;
    assert_eq!(kind(&ahead), (409, "/problems/template-changed".to_owned()));
    let nowhere = world.call(Call::new("PUT", "/v1/templates/01KAP5ZT00EXAMPKE00000000Z").json(&edit("x", 1))).await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn a_refused_template_is_told_every_fault_with_its_place_and_changes_nothing() {
    let world = world().await;
    let path = made(&world, "One").await;
    let mut body = edit("Two", 1);
    body["html"] = json!("<p>\n<script>alert(1)</script>\n{{#if name}}{{nobody}}");
    body["subject"] = json!("{{temporaryPassword}}");
    for answer in [
        world.call(Call::new("PUT", &path).json(&body)).await,
        post(&world, "/v1/templates/preview", &{
            let mut body = body.clone();
            let fields = body.as_object_mut().unwrap();
            fields.remove("name");
            fields.remove("version");
            fields.insert("division".to_owned(), json!("NORTH"));
            body
        })
        .await,
    ] {
        assert_eq!(kind(&answer), (400, "/problems/invalid-request".to_owned()));
        let problem = answer.json();
        let places: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["field"].as_str().unwrap(), error["line"].as_u64(), error["column"].as_u64()))
            .collect();
        for place in [("subject", 1, 1), ("html", 2, 1), ("html", 3, 1), ("html", 3, 13), ("html", 1, 1)] {
            assert!(places.contains(&(place.0, Some(place.1), Some(place.2))), "{place:?}: {problem}");
        }
    }
    assert_eq!(get(&world, &path).await.json()["version"], 1);
}

#[tokio::test]
async fn the_built_in_template_can_be_copied_and_not_broken() {
    let world = world().await;
    let built_in = get(&world, BUILT_IN).await.json();
    assert_eq!(
        (&built_in["builtIn"], &built_in["version"], &built_in["updatedAt"]),
        (&json!(true), &json!(newest_built_in().version), &Value::Null)
    );
    let refused = [
        world.call(Call::new("PUT", BUILT_IN).json(&edit("x", 1))).await,
        post(&world, &format!("{BUILT_IN}/deactivate"), &json!({})).await,
    ];
    for answer in refused {
        assert_eq!(kind(&answer), (409, "/problems/built-in-template".to_owned()));
    }
    assert_eq!(post(&world, &format!("{BUILT_IN}/activate"), &json!({})).await.status, 200);
    let mut copy = json!({"name": "A copy"});
    for field in ["subject", "html", "text"] {
        copy[field] = built_in[field].clone();
    }
    let copied = post(&world, "/v1/templates", &copy).await;
    assert_eq!(copied.status, 201, "{}", copied.text);
    made(&world, "Zoo").await;
    let list = get(&world, "/v1/templates").await.json();
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Portal Invitation", "A copy", "Spring Zoo"]);
    assert!(list["items"][1].get("html").is_none(), "a list is without the text");
}

#[tokio::test]
async fn a_template_has_a_language_which_its_e_mails_are_in() {
    let world = world().await;
    let path = made(&world, "One").await;
    assert_eq!(get(&world, &path).await.json()["language"], "en", "nobody named one");
    let mut german = edit("Zwei", 1);
    (german["language"], german["text"]) =
        (json!("DE-at"), json!("{{temporaryPassword}} {{activationLink}}\nbis {{expires}}"));
    let saved = world.call(Call::new("PUT", &path).json(&german)).await;
    assert_eq!((saved.status.as_u16(), &saved.json()["language"]), (200, &json!("de-AT")), "{}", saved.text);
    german["language"] = json!("tlh");
    let refused = world.call(Call::new("PUT", &path).json(&german)).await;
    let error = refused.json()["errors"][0].clone();
    assert_eq!((refused.status.as_u16(), &error["field"]), (400, &json!("language")));
    assert!(error["message"].as_str().unwrap().contains("cs, da, de, en, es"), "{error}");
    let offered = get(&world, "/v1/filters").await.json()["languages"].clone();
    assert!(offered.as_array().unwrap().contains(&json!("de-AT")), "{offered}");
    assert_eq!(start(&world, &path, "k1").await.status, 202);
    world.pump().await;
    let mail = world.mails().remove(0);
    assert!(mail.html.starts_with("<html lang=\"de-AT\">"), "{}", mail.html);
    let expires = mail.text.split_once("\nbis ").unwrap().1;
    let days = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
    assert!(days.iter().any(|day| expires.starts_with(&format!("{day}, "))), "{expires}");
}

#[tokio::test]
async fn a_campaign_needs_an_active_template_and_keeps_its_version() {
    let world = world().await;
    let path = made(&world, "One").await;
    let offered = get(&world, "/v1/filters").await.json()["templates"].clone();
    assert_eq!(offered[1], json!({"templateId": id_of(&path), "name": "Spring One", "version": 1}));
    let started = start(&world, &path, "k1").await;
    assert_eq!(started.status, 202, "{}", started.text);
    let id = started.json()["campaignId"].as_str().unwrap().parse().unwrap();
    // Before any e-mail is made, the template is edited and switched off.
    world.call(Call::new("PUT", &path).json(&edit("Two", 1))).await;
    let off = world.call(Call::new("POST", &format!("{path}/deactivate")).claim("email", "bea@example.com")).await;
    let off = off.json();
    assert_eq!(
        (&off["active"], &off["version"], &off["activeChangedBy"]),
        (&json!(false), &json!(2), &json!("bea@example.com"))
    );
    assert!(off["activeChangedAt"].is_string());
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["sent"]), (&json!("completed"), &json!(2)));
    assert_eq!((&campaign["templateVersion"], &campaign["templateName"]), (&json!(1), &json!("Spring One")));
    let mails = world.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert_eq!(mail.subject, "One: your access to NORTH Hauling");
        assert!(
            mail.html.contains("<a ses:no-track href=\"https://invites.example.com/activate#division&#x3D;NORTH&amp;")
        );
        assert!(mail.html.contains(mail.password()) && mail.text.starts_with("One\n"));
        let recipient = world.recipient("NORTH", &mail.to[0]).await.unwrap();
        assert!(recipient.digest.unwrap().verifies(mail.password()));
    }
    // A deactivated template is neither offered nor accepted, like an unknown one.
    assert_eq!(get(&world, "/v1/filters").await.json()["templates"].as_array().unwrap().len(), 1);
    for refused in [start(&world, &path, "k2").await, start(&world, "/v1/templates/unknown", "k3").await] {
        assert_eq!((refused.status.as_u16(), refused.faulty_fields()), (400, vec!["templateId".to_owned()]));
    }
    let again = post(&world, &format!("{path}/activate"), &json!({})).await.json();
    assert_eq!((&again["active"], &again["version"]), (&json!(true), &json!(2)));
}

#[tokio::test]
async fn without_its_template_version_nobody_is_mailed_and_every_row_says_why() {
    let world = world().await;
    let path = made(&world, "One").await;
    let started = start(&world, &path, "k").await;
    let id = started.json()["campaignId"].as_str().unwrap().parse().unwrap();
    let lost = key(keys::template_pk(&TemplateId::new(id_of(&path))), keys::version_sk(1));
    world.dynamo.delete_item().table_name(DIRECTORY).set_key(Some(lost)).send().await.unwrap();
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["failed"]), (&json!("completed"), &json!(2)));
    assert!(world.ledger(id).await.iter().all(|row| row.reason.as_deref() == Some("notRenderable")));
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn a_preview_shows_somebody_or_a_sample_person_and_never_a_password() {
    let world = world().await;
    let path = made(&world, "One").await;
    let preview = format!("{path}/preview");
    let ann = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    let for_ann = json!({"division": "NORTH", "recipientId": ann.recipient_id.to_string()});
    let mut unsaved = for_ann.clone();
    unsaved["subject"] = json!("Hello {{name}}");
    unsaved["html"] =
        json!("<i title='{{name}}'>{{name}}</i> {{temporaryPassword}} <a href='{{activationLink}}'>x</a>");
    unsaved["text"] = json!("{{name}} {{temporaryPassword}} {{activationLink}}");
    let unsaved = post(&world, "/v1/templates/preview", &unsaved).await;
    assert_eq!(unsaved.status, 200, "{}", unsaved.text);
    let unsaved = unsaved.json();
    assert_eq!(unsaved["subject"], "Hello ann <&>");
    assert!(
        unsaved["html"]
            .as_str()
            .unwrap()
            .starts_with("<i title='ann &lt;&amp;&gt;'>ann &lt;&amp;&gt;</i> •••••-•••••-")
    );
    assert!(unsaved["text"].as_str().unwrap().contains("/activate#division=NORTH&email="));

    let stored = post(&world, &preview, &json!({"division": "NORTH"})).await.json();
    assert_eq!(stored["subject"], "One: your access to NORTH Hauling");
    assert!(stored["text"].as_str().unwrap().contains("temporaryPassword=•••••-•••••-•••••-•••••-•••••"));
    let built_in =
        post(&world, &format!("{BUILT_IN}/preview"), &json!({"division": "NORTH", "version": 1})).await.json();
    assert!(built_in["text"].as_str().unwrap().contains("Hello Sam Sample,"));
    let after = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    assert_eq!((after.version, after.digest), (ann.version, None), "a preview changes nobody");

    world.put_division("SOUTH").await;
    for (body, field) in [
        (json!({"division": "NOWHERE"}), "division"),
        (json!({"division": "SOUTH", "recipientId": ann.recipient_id.to_string()}), "recipientId"),
        (json!({"division": "NORTH", "recipientId": "x"}), "recipientId"),
        (json!({"division": "NORTH", "version": 0}), "version"),
        (json!({"division": "NORTH", "to": "x"}), "to"),
    ] {
        let refused = post(&world, &preview, &body).await;
        assert_eq!((refused.status.as_u16(), refused.faulty_fields()), (400, vec![field.to_owned()]));
    }
    assert_eq!(post(&world, &preview, &json!({"division": "NORTH", "version": 2})).await.status, 404);
}

#[tokio::test]
async fn a_test_mail_goes_to_the_operators_own_verified_address_and_changes_nobody() {
    let world = world().await;
    let path = format!("{}/test", made(&world, "One").await);
    let ann = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    let body = json!({"division": "NORTH", "emailFrom": SENDER, "recipientId": ann.recipient_id.to_string()});
    let own = world.email("operator");
    let call = |body: &Value| Call::new("POST", &path).json(body).claim("email", own.clone());
    for verified in [json!("false"), json!(false), Value::Null] {
        let refused = world.call(call(&body).claim("email_verified", verified)).await;
        assert_eq!(kind(&refused), (409, "/problems/address-not-verified".to_owned()));
    }
    let mut elsewhere = body.clone();
    elsewhere["emailFrom"] = json!("someone@not-verified.example");
    let refused = world.call(call(&elsewhere).claim("email_verified", "true")).await;
    assert_eq!(kind(&refused), (422, "/problems/sender-refused".to_owned()));
    let mut to = body.clone();
    to["to"] = json!("someone@example.com");
    assert_eq!(world.call(call(&to).claim("email_verified", "true")).await.faulty_fields(), ["to"]);
    assert!(world.mails().is_empty());

    let sent = world.call(call(&body).claim("email_verified", "true")).await;
    assert_eq!((sent.status.as_u16(), sent.json()), (200, json!({"to": own})));
    let mails = world.mails();
    let [mail] = &mails[..] else { panic!("one mail, not {}", mails.len()) };
    assert_eq!((&mail.to, &mail.from), (&vec![own], &SENDER.to_owned()));
    assert_eq!(mail.subject, "[Test] One: your access to NORTH Hauling");
    assert_eq!(mail.password(), "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX");
    let after = world.recipient("NORTH", &world.email("ann")).await.unwrap();
    assert_eq!((after.version, after.digest), (ann.version, None), "a test mail changes nobody");
}

#[tokio::test]
async fn templates_need_permission_390() {
    let world = World::empty();
    for (method, path) in
        [("GET", "/v1/templates"), ("POST", "/v1/templates"), ("POST", "/v1/templates/preview"), ("PUT", BUILT_IN)]
    {
        let call = Call::new(method, path).claim("cognito:groups", "directory");
        assert_eq!(world.call(call).await.status, 403, "{method} {path}");
    }
}

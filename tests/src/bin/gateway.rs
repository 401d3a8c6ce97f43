//! The API on AWS in memory, over standard input and output: the first line written has ids of what is there, then each
//! line with a request is answered by a line. For tests in other languages.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};
use tests::http::Call;
use tests::scheduling::Scheduling;
use tests::world::SENDER;

const HTML: &str = r#"<b>{{temporaryPassword}}</b> <a href="{{activationLink}}">Activate</a>"#;
const TEXT: &str = "{{temporaryPassword}}\n{{activationLink}}\n";

#[tokio::main]
async fn main() -> io::Result<()> {
    let scheduling = Scheduling::with_people(3).await;
    let world = &scheduling.world;
    let schedule = scheduling.schedule(json!({})).await;
    let recipient = world.recipient("NORTH", &world.email("p0")).await.map(|recipient| recipient.recipient_id);
    let template = json!({"name": "Ours", "subject": "Welcome", "html": HTML, "text": TEXT});
    let template = world.call(Call::new("POST", "/v1/templates").json(&template)).await.json();
    let ids = json!({
        "campaignId": world.send("NORTH").await, "recipientId": recipient, "scheduleId": schedule["scheduleId"],
        "templateId": template["templateId"], "division": "NORTH", "accountId": "A0", "emailFrom": SENDER,
    });
    let mut answers = io::stdout().lock();
    writeln!(answers, "{ids}")?;
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let answer = world.answer(&call(&request)).await;
        let headers = answer.headers.iter().map(|(name, value)| [name.as_str(), value.to_str().unwrap_or_default()]);
        let headers: Vec<_> = headers.collect();
        writeln!(answers, "{}", json!({"status": answer.status.as_u16(), "headers": headers, "body": answer.text}))?;
    }
    Ok(())
}

/// The call that a request describes: `method`, `path`, `query` and `headers` as pairs, `body`, and `signedIn`.
fn call(request: &Value) -> Call {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = |name: &str| -> Vec<[String; 2]> {
        request[name].as_array().into_iter().flatten().map(|pair| [text(&pair[0]), text(&pair[1])]).collect()
    };
    let mut call = Call::new(&text(&request["method"]), "").at(&text(&request["path"]));
    for [name, value] in pairs("query") {
        call = call.query(&name, &value);
    }
    for [name, value] in pairs("headers") {
        call = call.header(&name, &value);
    }
    if let Some(body) = request["body"].as_str() {
        call = call.raw_body(body);
    }
    if request["signedIn"] == true { call } else { call.public() }
}

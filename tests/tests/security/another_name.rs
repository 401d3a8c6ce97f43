//! An operator who gives themselves the address of somebody else, so that the record names them.

use portal_aws::audit::trail::Trails;
use portal_domain::ScheduleId;
use portal_domain::campaign::audit::AuditEntry;
use serde_json::json;
use tests::World;
use tests::http::Call;

/// As somebody whose address is `boss@example.com`, verified or not.
fn as_boss(call: Call, verified: bool) -> Call {
    call.claim("sub", "0f3b")
        .claim("cognito:username", "mallory")
        .claim("email", "boss@example.com")
        .claim("email_verified", verified)
}

#[tokio::test]
async fn the_record_has_user_and_sub_and_an_address_only_if_it_is_verified() {
    for (verified, name) in [(false, "mallory"), (true, "boss@example.com")] {
        let world = World::with_people(2).await;
        let body = world.send_request("NORTH").await;
        let send = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", "one").json(&body);
        let started = world.call(as_boss(send, verified)).await.json();
        assert_eq!(started["createdBy"], name, "{started}");
        let path = format!("/v1/campaigns/{}", started["campaignId"].as_str().unwrap());
        assert_eq!(world.call(as_boss(Call::new("POST", &format!("{path}/pause")), verified)).await.status, 200);
        world.pump().await;
        let person = json!({"sub": "0f3b", "user": "mallory"});
        let shown = world.call(Call::new("GET", &path)).await.json();
        let audit: Vec<AuditEntry> = serde_json::from_value(shown["audit"].clone()).unwrap();
        let by_people: Vec<_> = audit.iter().filter(|entry| entry.by != "system").collect();
        assert_eq!(by_people.len(), 2, "{shown}");
        for entry in by_people {
            assert_eq!((entry.by.as_str(), json!(entry.person)), (name, person.clone()));
        }

        let schedule = json!({"name": "s", "rule": {"rate": "7 days"}, "audience": {"status": "notSent"}, "maxRecipients": 10,
            "filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": body["emailFrom"]});
        let made = world.call(as_boss(Call::new("POST", "/v1/schedules").json(&schedule), verified)).await.json();
        let path = format!("/v1/schedules/{}", made["scheduleId"].as_str().unwrap());
        world.call(as_boss(Call::new("POST", &format!("{path}/pause")), verified)).await;
        let id = ScheduleId::new(made["scheduleId"].as_str().unwrap());
        let audit = world.store(Trails::new).newest(&id, 10).await.unwrap();
        assert!(
            audit.len() == 2 && audit.iter().all(|entry| entry.by == name && json!(entry.person) == person),
            "{audit:?}"
        );
    }
}

#[test]
fn tokens_of_every_client_last_15_minutes_and_a_second_factor_is_asked_for() {
    let read = |file: &str| std::fs::read_to_string(format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (template, operators) = (read("template.yaml"), read("infra/operators.yaml"));
    for text in [&template, &operators] {
        let clients = text.split("Type: AWS::Cognito::UserPoolClient").skip(1);
        for client in clients.map(|rest| rest.split("\n\n").next().unwrap()) {
            for token in ["IdToken", "AccessToken"] {
                assert!(client.contains(&format!("{token}Validity: 15\n")), "{client}");
                assert!(client.contains(&format!("{token}: minutes")), "{client}");
            }
        }
    }
    let parameter = template.split("  OperatorMfa:\n").nth(1).unwrap().split("\n  Threat").next().unwrap();
    assert!(parameter.contains("Default: \"ON\""), "{parameter}");
    assert!(template.contains("Mfa: !Ref OperatorMfa") && operators.contains("MfaConfiguration: !Ref Mfa"));
}

#[test]
fn no_client_of_the_user_pool_lets_operators_change_their_address() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in ["template.yaml", "infra/operators.yaml"] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        let clients = text.matches("Type: AWS::Cognito::UserPoolClient").count();
        assert!(clients > 0 && clients == text.matches("WriteAttributes: [locale]").count(), "{file}");
    }
}

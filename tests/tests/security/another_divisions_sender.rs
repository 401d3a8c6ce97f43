//! An address that SES has verified for somebody else: the account has the domains of all divisions.

use serde_json::json;
use tests::World;
use tests::http::Call;

#[tokio::test]
async fn a_division_without_a_list_sends_from_its_own_domain_alone() {
    let world = World::with_people(1).await;
    world.cloud().ses.verify("other-brand.example");
    let mut request = world.send_request("NORTH").await;
    request["emailFrom"] = json!("hello@other-brand.example");
    let refused = world.post_campaign("k1", &request).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (422, &json!("/problems/sender-refused")));
    assert_eq!(refused.json()["field"], "emailFrom", "{}", refused.text);
    let schedule = json!({"name": "s", "rule": {"rate": "7 days"}, "audience": {"status": "notSent"}, "maxRecipients": 10,
        "filter": {"division": "NORTH"}, "templateId": "portal-invitation", "emailFrom": "hello@other-brand.example"});
    let refused = world.call(Call::new("POST", "/v1/schedules").json(&schedule)).await;
    assert_eq!(refused.json()["field"], "emailFrom", "{}", refused.text);
    world.pump().await;
    assert_eq!(world.mails().len(), 0);
    // One of the same domain that nobody has listed may be typed in.
    request["emailFrom"] = json!("success+billing@simulator.amazonses.com");
    assert_eq!(world.post_campaign("k2", &request).await.status, 202);
}

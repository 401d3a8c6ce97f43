//! A machine client's token opens the directory and nothing else.

use serde_json::{Value, json};
use tests::cloud::template::Template;
use tests::http::Call;
use tests::world::SENDER;
use tests::{Account, Contact, World};

const CLIENT: &str = "1example23456789";

/// A call with the claims of an access token for client credentials.
fn by_machine(method: &str, path: &str) -> Call {
    let call = Call::new(method, path).claim("sub", CLIENT).claim("client_id", CLIENT).claim("token_use", "access");
    let call = call.claim("scope", "portal-invites/directory");
    ["cognito:username", "cognito:groups", "email", "email_verified"]
        .iter()
        .fold(call, |call, claim| call.without(claim))
}

#[tokio::test]
async fn imports_and_nothing_else() {
    let world = World::empty();
    let division = json!({"name": "North", "email": SENDER, "timeZone": "America/New_York", "portalUrl": "https://portal.example.com"});
    let made = world.call(by_machine("PUT", "/v1/machine/divisions/NORTH").json(&division)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let account = Account::new("NORTH", "A").contact(Contact::new("1", "ann@customers.example.com"));
    let posted = world.call(by_machine("POST", "/v1/machine/accounts").json(&json!([account.0]))).await;
    assert_eq!((posted.status.as_u16(), &posted.json()["stored"]), (200, &json!(1)), "{}", posted.text);
    assert_eq!(world.counts("division=NORTH").await["total"], 1);

    for (method, path) in [
        ("GET", "/v1/counts?division=NORTH"),
        ("GET", "/v1/recipients?division=NORTH"),
        ("GET", "/v1/filters"),
        ("GET", "/v1/campaigns"),
        ("POST", "/v1/campaigns"),
        ("POST", "/v1/campaigns/01KAP5ZT00EXAMPKE00000000Z/cancel"),
        ("GET", "/v1/schedules"),
        ("POST", "/v1/schedules"),
        ("GET", "/v1/templates"),
        ("POST", "/v1/templates/preview"),
        ("POST", "/v1/recipients/8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11/withdraw"),
    ] {
        assert_eq!(world.call(by_machine(method, path).json(&json!({}))).await.status, 403, "{method} {path}");
    }

    let deleted = world.call(by_machine("DELETE", "/v1/machine/accounts/A")).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
}

#[tokio::test]
async fn without_the_scope_or_with_a_user_it_opens_nothing() {
    let world = World::empty();
    let status = async |call: Call| world.call(call.json(&json!([]))).await.status.as_u16();
    let post = || by_machine("POST", "/v1/machine/accounts");
    assert_eq!(status(post().claim("scope", "portal-invites/other")).await, 403);
    assert_eq!(status(post().claim("scope", Value::Null)).await, 403);
    assert_eq!(status(post().claim("sub", "5468b4e8-7021-70a5-9d5c-3f1d2a5b6c7d")).await, 401, "a person's");
    assert_eq!(status(post().claim("cognito:groups", "directory,390")).await, 401);
    assert_eq!(status(post().claim("token_use", "refresh")).await, 401);
}

/// The gateway takes access tokens where a method names scopes, and nowhere else: `infra/operators.yaml` gives no
/// person's client that scope.
#[test]
fn the_gateway_takes_it_on_the_paths_for_machines_alone() {
    let read = |file: &str| std::fs::read_to_string(format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (template, operators) = (read("template.yaml"), read("infra/operators.yaml"));
    for [_, method, path, access] in Template::read().routes() {
        let takes_it = access == "portal-invites/directory";
        assert_eq!(path.starts_with("/v1/machine/"), takes_it, "{method} {path}: {access}");
    }
    assert_eq!(template.matches("AllowedOAuthScopes: [openid, email, profile]").count(), 1, "the page's");
    assert_eq!(operators.matches("AllowedOAuthScopes: [portal-invites/directory]").count(), 1, "the machine's");
}

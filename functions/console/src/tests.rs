use axum::http::Response as Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Context;
use serde_json::{Value, json};

use super::*;

struct Call<'a> {
    path: &'a str,
    context_path: &'a str,
    headers: Value,
    variables: Value,
    query: Value,
}

impl<'a> Call<'a> {
    fn to(path: &'a str) -> Self {
        let variables = json!({"clientId": "c1", "signInUrl": "https://portal-1.auth.us-east-1.amazoncognito.com",
            "publicUrl": "https://invites.example.com"});
        let (headers, query) = (json!({"Host": "api.example.com"}), json!({"division": ["A&B"]}));
        Self { path, context_path: "/live/", headers, variables, query }
    }

    async fn answer(self) -> (Answer<()>, String) {
        let event = json!({
            "resource": self.path, "path": self.path, "httpMethod": "GET", "headers": self.headers, "multiValueHeaders": {},
            "multiValueQueryStringParameters": self.query, "stageVariables": self.variables, "body": null, "isBase64Encoded": false,
            "requestContext": {"stage": "live", "httpMethod": "GET", "path": self.context_path},
        });
        let router = portal_http::router(router());
        let (parts, body) = portal_http::server::respond(router, event, Context::default()).await.into_parts();
        let body = axum::body::to_bytes(body, 1_000_000).await.expect("in memory");
        (Answer::from_parts(parts, ()), String::from_utf8(body.to_vec()).expect("text"))
    }
}

fn header<'a>(answer: &'a Answer<()>, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
}

#[tokio::test]
async fn the_page_may_load_its_own_files_and_call_its_own_api_and_the_sign_in_host() {
    let (answer, body) = Call::to("/").answer().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    let policy = header(&answer, "content-security-policy");
    assert!(policy.contains("connect-src 'self' https://portal-1.auth.us-east-1.amazoncognito.com;"), "{policy}");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(body.contains(&format!("assets/{}/", Files::get().hash())), "{body}");
}

#[tokio::test]
async fn every_answer_is_taken_for_what_it_is_and_leaks_no_address() {
    let asset = format!("/assets/{}/style.css", Files::get().hash());
    for path in ["/", "/mail-frame", "/activate", "/settings.json", &asset] {
        let (answer, _) = Call::to(path).answer().await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn the_invitation_page_calls_its_own_api_and_fetches_only_the_logo_elsewhere() {
    let (answer, body) = Call::to("/activate").answer().await;
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    let policy = header(&answer, "content-security-policy");
    let parts = [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ];
    for part in parts {
        assert!(policy.split("; ").any(|directive| directive == part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(body.contains("activate.js") && !body.contains("<form"), "{body}");
}

#[test]
fn the_page_of_an_invitation_runs_nothing_that_signs_in() {
    let map = Files::get().asset("activate.js.map").expect("a map that is there").text;
    let map: Value = serde_json::from_str(map).expect("JSON");
    let modules: Vec<_> = map["sources"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(modules.iter().any(|path| path.ends_with("/activation-form.js")), "{modules:?}");
    for forbidden in ["/session.js", "/api.js"] {
        assert!(!modules.iter().any(|path| path.ends_with(forbidden)), "{modules:?}");
    }
}

#[tokio::test]
async fn the_page_of_an_invitation_brings_its_style_which_alone_is_allowed() {
    let (answer, body) = Call::to("/activate").answer().await;
    let style = body.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style sheet").0;
    assert!(style.contains(".activation"), "{style}");
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = header(&answer, "content-security-policy");
    assert!(policy.contains(&format!("; style-src 'sha256-{hash}'; ")), "{policy}");
}

#[tokio::test]
async fn each_script_leads_to_its_sources() {
    let folder = format!("/assets/{}", Files::get().hash());
    for script in ["app.js", "views.js", "activate.js", "mail-frame.js"] {
        let (answer, body) = Call::to(&format!("{folder}/{script}")).answer().await;
        assert_eq!(header(&answer, "content-type"), "text/javascript; charset=utf-8", "{script}");
        let (_, map) = body.trim_end().rsplit_once("\n//# sourceMappingURL=").expect("the last line names the map");
        let (answer, body) = Call::to(&format!("{folder}/{map}")).answer().await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "application/json"), "{script}");
        let map: Value = serde_json::from_str(&body).expect("JSON");
        assert!(map["sourcesContent"][0].as_str().expect("a source").contains("\n"), "{script}");
    }
}

#[tokio::test]
async fn the_operators_page_brings_its_settings() {
    let call = Call::to("/");
    let mut variables = call.variables.clone();
    variables["publicUrl"] = json!("https://invites.example.com/a&b<\"c\"");
    let (answer, body) = Call { variables, ..call }.answer().await;
    let expected = r#"&quot;publicUrl&quot;:&quot;https://invites.example.com/a&amp;b&lt;\&quot;c\&quot;&quot;}">"#;
    assert!(body.contains(expected), "{body}");
    let (other, _) = Call::to("/").answer().await;
    assert_ne!(header(&answer, "etag"), header(&other, "etag"), "other settings are another page");
}

#[tokio::test]
async fn a_file_is_kept_forever_and_only_under_the_hash_of_this_build() {
    let hash = Files::get().hash();
    let (answer, _) = Call::to(&format!("/assets/{hash}/style.css")).answer().await;
    assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&answer, "content-type"), "text/css; charset=utf-8");
    for path in ["/assets/0123456789abcdef/style.css", &format!("/assets/{hash}/nothing.js")] {
        let (answer, _) = Call::to(path).answer().await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let (first, _) = Call::to("/").answer().await;
    assert_eq!(header(&first, "cache-control"), "no-cache");
    let headers = json!({"If-None-Match": header(&first, "etag")});
    let (again, body) = Call { headers, ..Call::to("/") }.answer().await;
    assert_eq!((again.status().as_u16(), body.as_str()), (304, ""));
    let headers = json!({"If-None-Match": "\"other\""});
    assert_eq!(Call { headers, ..Call::to("/") }.answer().await.0.status(), 200);
}

#[tokio::test]
async fn the_settings_come_from_the_stage() {
    let (answer, body) = Call::to("/settings.json").answer().await;
    assert_eq!(answer.status(), 200);
    let base = "https://portal-1.auth.us-east-1.amazoncognito.com";
    let expected = json!({"publicUrl": "https://invites.example.com", "signIn": {"clientId": "c1",
        "authorizeUrl": format!("{base}/oauth2/authorize"), "tokenUrl": format!("{base}/oauth2/token"),
        "logoutUrl": format!("{base}/logout")}});
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), expected);
    for variables in [json!(null), json!({"clientId": "c1", "signInUrl": "nowhere", "publicUrl": "https://x.example"})]
    {
        let (answer, _) = Call { variables, ..Call::to("/settings.json") }.answer().await;
        assert_eq!(answer.status(), 500);
    }
}

#[tokio::test]
async fn an_address_without_the_slash_after_the_stage_is_led_to_the_page() {
    let (answer, _) = Call { context_path: "/live", ..Call::to("/") }.answer().await;
    assert_eq!((answer.status().as_u16(), header(&answer, "location")), (308, "live/?division=A%26B"));
}

#[tokio::test]
async fn a_broken_link_leads_to_the_page_with_all_that_it_says_behind_the_hash() {
    let page = "https://invites.example.com/activate";
    let table = [
        ("/activate/", json!({}), ""),
        ("/Activate", json!({}), ""),
        ("/activate%3E", json!({}), ""),
        ("/activate/x/y", json!({}), ""),
        (
            "/activate%23division=A%20%26%20B&email=a%40b.example",
            json!({}),
            "#%23division=A%20%26%20B&email=a%40b.example",
        ),
        ("/activate#division=A B", json!({}), "#%23division=A%20B"),
        ("/activate%2523division%253DA", json!({}), "#%2523division%253DA"),
        ("/activate/%23division=A/B&email=x", json!({}), "#/%23division=A/B&email=x"),
        (
            "/activate%23division=A",
            json!({"email": ["a+b c@example.com"]}),
            "#%23division=A&email=a%2Bb%20c%40example.com",
        ),
    ];
    for (path, query, fragment) in table {
        let (answer, _) = Call { query, ..Call::to(path) }.answer().await;
        let location = header(&answer, "location");
        assert_eq!((answer.status().as_u16(), location), (302, format!("{page}{fragment}").as_str()), "{path}");
        assert_eq!(header(&answer, "cache-control"), "no-store");
    }
    for path in ["/activates", "/activate-2", "/other", "/v1", "/activation", "/activat%65"] {
        assert_eq!(Call::to(path).answer().await.0.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_mail_frame_is_a_place_of_its_own() {
    let (answer, _) = Call::to("/mail-frame").answer().await;
    let policy = header(&answer, "content-security-policy");
    assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("allow-same-origin") && !policy.contains("connect-src"), "{policy}");
}

//! The caller, their permission, and its divisions (guarantee 9). The gateway has checked the token's signature. The
//! claims that it passes on are checked here again, and anything missing or unexpected is refused.

use std::fmt;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::Extensions;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lambda_http::request::RequestContext;
use portal_domain::DivisionId;
use portal_domain::campaign::audit::{Actor, Person};
use portal_domain::permission::{Divisions, Permission};
use serde_json::{Map, Value};

use crate::record::Record;
use crate::{Problem, machine};

/// The caller. Handlers of guarded routes take it as an argument, and ask it about every division that they show or
/// change: the answer of a handler that did not is dropped.
#[derive(Clone)]
pub struct Caller {
    /// The user's `sub`, which never changes and says nothing about the person.
    pub id: String,
    /// The user name in the user pool.
    pub user: String,
    /// The name to show to other operators: e-mail address if the user pool has verified it, or else user name. A user
    /// may change the address themselves.
    pub name: String,
    /// The user's e-mail address, if the user pool has verified it.
    pub verified_email: Option<String>,
    /// Each of them opens the route.
    pub(crate) permissions: &'static [Permission],
    pub(crate) divisions: Divisions,
    pub(crate) record: Record,
}

impl Caller {
    /// The identity to record for what they do.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name.clone(), person: Some(Person { sub: self.id.clone(), user: self.user.clone() }) }
    }

    /// Whether the caller has the route's permission in this division.
    pub fn may(&self, division: &DivisionId) -> bool {
        self.record.asked(Some(division));
        self.divisions.includes(division)
    }

    /// 403 unless the caller has the route's permission in this division.
    pub fn require(&self, division: &DivisionId) -> Result<(), Problem> {
        if self.may(division) {
            Ok(())
        } else {
            Err(Problem::forbidden_for(self.permissions, format!("division {division}")))
        }
    }

    /// 403 unless the caller has the route's permission in every division, for changes of what all divisions share.
    pub fn require_every(&self) -> Result<(), Problem> {
        match self.divisions() {
            Divisions::Every => Ok(()),
            Divisions::Only(_) => {
                Err(Problem::forbidden_for(self.permissions, "every division, since this belongs to all of them"))
            }
        }
    }

    /// The divisions in which the caller has the route's permission, for lists of several divisions, and for what no
    /// division owns.
    pub fn divisions(&self) -> &Divisions {
        self.record.asked(None);
        &self.divisions
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::unauthorized)
    }
}

/// Lets only callers with one of the permissions in at least one division through to a route. The handler finds out
/// which division a request is about, and asks the [`Caller`]. An answer that succeeded without that question is
/// replaced by a 500.
pub(crate) async fn guard(
    State(permissions): State<&'static [Permission]>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let record = Record::of(request.extensions());
    let caller = authorize(request.extensions(), permissions, &record)?;
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if response.status().is_success() && !record.has_asked() {
        return Ok(
            Problem::internal("a handler did not ask in which divisions its caller has the permission").into_response()
        );
    }
    Ok(response)
}

/// The caller, if the gateway's claims are valid and contain one of the permissions.
fn authorize(extensions: &Extensions, permissions: &'static [Permission], record: &Record) -> Result<Caller, Problem> {
    let claims = claims(extensions).ok_or_else(Problem::unauthorized)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    // An access token of the same pool has the same groups, but does not authenticate a person. A machine has only an
    // access token.
    match text("token_use") {
        Some("id") => {}
        Some("access") => return machine::authorize(claims, permissions, record),
        _ => return Err(Problem::unauthorized()),
    }
    let id = text("sub").ok_or_else(Problem::unauthorized)?;
    record.called_by(id);
    let groups = claims.get("cognito:groups").map(names).unwrap_or_default();
    let each = permissions.iter().filter_map(|permission| permission.divisions(groups.iter().copied()));
    let divisions = each.reduce(Divisions::and).ok_or_else(|| Problem::forbidden(permissions))?;
    let verified = claims.get("email_verified").is_some_and(|claim| *claim == "true" || *claim == true);
    let verified_email = text("email").filter(|_| verified).map(str::to_owned);
    let user = text("cognito:username").unwrap_or(id).to_owned();
    let name = verified_email.clone().unwrap_or_else(|| user.clone());
    Ok(Caller { id: id.to_owned(), user, name, verified_email, permissions, divisions, record: record.clone() })
}

/// The claims of the token, as API Gateway's user-pool authorizer passes them on.
fn claims(extensions: &Extensions) -> Option<&Map<String, Value>> {
    match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.authorizer.fields.get("claims")?.as_object(),
        _ => None,
    }
}

/// The names in the claim `cognito:groups`. REST APIs flatten the list to `390,other`, others to `[390 other]`.
fn names(groups: &Value) -> Vec<&str> {
    match groups {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => {
            let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            inner.split([',', ' ']).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The extensions of a request as lambda_http makes it from API Gateway's event.
    fn extensions(authorizer: Value) -> Extensions {
        let event = json!({
            "resource": "/v1/counts", "path": "/v1/counts", "httpMethod": "GET",
            "headers": {"Host": "a1b2c3.execute-api.us-east-1.amazonaws.com"},
            "multiValueHeaders": {"Host": ["a1b2c3.execute-api.us-east-1.amazonaws.com"]},
            "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": null, "stageVariables": null, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "resourceId": "x1", "resourcePath": "/v1/counts", "httpMethod": "GET", "path": "/prod/v1/counts",
                "accountId": "123456789012", "protocol": "HTTP/1.1", "stage": "prod", "apiId": "a1b2c3",
                "requestTimeEpoch": 1_795_000_000_000_i64, "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "identity": {"sourceIp": "192.0.2.1"}, "authorizer": authorizer,
            },
        });
        lambda_http::request::from_str(&event.to_string()).expect("an event of API Gateway").extensions().clone()
    }

    fn claims_with(groups: Value) -> Value {
        json!({"claims": {"sub": "0f3b", "token_use": "id", "cognito:username": "ann", "email": "ann@example.com",
            "email_verified": "true", "aud": "client", "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x", "cognito:groups": groups}})
    }

    fn decide_for(permissions: &'static [Permission], extensions: &Extensions) -> Result<Caller, StatusCode> {
        authorize(extensions, permissions, &Record::default()).map_err(|problem| problem.status())
    }

    fn decide(authorizer: Value) -> Result<Caller, StatusCode> {
        decide_for(&[Permission::SendInvitations], &extensions(authorizer))
    }

    fn refusal(authorizer: Value) -> Option<StatusCode> {
        decide(authorizer).err()
    }

    #[test]
    fn only_a_whole_group_name_opens() {
        let open =
            [json!("390"), json!("390,directory"), json!("x,390"), json!("[390]"), json!("[390 436]"), json!(["390"])];
        for groups in open {
            let caller = decide(claims_with(groups.clone())).expect("may call");
            assert_eq!((caller.id.as_str(), caller.name.as_str()), ("0f3b", "ann@example.com"), "{groups}");
        }
        let closed = [
            json!("3900"),
            json!("x390"),
            json!("3 90"),
            json!("[390"),
            json!("390]"),
            json!(""),
            json!("[]"),
            json!(390),
            json!([390]),
            json!({"390": true}),
            json!(null),
            json!(true),
            json!("directory"),
            json!("-390"),
            json!("\u{ff13}90"),
            json!([["390"]]),
        ];
        for groups in closed {
            assert_eq!(refusal(claims_with(groups.clone())), Some(StatusCode::FORBIDDEN), "{groups}");
        }
    }

    #[test]
    fn without_the_gateways_word_nobody_is_known() {
        let mut access = claims_with(json!("390"));
        access["claims"]["token_use"] = json!("access");
        let mut without_use = claims_with(json!("390"));
        without_use["claims"]["token_use"] = Value::Null;
        let mut nobody = claims_with(json!("390"));
        nobody["claims"]["sub"] = json!("");
        let odd = [
            json!(null),
            json!({}),
            json!({"claims": null}),
            json!({"claims": "390"}),
            access,
            without_use,
            nobody,
            json!({"cognito:groups": "390", "sub": "x", "token_use": "id"}),
        ];
        for authorizer in odd {
            assert_eq!(refusal(authorizer.clone()), Some(StatusCode::UNAUTHORIZED), "{authorizer}");
        }
        let bare = decide_for(&[Permission::Directory], &Extensions::new());
        assert_eq!(bare.err(), Some(StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn each_permission_is_a_group_of_its_own() {
        let extensions = extensions(claims_with(json!("390")));
        assert!(decide_for(&[Permission::SendInvitations], &extensions).is_ok());
        assert!(decide_for(&[Permission::Directory], &extensions).is_err());
    }

    #[test]
    fn a_group_of_one_division_opens_that_one() {
        let caller = decide(claims_with(json!("directory:WEST,390:NORTH%20SIDE,other"))).expect("may call");
        let refused = |id: &str| caller.require(&DivisionId::new(id)).err().map(|problem| problem.status());
        assert_eq!(refused("NORTH SIDE"), None);
        for id in ["WEST", "NORTH", "NORTH%20SIDE", "north side", ""] {
            assert_eq!(refused(id), Some(StatusCode::FORBIDDEN), "{id}");
        }
        assert!(caller.require_every().is_err());
        let everywhere = decide(claims_with(json!("390:WEST,390"))).expect("may call");
        assert!(everywhere.require_every().is_ok() && everywhere.require(&DivisionId::new("NORTH")).is_ok());
    }

    #[test]
    fn a_caller_without_address_is_shown_by_user_name() {
        let mut authorizer = claims_with(json!("390"));
        authorizer["claims"]["email"] = Value::Null;
        assert_eq!(decide(authorizer).map(|caller| caller.name), Ok("ann".to_owned()));
    }

    #[test]
    fn an_address_counts_as_verified_only_when_the_pool_says_so() {
        let table = [
            (json!("true"), true),
            (json!(true), true),
            (json!("false"), false),
            (json!(false), false),
            (json!("TRUE"), false),
            (json!(1), false),
            (Value::Null, false),
        ];
        for (claim, verified) in table {
            let mut authorizer = claims_with(json!("390"));
            authorizer["claims"]["email_verified"] = claim.clone();
            let caller = decide(authorizer).expect("may call");
            assert_eq!(caller.verified_email.is_some(), verified, "{claim}");
        }
    }

    #[test]
    fn debug_output_does_not_name_the_person() {
        let caller = decide(claims_with(json!("390"))).expect("may call");
        assert_eq!(format!("{caller:?}"), r#"Caller { id: "0f3b", .. }"#);
    }

    proptest! {
        #[test]
        fn a_group_opens_exactly_when_it_is_listed(groups in prop::collection::vec("[a-z0-9]{1,4}|390", 0..6)) {
            let listed = groups.iter().any(|group| group == "390");
            prop_assert_eq!(names(&json!(groups)).contains(&"390"), listed);
            prop_assert_eq!(names(&json!(groups.join(","))).contains(&"390"), listed);
            prop_assert_eq!(names(&json!(format!("[{}]", groups.join(" ")))).contains(&"390"), listed);
        }
    }
}

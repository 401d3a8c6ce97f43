//! Machine clients: programs that call with an access token of their own (OAuth 2.0 client credentials), and what its
//! scopes permit.
//!
//! The gateway accepts such tokens only on paths below `/v1/machine`; what they permit is nevertheless decided here.

use portal_domain::permission::{Divisions, Permission};
use serde_json::{Map, Value};

use crate::record::Record;
use crate::{Caller, Problem};

/// The scope for imports: `infra/operators.yaml` defines it, `template.yaml` requires it.
const DIRECTORY_SCOPE: &str = "portal-invites/directory";

/// What a scope permits; most permit nothing here.
fn permission_of(scope: &str) -> Option<Permission> {
    (scope == DIRECTORY_SCOPE).then_some(Permission::Directory)
}

/// The machine client whose access token has these claims, if a scope of it gives one of the permissions, which it then has in
/// every division. A person's access token is refused: it names a user, and its subject is not its client.
pub(crate) fn authorize(
    claims: &Map<String, Value>,
    permissions: &'static [Permission],
    record: &Record,
) -> Result<Caller, Problem> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    let client = text("client_id").filter(|client| text("sub") == Some(client)).ok_or_else(Problem::unauthorized)?;
    if ["username", "cognito:username", "cognito:groups"].iter().any(|claim| claims.contains_key(*claim)) {
        return Err(Problem::unauthorized());
    }
    record.called_by(client);
    let mut scopes = text("scope").unwrap_or_default().split(' ');
    if !scopes.any(|scope| permission_of(scope).is_some_and(|given| permissions.contains(&given))) {
        return Err(Problem::forbidden(permissions));
    }
    let name = format!("machine:{client}");
    let (id, divisions, record) = (client.to_owned(), Divisions::Every, record.clone());
    Ok(Caller { id, user: name.clone(), name, verified_email: None, permissions, divisions, record })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    /// The claims of a token that Cognito gives for client credentials, with some changed.
    fn decide(changes: Value, permissions: &'static [Permission]) -> Result<Caller, StatusCode> {
        let mut claims = json!({"sub": "1example23456789", "client_id": "1example23456789", "token_use": "access", "version": "2",
            "scope": "portal-invites/directory", "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"});
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        authorize(claims.as_object().expect("an object"), permissions, &Record::default())
            .map_err(|problem| problem.status())
    }

    #[test]
    fn the_scope_gives_the_directory_and_nothing_else() {
        let caller = decide(json!({}), &[Permission::Directory]).expect("may call");
        assert_eq!((caller.id.as_str(), caller.name.as_str()), ("1example23456789", "machine:1example23456789"));
        assert_eq!(caller.verified_email, None);
        let two = json!({"scope": "other/read portal-invites/directory"});
        assert!(decide(two.clone(), &[Permission::Directory]).is_ok());
        for scopes in [json!({}), two] {
            assert_eq!(decide(scopes, &[Permission::SendInvitations]).err(), Some(StatusCode::FORBIDDEN));
        }
    }

    #[test]
    fn only_the_whole_scope_opens() {
        let closed = [
            json!(""),
            json!("directory"),
            json!("portal-invites/directory2"),
            json!("x/portal-invites/directory"),
            json!("portal-invites"),
            json!("portal-invites/390"),
            json!("PORTAL-INVITES/DIRECTORY"),
            json!("portal-invites/directory,openid"),
            json!(["portal-invites/directory"]),
            json!(null),
            json!(true),
        ];
        for scope in closed {
            let decided = decide(json!({"scope": scope}), &[Permission::Directory]);
            assert_eq!(decided.err(), Some(StatusCode::FORBIDDEN), "{scope}");
        }
    }

    #[test]
    fn a_persons_access_token_is_no_machines_whatever_its_scopes() {
        let persons = [
            json!({"sub": "5468b4e8-7021-70a5-9d5c-3f1d2a5b6c7d"}),
            json!({"username": "ann"}),
            json!({"cognito:username": "ann"}),
            json!({"cognito:groups": "directory"}),
            json!({"cognito:groups": null}),
            json!({"client_id": ""}),
            json!({"client_id": "", "sub": ""}),
            json!({"client_id": null, "sub": null}),
            json!({"client_id": 7, "sub": 7}),
        ];
        for person in persons {
            assert_eq!(
                decide(person.clone(), &[Permission::Directory]).err(),
                Some(StatusCode::UNAUTHORIZED),
                "{person}"
            );
        }
    }
}

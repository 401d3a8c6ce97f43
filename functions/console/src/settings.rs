//! What a page must know of the deployment. It stands in variables of the API's stage: a function's own environment could
//! not name the sign-in client, whose callback address names the API, which in turn names the function.

use axum::http::Extensions;
use lambda_http::RequestExt;
use portal_http::Problem;
use serde::Serialize;
use url::Url;

/// The page's settings.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    sign_in: SignIn,
    /// Address under which the pages are reached, without a trailing slash.
    public_url: String,
}

/// Where operators sign in: OAuth 2 endpoints of the user pool's hosted page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    authorize_url: String,
    token_url: String,
    logout_url: String,
    client_id: String,
    #[serde(skip)]
    origin: String,
}

/// A variable of the stage is missing or makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("the stage variable {0} is missing or no address")]
struct BadVariable(&'static str);

impl Settings {
    /// The settings that come with a request.
    pub fn of(extensions: &Extensions) -> Result<Self, Problem> {
        let variables = extensions.stage_variables_ref();
        let variable = |name: &'static str| {
            let value = variables.and_then(|variables| variables.first(name));
            value.filter(|value| !value.is_empty()).ok_or(BadVariable(name)).map_err(Problem::internal)
        };
        let base = variable("signInUrl")?.trim_end_matches('/');
        let address = Url::parse(base).map_err(|_| Problem::internal(BadVariable("signInUrl")))?;
        let sign_in = SignIn {
            authorize_url: format!("{base}/oauth2/authorize"),
            token_url: format!("{base}/oauth2/token"),
            logout_url: format!("{base}/logout"),
            client_id: variable("clientId")?.to_owned(),
            origin: address.origin().ascii_serialization(),
        };
        Ok(Self { sign_in, public_url: variable("publicUrl")?.trim_end_matches('/').to_owned() })
    }

    /// Scheme, host and port of the sign-in page.
    pub fn sign_in_origin(&self) -> &str {
        &self.sign_in.origin
    }
}

//! What a page must know of the deployment, from variables of the API's stage. The function's environment can't name
//! the sign-in client: the client's callback address names the API, and the API names the function.

use axum::http::Extensions;
use portal_http::Problem;
use portal_http::stage::{bad_variable, public_url, variable};
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

impl Settings {
    /// The settings that come with a request.
    pub fn of(extensions: &Extensions) -> Result<Self, Problem> {
        let base = variable(extensions, "signInUrl")?.trim_end_matches('/');
        let address = Url::parse(base).map_err(|_| bad_variable("signInUrl"))?;
        let sign_in = SignIn {
            authorize_url: format!("{base}/oauth2/authorize"),
            token_url: format!("{base}/oauth2/token"),
            logout_url: format!("{base}/logout"),
            client_id: variable(extensions, "clientId")?.to_owned(),
            origin: address.origin().ascii_serialization(),
        };
        Ok(Self { sign_in, public_url: public_url(extensions)?.to_owned() })
    }

    /// Scheme, host and port of the sign-in page.
    pub fn sign_in_origin(&self) -> &str {
        &self.sign_in.origin
    }
}

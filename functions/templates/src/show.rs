//! Previews: what somebody would get, with dots for the password.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use lambda_http::request::RequestContext;
use portal_aws::clock;
use portal_domain::campaign::INVITATION_LIFETIME;
use portal_domain::input::FieldError;
use portal_domain::mail::{Compiled, Invitation, Rendered, Sources, sample};
use portal_domain::password::TemporaryPassword;
use portal_domain::{Division, Recipient, TemplateId};
use portal_http::Problem;
use portal_http::body::JsonBody;
use serde::Serialize;

use crate::Templates;
use crate::input::{Audience, audience, parse, sources};

/// An e-mail as it would be.
#[derive(Serialize)]
pub(crate) struct Preview {
    subject: String,
    html: String,
    text: String,
}

impl From<Rendered> for Preview {
    fn from(rendered: Rendered) -> Self {
        Self { subject: rendered.subject, html: rendered.html, text: rendered.text }
    }
}

/// The gateway's word on how it was called.
pub(crate) type Gateway = Option<Extension<RequestContext>>;

pub(crate) async fn preview_sources(
    State(templates): State<Arc<Templates>>,
    gateway: Gateway,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let (audience, sources) = parse(&body, |fields| (audience(fields), sources(fields)))?;
    let (division, recipient) = templates.people(&audience).await?;
    let rendered = templates.render(&sources, &division, &recipient, &TemporaryPassword::dots(), &gateway)?;
    Ok(Json(rendered.into()))
}

pub(crate) async fn preview_stored(
    State(templates): State<Arc<Templates>>,
    Path(id): Path<TemplateId>,
    gateway: Gateway,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let (audience, version) =
        parse(&body, |fields| (audience(fields), fields.optional_number("version", 1..=u64::from(u32::MAX))))?;
    let head = templates.head(&id).await?;
    let version = version.and_then(|version| u32::try_from(version).ok()).unwrap_or(head.version);
    let version = templates.version(&id, version).await?;
    let (division, recipient) = templates.people(&audience).await?;
    let password = TemporaryPassword::dots();
    Ok(Json(templates.render(&version.sources, &division, &recipient, &password, &gateway)?.into()))
}

impl Templates {
    /// The division, and the recipient or a sample of one.
    pub(crate) async fn people(&self, audience: &Audience) -> Result<(Division, Recipient), Problem> {
        let division = self.directory.division(&audience.division).await?;
        let division = division.ok_or_else(|| FieldError::new("division", "is not a known division"))?;
        let recipient = match audience.recipient_id {
            None => sample::recipient(&division),
            Some(id) => {
                let found = self.directory.recipients(&[id]).await?.into_iter().map(Recipient::from).next();
                let found = found.filter(|recipient| recipient.division == division.division);
                found.ok_or_else(|| FieldError::new("recipientId", "is not a recipient in this division"))?
            }
        };
        Ok((division, recipient))
    }

    /// The e-mail for this recipient, with something that is no password in the place of one.
    pub(crate) fn render(
        &self,
        sources: &Sources,
        division: &Division,
        recipient: &Recipient,
        password: &TemporaryPassword,
        gateway: &Gateway,
    ) -> Result<Rendered, Problem> {
        let expires_at = clock::now() + INVITATION_LIFETIME;
        let public_url = &self.public_url(gateway);
        let invitation = Invitation { recipient, division, password, public_url, expires_at };
        let rendered = Compiled::new(sources).and_then(|template| template.render(&invitation));
        // Sources were checked when they were saved: what is left is the division's own data.
        rendered.map_err(|error| FieldError::new("division", format!("can't be shown: {error}")).into())
    }

    /// The address in the links. A function that the API calls can't be told the API's address: it is the one that was called.
    fn public_url(&self, gateway: &Gateway) -> String {
        let called = || match gateway.as_ref().map(|Extension(context)| context)? {
            RequestContext::ApiGatewayV1(context) => {
                let (domain, stage) = (context.domain_name.as_ref()?, context.stage.as_ref()?);
                Some(format!("https://{domain}/{stage}"))
            }
            _ => None,
        };
        self.public_url.clone().or_else(called).unwrap_or_else(|| "https://portal-invites.example".to_owned())
    }
}

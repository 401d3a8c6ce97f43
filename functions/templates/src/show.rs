//! Previews: what somebody would get, with dots for the password.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Extensions;
use portal_aws::clock;
use portal_domain::campaign::INVITATION_LIFETIME;
use portal_domain::input::FieldError;
use portal_domain::mail::{Compiled, Invitation, Rendered, Sources, sample};
use portal_domain::password::TemporaryPassword;
use portal_domain::{Division, Recipient, TemplateId};
use portal_http::body::JsonBody;
use portal_http::stage::public_url;
use portal_http::{Caller, Problem};
use serde::Serialize;

use crate::Templates;
use crate::input::{Audience, audience, parse, sources, version};

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

pub(crate) async fn preview_sources(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let (audience, sources) = parse(&body, |fields| (audience(fields), sources(fields)))?;
    let (division, recipient) = templates.people(&caller, &audience).await?;
    let rendered = templates.render(&sources, &division, &recipient, &TemporaryPassword::dots(), &extensions)?;
    Ok(Json(rendered.into()))
}

pub(crate) async fn preview_stored(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let (audience, version) = parse(&body, |fields| (audience(fields), version(fields)))?;
    let (_, version) = templates.stored(&id, version).await?;
    let (division, recipient) = templates.people(&caller, &audience).await?;
    let password = TemporaryPassword::dots();
    Ok(Json(templates.render(&version.sources, &division, &recipient, &password, &extensions)?.into()))
}

impl Templates {
    /// The division, if the caller may look into it, and the recipient or a sample of one.
    pub(crate) async fn people(&self, caller: &Caller, audience: &Audience) -> Result<(Division, Recipient), Problem> {
        caller.require(&audience.division)?;
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
        extensions: &Extensions,
    ) -> Result<Rendered, Problem> {
        let expires_at = clock::now() + INVITATION_LIFETIME;
        let public_url = public_url(extensions)?;
        let invitation = Invitation { recipient, division, password, public_url, expires_at };
        let rendered = Compiled::new(sources).and_then(|template| template.render(&invitation));
        // Sources were checked when they were saved: what is left is the division's own data.
        rendered.map_err(|error| FieldError::new("division", format!("can't be shown: {error}")).into())
    }
}

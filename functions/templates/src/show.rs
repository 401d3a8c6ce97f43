//! Previews: the e-mail that a recipient would get, with dots for the password.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Extensions;
use portal_aws::clock;
use portal_aws::directory::templates::{TemplateRefusal, Unusable, refused_by};
use portal_domain::campaign::INVITATION_LIFETIME;
use portal_domain::input::FieldError;
use portal_domain::mail::{Compiled, Invitation, Rendered, sample};
use portal_domain::password::TemporaryPassword;
use portal_domain::{Division, Recipient, TemplateId};
use portal_http::body::JsonBody;
use portal_http::stage::public_url;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Templates;
use crate::input::{Audience, audience, parse, sources, version};
use crate::keep::no_version;

/// A previewed e-mail.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailPreview")]
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
    let (audience, (_, template)) = parse(&body, |fields| (audience(fields), sources(fields)))?;
    let template = template.ok_or_else(|| Problem::internal("sources were neither refused nor made ready"))?;
    let people = templates.people(&caller, &audience).await?;
    Ok(Json(render(&template, &people, &TemporaryPassword::dots(), &extensions)?.into()))
}

pub(crate) async fn preview_stored(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Json<Preview>, Problem> {
    let (audience, version) = parse(&body, |fields| (audience(fields), version(fields)))?;
    let (_, template) = templates.ready(&id, version).await?;
    let people = templates.people(&caller, &audience).await?;
    Ok(Json(render(&template, &people, &TemporaryPassword::dots(), &extensions)?.into()))
}

/// The division and the recipient of a previewed e-mail.
pub(crate) struct People {
    pub division: Division,
    recipient: Recipient,
    /// Whether a campaign's e-mail would invalidate earlier passwords of the recipient.
    earlier_passwords_end: bool,
}

impl Templates {
    /// The division, if the caller has permission for it, and the recipient or a sample.
    pub(crate) async fn people(&self, caller: &Caller, audience: &Audience) -> Result<People, Problem> {
        caller.require(&audience.division)?;
        let division = self.directory.known_division(&audience.division, "division").await??;
        let Some(id) = audience.recipient_id else {
            return Ok(People { recipient: sample::recipient(&division), division, earlier_passwords_end: false });
        };
        let found = self.directory.recipient(id).await?;
        let found = found.filter(|recipient| recipient.division == division.division);
        let item = found.ok_or_else(|| FieldError::new("recipientId", "is not a recipient in this division"))?;
        let earlier_passwords_end = item.was_mailed_a_password();
        Ok(People { division, recipient: item.into(), earlier_passwords_end })
    }

    /// A version of a template, the newest unless another is named, if it may still be used; with its number.
    pub(crate) async fn ready(&self, id: &TemplateId, version: Option<u32>) -> Result<(u32, Arc<Compiled>), Problem> {
        let head = self.head(id).await?;
        let version = version.unwrap_or(head.version);
        match self.store.compiled(id, version).await? {
            Ok(template) => Ok((version, template)),
            Err(Unusable::Missing) => Err(no_version()),
            Err(unusable) => Err(refused(&TemplateRefusal::Version(version, unusable))),
        }
    }
}

fn refused(refusal: &TemplateRefusal) -> Problem {
    FieldError::new("templateId", refusal.to_string()).into()
}

/// The e-mail for this recipient, with a placeholder for the password.
pub(crate) fn render(
    template: &Compiled,
    people: &People,
    password: &TemporaryPassword,
    extensions: &Extensions,
) -> Result<Rendered, Problem> {
    let expires_at = clock::now() + INVITATION_LIFETIME;
    let public_url = public_url(extensions)?;
    let People { division, recipient, earlier_passwords_end } = people;
    let earlier_passwords_end = *earlier_passwords_end;
    let invitation = Invitation { recipient, division, password, public_url, expires_at, earlier_passwords_end };
    if let Some(refusal) = refused_by(division, template) {
        return Err(refused(&refusal));
    }
    // The template was checked, so a fault must come from the division's data.
    template.render(&invitation).map_err(|error| FieldError::new("division", format!("can't be shown: {error}")).into())
}

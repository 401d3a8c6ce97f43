//! Lists, reads, saves, activates and deactivates templates.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use portal_aws::audit::{Audit, Begun};
use portal_aws::clock;
use portal_aws::directory::templates::{Saved, VersionSummary};
use portal_domain::audit::{Deed, Entry};
use portal_domain::mail::Sources;
use portal_domain::mail::template::{Head, Version};
use portal_domain::{InSeconds, TemplateId};
use portal_http::body::JsonBody;
use portal_http::problem::ProblemType;
use portal_http::query::NoQuery;
use portal_http::record::Rows;
use portal_http::{Caller, ETag, IfMatch, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Templates;
use crate::input::{Draft, draft, parse, version};

/// A list is returned whole, because templates and versions are few.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Items")]
pub(crate) struct Items<T> {
    items: Vec<T>,
}

impl<T: Serialize> IntoResponse for Items<T> {
    fn into_response(self) -> Response {
        let rows = Rows(self.items.len());
        (Extension(rows), Json(self)).into_response()
    }
}

/// A template in full.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Template")]
pub(crate) struct Whole {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    sources: Sources,
}

impl Whole {
    /// The template as it is in this version.
    fn new(head: Head, version: Version) -> Self {
        let Version { version, name, updated_at, updated_by, mut sources, .. } = version;
        sources.language.get_or_insert_default();
        Self { head: Head { version, name, updated_at, updated_by, ..head }.shown(), sources }
    }
}

/// The answer that shows a template.
type Shown = (ETag, Json<Whole>);

/// The tag of a template: of its newest version, and of whether new campaigns may use it.
fn tag(head: &Head) -> ETag {
    let state = if head.active { "on" } else { "off" };
    let switched = head.active_changed_at.map(|at| format!("-{state}{}", at.as_millisecond())).unwrap_or_default();
    ETag::of_version(format!("{}{switched}", head.version))
}

/// Refuses a change of a template that is not what the caller has read.
fn check(if_match: &IfMatch, head: &Head) -> Result<(), Problem> {
    if_match.check(Some(&tag(head))).map_err(|problem| told(problem, head.clone()))
}

/// The problem with what has changed.
fn told(problem: Problem, newest: Head) -> Problem {
    let at = newest.updated_at.in_seconds().map(|at| at.to_string());
    problem.with("version", newest.version).with("updatedAt", at).with("updatedBy", newest.updated_by)
}

fn unknown() -> Problem {
    Problem::not_found("There is no such template.")
}

pub(crate) fn no_version() -> Problem {
    Problem::not_found("There is no such version of the template.")
}

fn is_built_in() -> Problem {
    let detail = "The built-in template can't be changed or switched off. Copy it, and change the copy.";
    Problem::conflict(ProblemType::BUILT_IN_TEMPLATE, detail)
}

impl Templates {
    pub(crate) async fn head(&self, id: &TemplateId) -> Result<Head, Problem> {
        // An invalid id can't be a key, so nothing is read.
        let possible = id.is_built_in() || id.as_str().len() <= 26;
        let head = if possible { self.store.head(id).await? } else { None };
        head.ok_or_else(unknown)
    }

    /// A template and one version of it, the newest unless another is named.
    async fn stored(&self, id: &TemplateId, version: Option<u32>) -> Result<(Head, Version), Problem> {
        let head = self.head(id).await?;
        let version = self.version(id, version.unwrap_or(head.version)).await?;
        Ok((head, version))
    }

    async fn version(&self, id: &TemplateId, version: u32) -> Result<Version, Problem> {
        let version = self.store.version(id, version).await?;
        version.ok_or_else(no_version)
    }
}

pub(crate) async fn list(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Items<Head>, Problem> {
    caller.divisions();
    let heads = templates.store.heads().await?;
    Ok(Items { items: heads.into_iter().map(Head::shown).collect() })
}

pub(crate) async fn create(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    caller.require_every()?;
    let draft = parse(&body, draft)?;
    let version = first_or_next(clock::new_template_id(clock::now()), 1, draft, &caller);
    let begun = templates.begin(&caller, Deed::TemplateCreated, &version.template_id).await?;
    let head = templates.store.create(&version).await?;
    begun.done(None, Some(named(&head))).await;
    tracing::info!(template.id = %head.template_id, "template created");
    // Relative to /v1/templates, because an absolute path would lack the API's stage.
    let location = format!("templates/{}", head.template_id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], tag(&head), Json(Whole::new(head, version))).into_response())
}

pub(crate) async fn one(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    uri: Uri,
) -> Result<Shown, Problem> {
    caller.divisions();
    let version = Query::of(&uri).read(version)?;
    let (head, version) = templates.stored(&id, version).await?;
    Ok((tag(&head), Json(Whole::new(head, version))))
}

pub(crate) async fn versions(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    _: NoQuery,
) -> Result<Items<VersionSummary>, Problem> {
    caller.divisions();
    templates.head(&id).await?;
    let versions = templates.store.versions(&id).await?;
    Ok(Items { items: versions.into_iter().map(VersionSummary::shown).collect() })
}

pub(crate) async fn save(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    if_match: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Shown, Problem> {
    caller.require_every()?;
    let before = templates.head(&id).await?;
    if before.built_in {
        return Err(is_built_in());
    }
    let (draft, edited) = parse(&body, |fields| {
        let draft = draft(fields);
        let versions = 1..=u64::from(u32::MAX - 1);
        let edited = match if_match.is_absent() {
            true => Some(fields.required_number("version", versions)),
            false => fields.optional_number("version", versions),
        };
        (draft, edited.map_or(before.version, |edited| u32::try_from(edited).unwrap_or(u32::MAX - 1)))
    })?;
    check(&if_match, &before)?;
    let next = edited.saturating_add(1);
    let version = first_or_next(id, next, draft, &caller);
    let begun = templates.begin(&caller, Deed::TemplateSaved, &version.template_id).await?;
    match templates.store.save(&version).await? {
        Saved::Done(head) => {
            begun.done(Some(named(&before)), Some(named(&head))).await;
            tracing::info!(template.id = %head.template_id, template.version = head.version, "template saved");
            Ok((tag(&head), Json(Whole::new(head, version))))
        }
        Saved::Changed(newest) => {
            begun.refused().await;
            check(&if_match, &newest)?;
            let detail = "Somebody saved another version meanwhile. Look at it, and save yours on top of it.";
            Err(told(Problem::conflict(ProblemType::TEMPLATE_CHANGED, detail), newest))
        }
        Saved::Missing => {
            begun.refused().await;
            Err(unknown())
        }
    }
}

/// A template as the audit keeps it. The content is left out: a version never changes, and can be read by its number.
fn named(head: &Head) -> Value {
    json!({"name": head.name, "version": head.version, "active": head.active})
}

fn first_or_next(template_id: TemplateId, version: u32, draft: Draft, caller: &Caller) -> Version {
    let Draft { name, sources } = draft;
    let (updated_at, updated_by) = (Some(clock::now()), Some(caller.name.clone()));
    Version { template_id, version, name, sources, updated_at, updated_by }
}

pub(crate) async fn activate(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    if_match: IfMatch,
) -> Result<Shown, Problem> {
    templates.switch(&caller, &id, &if_match, true).await
}

pub(crate) async fn deactivate(
    State(templates): State<Arc<Templates>>,
    caller: Caller,
    Path(id): Path<TemplateId>,
    if_match: IfMatch,
) -> Result<Shown, Problem> {
    templates.switch(&caller, &id, &if_match, false).await
}

impl Templates {
    async fn begin(&self, caller: &Caller, deed: Deed, template: &TemplateId) -> Result<Begun<'_>, Problem> {
        let entry = Audit::entry(caller.actor(), deed);
        Ok(self.audit.begin(Entry { subject: Some(template.to_string()), ..entry }).await?)
    }

    async fn switch(
        &self,
        caller: &Caller,
        id: &TemplateId,
        if_match: &IfMatch,
        active: bool,
    ) -> Result<Shown, Problem> {
        caller.require_every()?;
        let head = self.head(id).await?;
        check(if_match, &head)?;
        let head = match (head.built_in, active) {
            (true, true) => head,
            (true, false) => return Err(is_built_in()),
            (false, _) => {
                let deed = if active { Deed::TemplateActivated } else { Deed::TemplateDeactivated };
                let begun = self.begin(caller, deed, id).await?;
                let switched = self.store.set_active(id, active, &caller.name, clock::now()).await?;
                tracing::info!(template.id = %id, template.active = active, "template switched");
                let Some(switched) = switched else {
                    begun.refused().await;
                    return Err(unknown());
                };
                begun.done(Some(named(&head)), Some(named(&switched))).await;
                switched
            }
        };
        let version = self.version(id, head.version).await?;
        Ok((tag(&head), Json(Whole::new(head, version))))
    }
}

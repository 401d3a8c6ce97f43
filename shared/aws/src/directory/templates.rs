//! Templates: heads, and versions that never change.
//!
//! A template has a head, which names its newest version and whether it is active, and an item for each version. A
//! transaction saves both, on the condition that the head still names the version that was edited and that the new
//! version's item does not exist. A version's item is never changed or deleted, so that a campaign can rely on it for
//! as long as it takes. The built-in template has no items: it is code.

mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use portal_domain::input::FieldError;
use portal_domain::mail::Compiled;
use portal_domain::mail::template::{Head, Version, built_in, newest_built_in};
use portal_domain::{Division, InSeconds, TemplateId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use write::Saved;

use super::keys;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::{StoreError, Table};

/// Most compiled versions that a function keeps; beyond that it drops all of them.
const READY: usize = 50;

/// The versions compiled in this process, by template and number.
type Ready = HashMap<(TemplateId, u32), Result<Arc<Compiled>, Unusable>>;

/// Reads and writes templates.
#[derive(Clone, Debug)]
pub struct TemplateStore {
    table: Table,
    ready: Arc<Mutex<Ready>>,
}

/// A version of a template, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of Version")]
pub struct VersionSummary {
    pub version: u32,
    pub name: String,
    pub updated_at: Option<Timestamp>,
    pub updated_by: Option<String>,
}

impl VersionSummary {
    /// The summary for people.
    pub fn shown(self) -> Self {
        Self { updated_at: self.updated_at.in_seconds(), ..self }
    }
}

impl From<Version> for VersionSummary {
    fn from(version: Version) -> Self {
        let Version { version, name, updated_at, updated_by, .. } = version;
        Self { version, name, updated_at, updated_by }
    }
}

/// Why no e-mail may be made of a version. This does not change with time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is no such version.
    #[error("the template's version does not exist")]
    Missing,
    /// The present rules refuse it, although those of the release that saved it did not.
    #[error("breaks rules that were made after it was saved ({}): mend it, and save it anew", told(.0))]
    Refused(Vec<FieldError>),
}

/// The first fault of a template, with its place.
fn told(faults: &[FieldError]) -> String {
    let Some(first) = faults.first() else { return String::new() };
    let place = first.place.map(|place| format!(" {}:{}", place.line, place.column)).unwrap_or_default();
    let more = if faults.len() > 1 { format!("; and {} more", faults.len() - 1) } else { String::new() };
    format!("{}{place} {}{more}", first.field, first.message)
}

/// Why a division can't use a template, worded as a fault of the field `templateId`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    /// There is no such template.
    #[error("is not a known template")]
    Unknown,
    /// It was deactivated.
    #[error("is a template that was deactivated")]
    Inactive,
    /// No campaign may use this version any more.
    #[error("can't be used: its version {0} {1}")]
    Version(u32, #[source] Unusable),
    /// It links to a server that is not the division's.
    #[error(
        "names {0}, which is no server of this division: take it out of the template (two words with a dot between are an address too), or have it added to the division's linkHosts"
    )]
    ForeignHost(String),
}

/// Why this division can't use a compiled template, if it can't.
pub fn refused_by(division: &Division, template: &Compiled) -> Option<TemplateRefusal> {
    let hosts = template.foreign_hosts(division);
    (!hosts.is_empty()).then(|| TemplateRefusal::ForeignHost(hosts.join(", ")))
}

impl TemplateStore {
    /// A store on the table Directory with this name.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("DIRECTORY_TABLE")?, ready: Arc::default() })
    }

    /// Every template: the built-in one, then the others by name.
    pub async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let mut heads = self.table.all("list templates", keys::templates()).await?;
        heads.sort_by_cached_key(|head| (head.name.to_lowercase(), head.template_id.clone()));
        heads.insert(0, Head::of(&newest_built_in()));
        Ok(heads)
    }

    /// The head of a template, read consistently.
    pub async fn head(&self, template: &TemplateId) -> Result<Option<Head>, StoreError> {
        if template.is_built_in() {
            return Ok(Some(Head::of(&newest_built_in())));
        }
        self.table.get("read a template", &keys::template(template)).await
    }

    /// A version of a template.
    pub async fn version(&self, template: &TemplateId, version: u32) -> Result<Option<Version>, StoreError> {
        if template.is_built_in() {
            return Ok(built_in(version));
        }
        self.table.get("read a version of a template", &keys::version(template, version)).await
    }

    /// Every version of a template, the newest first; none if there is no such template.
    pub async fn versions(&self, template: &TemplateId) -> Result<Vec<VersionSummary>, StoreError> {
        if template.is_built_in() {
            return Ok((1..=newest_built_in().version).rev().filter_map(built_in).map(VersionSummary::from).collect());
        }
        self.table.all("list versions of a template", keys::versions(template)).await
    }

    /// The head of a template if new campaigns of this division may use its newest version; without a division, if
    /// those of any division may.
    pub async fn usable(
        &self,
        template: &TemplateId,
        division: Option<&Division>,
    ) -> Result<Result<Head, TemplateRefusal>, StoreError> {
        let Some(head) = self.head(template).await? else { return Ok(Err(TemplateRefusal::Unknown)) };
        if !head.active {
            return Ok(Err(TemplateRefusal::Inactive));
        }
        Ok(match self.compiled(template, head.version).await? {
            Ok(compiled) => division.and_then(|division| refused_by(division, &compiled)).map_or(Ok(head), Err),
            Err(unusable) => Err(TemplateRefusal::Version(head.version, unusable)),
        })
    }

    /// A compiled version, if the present rules allow it. It is read once per process, since it never changes; that it
    /// does not exist is not remembered.
    pub async fn compiled(
        &self,
        template: &TemplateId,
        version: u32,
    ) -> Result<Result<Arc<Compiled>, Unusable>, StoreError> {
        let wanted = (template.clone(), version);
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let compiled = if template.is_built_in() {
            Compiled::built_in(version).ok_or(Unusable::Missing)
        } else {
            let Some(version) = self.version(template, version).await? else { return Ok(Err(Unusable::Missing)) };
            Compiled::checked(&version.sources).map_err(Unusable::Refused)
        };
        let compiled = compiled.map(Arc::new);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= READY {
            ready.clear();
        }
        ready.insert(wanted, compiled.clone());
        Ok(compiled)
    }
}

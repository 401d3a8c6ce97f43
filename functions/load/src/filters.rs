//! `GET /v1/filters`: what to offer in each drop-down.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use futures::future::{try_join, try_join_all};
use portal_aws::directory::read::FilterOptions;
use portal_domain::mail::language::OFFERED;
use portal_domain::mail::template::Head;
use portal_domain::{Division, DivisionId, TemplateId};
use portal_http::{Caller, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Load;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Filters {
    divisions: Vec<DivisionFilters>,
    templates: Vec<TemplateChoice>,
    /// The languages of templates.
    languages: &'static [&'static str],
}

/// A division, with the values that occur in it, sorted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DivisionFilters {
    division: DivisionId,
    name: String,
    time_zone: String,
    /// The sender to offer first, if any is allowed.
    email_from: Option<String>,
    senders: Vec<String>,
    account_classes: BTreeSet<String>,
    bill_groups: BTreeSet<String>,
    account_sources: BTreeSet<String>,
    site_sources: BTreeSet<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TemplateChoice {
    template_id: TemplateId,
    name: String,
    version: u32,
}

pub(crate) async fn list(State(load): State<Arc<Load>>, caller: Caller, uri: Uri) -> Result<Json<Filters>, Problem> {
    let only = Query::of(&uri).read(|fields| fields.optional_id("division").map(DivisionId::new))?;
    let divisions = match only {
        Some(only) => vec![load.division(&caller, &only).await?],
        None => {
            let (mut divisions, permitted) = (load.directory.divisions().await?, caller.divisions());
            divisions.retain(|division| permitted.includes(&division.division));
            divisions
        }
    };
    let options = divisions.iter().map(|division| load.directory.filter_options(&division.division));
    let (options, templates) = try_join(try_join_all(options), load.templates.heads()).await?;
    let divisions = divisions.into_iter().zip(options);
    let divisions = divisions.map(|(division, options)| DivisionFilters::new(division, options)).collect();
    let templates = templates.into_iter().filter(|template| template.active).map(TemplateChoice::from).collect();
    Ok(Json(Filters { divisions, templates, languages: &OFFERED }))
}

impl From<Head> for TemplateChoice {
    fn from(head: Head) -> Self {
        Self { template_id: head.template_id, name: head.name, version: head.version }
    }
}

impl DivisionFilters {
    fn new(division: Division, mut options: FilterOptions) -> Self {
        let mut values = |field: &str| options.remove(field).unwrap_or_default();
        let senders: Vec<String> = division.offered_senders().into_iter().map(str::to_owned).collect();
        Self {
            email_from: senders.first().cloned(),
            senders,
            account_classes: values("accountClass"),
            bill_groups: values("billGroup"),
            account_sources: values("accountSource"),
            site_sources: values("siteSource"),
            division: division.division,
            name: division.name,
            time_zone: division.time_zone,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_division_offers_what_occurs_in_it() {
        let division = json!({"division": "D", "name": "Dayton", "email": "a@example.com", "timeZone": "Europe/Berlin",
            "portalUrl": "https://portal.example.com"});
        let division = serde_json::from_value(division).expect("a division");
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let options = FilterOptions::from([
            ("accountClass".to_owned(), values(&["B", "A"])),
            ("siteSource".to_owned(), values(&["S#1"])),
        ]);
        let expected = json!({"division": "D", "name": "Dayton", "timeZone": "Europe/Berlin", "emailFrom": "a@example.com",
            "senders": ["a@example.com"], "accountClasses": ["A", "B"], "billGroups": [], "accountSources": [],
            "siteSources": ["S#1"]});
        assert_eq!(serde_json::to_value(DivisionFilters::new(division, options)).expect("serialises"), expected);
    }
}

//! Requests as they are read.

use portal_domain::input::{FieldError, Fields};
use portal_domain::mail::{Compiled, Language, Sources};
use portal_domain::{DivisionId, RecipientId};
use portal_http::Problem;
use serde_json::Value;

/// Most characters of a template's name.
pub(crate) const NAME: usize = 100;

/// Most characters of a language tag, as BCP 47 (4.4.1) recommends that software support.
pub(crate) const LANGUAGE: usize = 35;

/// The division and recipient that a template is shown for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    pub division: DivisionId,
    pub recipient_id: Option<RecipientId>,
}

/// A template to be saved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub name: String,
    pub sources: Sources,
}

/// Reads a body with `read`; all faults are returned at once.
pub(crate) fn parse<T>(body: &Value, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
    let mut fields = Fields::of(body, "")?;
    let value = read(&mut fields);
    let faults = fields.finish();
    if faults.is_empty() { Ok(value) } else { Err(faults.into()) }
}

pub(crate) fn draft(fields: &mut Fields<'_>) -> Draft {
    let name = fields.required_text("name", NAME).trim().to_owned();
    Draft { name, sources: sources(fields).0 }
}

/// The sources of a template, checked by the rules for a save and compiled.
pub(crate) fn sources(fields: &mut Fields<'_>) -> (Sources, Option<Compiled>) {
    let mut absent = Vec::new();
    let mut source = |field: &'static str| match fields.required(field) {
        Some(Value::String(source)) => source.clone(),
        Some(_) => {
            fields.fault(field, "must be a string");
            absent.push(field);
            String::new()
        }
        None => {
            absent.push(field);
            String::new()
        }
    };
    let (subject, html, text) = (source("subject"), source("html"), source("text"));
    let sources = Sources { subject, html, text, language: language(fields) };
    let compiled = match Compiled::checked(&sources) {
        Ok(compiled) => Some(compiled),
        Err(faults) => {
            fields.faults(faults.into_iter().filter(|fault: &FieldError| !absent.contains(&fault.field.as_str())));
            None
        }
    };
    (sources, compiled)
}

fn language(fields: &mut Fields<'_>) -> Option<Language> {
    match fields.optional_text("language", LANGUAGE)?.parse() {
        Ok(language) => Some(language),
        Err(unknown) => {
            fields.fault("language", unknown.to_string());
            None
        }
    }
}

/// A version of a template, if one is named.
pub(crate) fn version(fields: &mut Fields<'_>) -> Option<u32> {
    let version = fields.optional_number("version", 1..=u64::from(u32::MAX))?;
    u32::try_from(version).ok()
}

pub(crate) fn audience(fields: &mut Fields<'_>) -> Audience {
    let division = DivisionId::new(fields.required_id("division"));
    Audience { division, recipient_id: fields.optional_recipient_id("recipientId") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_faults_of_a_draft_are_told_at_once_those_of_sources_with_their_place() {
        let body =
            json!({"name": "", "subject": "x\r\n{{temporaryPassword}}", "html": 7, "language": "tlh", "surprise": 1});
        let problem = parse(&body, draft).expect_err("much is wrong");
        let faults = problem.errors();
        let fields: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.place.is_some())).collect();
        let expected = [
            ("name", false),
            ("html", false),
            ("text", false),
            ("language", false),
            ("subject", true),
            ("subject", true),
            ("subject", true),
            ("surprise", false),
        ];
        assert_eq!(fields, expected);
        let shown = serde_json::to_value(&faults[6]).expect("serialises");
        assert_eq!((&shown["line"], &shown["column"]), (&json!(2), &json!(1)));
        assert!(faults[3].message.contains("there are cs, da, de, en,"), "{}", faults[3].message);
        assert_eq!(serde_json::to_value(&faults[0]).expect("serialises").get("line"), None);
    }
}

//! Values to render a body with: every case that makes a difference to its text, that is, every choice of its blocks.

use serde_json::{Map, Value as Json, json};

use super::super::language::{Parsed, Tag};
use super::super::placeholders::{ACCOUNT_NAMES, NAMES, Value};

/// Before the marks of values: the first of 32 characters that Unicode keeps for a process's own use (noncharacters),
/// so that no source may have one.
const FIRST_MARK: u32 = 0xFDD0;

/// Placeholders that may come out empty, which joins the text around them.
const MAY_BE_EMPTY: [&str; 4] = ["name", "division.logoUrl", "moreAccounts", "this.name"];

/// Placeholders that never come out empty: they are generated, or rendering fails if they are empty, because they must
/// be addresses.
const NEVER_EMPTY: [&str; 5] = ["temporaryPassword", "activationLink", "expires", "accountTotal", "division.portalUrl"];

/// The names of all placeholders, in the order of their marks.
fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, ..)| *name).chain(ACCOUNT_NAMES)
}

/// The character that stands for a placeholder's value in a marked e-mail.
pub(in super::super) fn mark_of(path: &str) -> char {
    let index = names().position(|name| name == path).and_then(|index| u32::try_from(index).ok()).unwrap_or(31);
    char::from_u32(FIRST_MARK + index).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The placeholder whose value this character stands for.
pub(in super::super) fn path_of(mark: char) -> Option<&'static str> {
    let index = u32::from(mark).checked_sub(FIRST_MARK)?;
    names().nth(usize::try_from(index).ok()?)
}

/// Values to fill a body in with.
pub(super) struct Case {
    /// In the shape of `data`.
    pub data: Json,
    /// Which values are empty.
    pub empty: Vec<&'static str>,
}

/// Every case that makes a difference to this source.
///
/// These cases are complete. A block tests only whether a value is empty (`if`, `unless`) and how many accounts there
/// are (`each`). So each value that a block tests, or that may come out empty, is present in half of the cases and
/// empty in the others, in every combination, including those that can't occur. The accounts are none, one of each kind
/// (by what is empty in it), and a list in which every kind follows every kind.
///
/// Longer lists add nothing next to a secret, which never stands inside `each`. Consider the nearest forbidden
/// character beside a secret. If it comes from an account, nothing separates it from the secret, so a list of that
/// account alone has it there too.
pub(super) fn cases(parsed: &Parsed<'_>) -> impl Iterator<Item = Case> {
    let matters = |path: &&'static str| {
        !NEVER_EMPTY.contains(path)
            && parsed.mustaches.iter().any(|mustache| match mustache.tag {
                Tag::Open(_, tested) => tested == *path,
                Tag::Placeholder(used) => used == *path && MAY_BE_EMPTY.contains(path),
                _ => false,
            })
    };
    let of_accounts: Vec<_> = ACCOUNT_NAMES.into_iter().filter(matters).collect();
    let lists = if ["accounts"].iter().any(matters) { lists(&of_accounts) } else { vec![(Vec::new(), Vec::new())] };
    let choices: Vec<_> =
        NAMES.iter().map(|(name, ..)| *name).filter(|name| *name != "accounts").filter(matters).collect();
    subsets(&choices).into_iter().flat_map(move |empty| {
        lists.clone().into_iter().map(move |(of_list, accounts)| Case {
            data: data(&empty, accounts),
            empty: empty.iter().chain(&of_list).copied().collect(),
        })
    })
}

/// Lists of accounts, and what is empty in each.
fn lists(of_accounts: &[&'static str]) -> Vec<(Vec<&'static str>, Vec<Json>)> {
    let kinds = subsets(of_accounts);
    let account = |empty: &Vec<&str>| {
        let value = |path: &str| if empty.contains(&path) { String::new() } else { mark_of(path).to_string() };
        json!({"id": value("this.id"), "name": value("this.name")})
    };
    let pairs = kinds.iter().flat_map(|one| kinds.iter().flat_map(move |other| [one, other])).map(account).collect();
    let single = kinds.iter().map(|kind| (kind.clone(), vec![account(kind)]));
    [(vec!["accounts"], Vec::new())].into_iter().chain(single).chain([(Vec::new(), pairs)]).collect()
}

fn subsets(of: &[&'static str]) -> Vec<Vec<&'static str>> {
    let bits = 0..1_usize << of.len();
    bits.map(|bits| of.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, path)| *path).collect())
        .collect()
}

fn data(empty: &[&str], accounts: Vec<Json>) -> Json {
    let mut data = Map::new();
    for (path, value, _) in NAMES {
        let is_empty = empty.contains(&path);
        let value = match value {
            Value::List => Json::Array(accounts.clone()),
            Value::Flag => Json::Bool(!is_empty),
            Value::Text | Value::Address if is_empty => "".into(),
            Value::Text | Value::Address => mark_of(path).to_string().into(),
        };
        match path.split_once('.') {
            None => data.insert(path.to_owned(), value),
            Some((object, field)) => {
                let object = data.entry(object).or_insert_with(|| Json::Object(Map::new()));
                object.as_object_mut().and_then(|object| object.insert(field.to_owned(), value))
            }
        };
    }
    Json::Object(data)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::source::Source;
    use super::super::super::{Part, language};
    use super::*;

    fn cases_of(text: &str) -> Vec<(Vec<&'static str>, usize)> {
        let mut source = Source::new(Part::Text, text);
        let parsed = language::parse(&mut source);
        cases(&parsed).map(|case| (case.empty, case.data["accounts"].as_array().map_or(0, Vec::len))).collect()
    }

    #[test]
    fn marks_are_noncharacters_and_each_is_of_one_placeholder() {
        let marks: BTreeSet<char> = names().map(mark_of).collect();
        assert_eq!(marks.len(), names().count());
        assert!(marks.iter().all(|mark| ('\u{fdd0}'..='\u{fdef}').contains(mark)));
        assert!(names().all(|name| path_of(mark_of(name)) == Some(name)));
        assert_eq!((path_of('a'), path_of('\u{fdef}')), (None, None));
    }

    #[test]
    fn a_case_is_every_combination_of_what_the_source_looks_at() {
        assert_eq!(cases_of("x {{expires}} {{#if temporaryPassword}}{{/if}}"), [(vec![], 0)]);
        assert_eq!(cases_of("{{name}}").len(), 2);
        assert_eq!(cases_of("{{#if division.name}}{{/if}}{{#unless oneAccount}}{{name}}{{/unless}}").len(), 8);
        let of_each = cases_of("{{#each accounts}}{{this.id}}{{/each}}");
        assert_eq!(of_each, [(vec!["accounts"], 0), (vec![], 1), (vec![], 2)]);
        let with_name = cases_of("{{#each accounts}}{{this.name}}{{/each}}");
        assert_eq!(with_name, [(vec!["accounts"], 0), (vec![], 1), (vec!["this.name"], 1), (vec![], 8)]);
        let everything: String = names().map(|name| format!("{{{{#if {name}}}}}{{{{/if}}}}")).collect();
        assert_eq!(cases_of(&everything).len(), 128 * 6, "the most that there can be");
    }
}

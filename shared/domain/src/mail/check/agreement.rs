//! Handlebars' own view of a source, which must be exactly what [`super::language`] found.

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use super::language::{Kind, Parsed, Tag};
use super::source::Source;

/// Compiles a source, if it is well-formed and uses nothing but placeholders, `if`, `unless` and `each`. This is
/// repeated whenever a stored template is compiled, whatever was checked when it was saved.
pub(in crate::mail) fn compile(source: &str) -> Option<Template> {
    let template = Template::compile(source).ok()?;
    found_in(&template).map(|_| template)
}

/// Reports a fault if Handlebars reads the source differently.
pub(super) fn check(source: &mut Source<'_>, parsed: &Parsed<'_>) {
    let expected: Vec<String> = parsed
        .mustaches
        .iter()
        .filter_map(|mustache| match mustache.tag {
            Tag::Placeholder(path) => Some(path.to_owned()),
            Tag::Open(kind, path) => Some(format!("{} {path}", kind.name())),
            Tag::Else | Tag::Close(_) | Tag::Malformed => None,
        })
        .collect();
    match Template::compile(source.text) {
        Ok(template) if found_in(&template).as_ref() == Some(&expected) => {}
        Ok(_) => source.fault(0, "can't be read without doubt: check its `{{…}}`"),
        Err(error) => {
            let line = error.pos().map_or(0, |(line, _)| line.saturating_sub(1));
            let at = source.text.split_inclusive('\n').take(line).map(str::len).sum();
            source.fault(at, "can't be read: check the `{{…}}` from here on");
        }
    }
}

/// Every placeholder and block in order, or `None` if there is anything else.
fn found_in(template: &Template) -> Option<Vec<String>> {
    let mut found = Vec::new();
    collect(template, &mut found).then_some(found)
}

fn collect(template: &Template, found: &mut Vec<String>) -> bool {
    template.elements.iter().all(|element| match element {
        TemplateElement::RawString(_) => true,
        TemplateElement::Expression(helper) => match path_of(&helper.name) {
            Some(path) if is_plain(helper) && helper.params.is_empty() => {
                found.push(path.to_owned());
                true
            }
            _ => false,
        },
        TemplateElement::HelperBlock(helper) => collect_block(helper, found),
        _ => false,
    })
}

fn collect_block(helper: &HelperTemplate, found: &mut Vec<String>) -> bool {
    let name = helper.name.as_name().filter(|name| Kind::ALL.iter().any(|kind| kind.name() == *name));
    let (Some(name), [path], true, false) = (name, &helper.params[..], is_plain(helper), helper.chain) else {
        return false;
    };
    let Some(path) = path_of(path) else { return false };
    found.push(format!("{name} {path}"));
    helper.template.iter().chain(&helper.inverse).all(|template| collect(template, found))
}

fn is_plain(helper: &HelperTemplate) -> bool {
    helper.hash.is_empty() && helper.block_param.is_none()
}

fn path_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Path(_) | Parameter::Name(_) => parameter.as_name(),
        _ => None,
    }
}

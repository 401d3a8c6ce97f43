//! Reads one module.

use crate::lines::{Line, code_lines};
use crate::{Fault, resolve};

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_in_name)
}

/// A module, with its statements of import and export rewritten. These forms are taken, each on a line that begins with
/// it:
///
/// - `import { one, two as other } from './file.js';`
/// - `import * as file from '../folder/file.js';`
/// - `export function`, `export async function`, `export class` and `export const`, with a name
///
/// and `import('./file.js')` anywhere in a line, which fetches the module when it is called. An export that changes its
/// value (`export let`) is not taken: whoever imports it would keep the first one.
#[derive(Debug, Default)]
pub struct Module {
    path: String,
    /// What it imports, in the order of its lines.
    pub imports: Vec<Import>,
    /// The paths of what it fetches when that is called for.
    pub deferred: Vec<String>,
    /// The names of what it exports.
    pub exports: Vec<String>,
    /// Its code, rewritten.
    pub lines: Vec<Line>,
}

/// A statement of import.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The line of the source, from 1.
    pub line: usize,
    /// The module that it imports from.
    pub path: String,
    /// What it takes from there, by the name that it has there; none where it takes the module as a whole.
    pub names: Vec<String>,
}

impl Module {
    /// Reads a module; `deferred_file` is the name of the built file that has what modules fetch when it is called for.
    pub fn read(path: &str, source: &str, deferred_file: &str) -> Result<Self, Fault> {
        let mut module = Self { path: path.to_owned(), ..Self::default() };
        for line in code_lines(path, source)? {
            let text = module.rewritten(&line, deferred_file)?;
            module.lines.push(Line { text, ..line });
        }
        Ok(module)
    }

    fn rewritten(&mut self, line: &Line, deferred_file: &str) -> Result<String, Fault> {
        let unknown = || Fault::new(&self.path, line.number, "this form of import or export can't be joined");
        let at_the_margin = line.column == 0;
        if at_the_margin && let Some(statement) = line.text.strip_prefix("import ") {
            let (names, pattern, relative) = imported(statement).ok_or_else(unknown)?;
            let path = resolve(&self.path, relative).ok_or_else(unknown)?;
            let text = format!("const {pattern} = {};", variable(&path));
            self.imports.push(Import { line: line.number, path, names });
            return Ok(text);
        }
        if at_the_margin && let Some(statement) = line.text.strip_prefix("export ") {
            let name = exported(statement).ok_or_else(unknown)?.to_owned();
            let text = self.with_deferred(statement, line.number, deferred_file)?;
            self.exports.push(name);
            return Ok(text);
        }
        let word = line.text.split(|c: char| !is_in_name(c)).next();
        let is_expression = line.text.starts_with("import(") || line.text.starts_with("import.");
        if at_the_margin && matches!(word, Some("import" | "export")) && !is_expression {
            return Err(unknown());
        }
        self.with_deferred(&line.text, line.number, deferred_file)
    }

    /// The text with each `import('./file.js')` leading to the built file.
    fn with_deferred(&mut self, text: &str, number: usize, deferred_file: &str) -> Result<String, Fault> {
        let mut parts = text.split("import(");
        let mut rewritten = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let path = part.strip_prefix('\'').and_then(|rest| rest.split_once("')"));
            let path = path.and_then(|(relative, rest)| Some((resolve(&self.path, relative)?, rest)));
            let (path, rest) = path.ok_or_else(|| Fault::new(&self.path, number, "import() must name a file"))?;
            rewritten += &format!("import('./{deferred_file}').then(file => file.{}){rest}", variable(&path));
            self.deferred.push(path);
        }
        Ok(rewritten)
    }
}

/// What stands for a module in a built file: `$shared_dom` for `shared/dom.js`.
pub(crate) fn variable(path: &str) -> String {
    format!("${}", path.trim_end_matches(".js").replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// Of `{ one, two as other } from './file.js';` the names, the pattern that takes these out of the module, and the
/// file.
fn imported(statement: &str) -> Option<(Vec<String>, String, &str)> {
    let (what, file) = statement.split_once(" from '")?;
    let file = file.strip_suffix("';")?;
    if let Some(name) = what.strip_prefix("* as ") {
        return is_name(name).then(|| (Vec::new(), name.to_owned(), file));
    }
    let listed = what.strip_prefix("{ ")?.strip_suffix(" }")?;
    let (mut names, mut pattern) = (Vec::new(), Vec::new());
    for name in listed.split(", ") {
        let (name, other) = name.split_once(" as ").unwrap_or((name, name));
        if !is_name(name) || !is_name(other) {
            return None;
        }
        names.push(name.to_owned());
        pattern.push(if name == other { name.to_owned() } else { format!("{name}: {other}") });
    }
    Some((names, format!("{{ {} }}", pattern.join(", ")), file))
}

/// Of `async function load(…` the name.
fn exported(statement: &str) -> Option<&str> {
    let kinds = ["function ", "async function ", "class ", "const "];
    let rest = kinds.iter().find_map(|kind| statement.strip_prefix(kind))?;
    let name = rest.split(|c| !is_in_name(c)).next()?;
    is_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<Module, Fault> {
        Module::read("people/person.js", source, "views.js")
    }

    fn text(module: &Module) -> String {
        module.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn imports_and_exports_are_rewritten() {
        let module = read(
            "/**\n * A person.\n */\nimport { h, fill as put } from '../shared/dom.js';\nimport * as route from './route.js';\n\n\
             export async function show() {\n  // Why.\n  return h('a', {}, 'import this'); // same line\n}\n\
             export const later = () => import('../shared/busy-note.js');\n",
        );
        let module = module.expect("forms that are taken");
        let imports: Vec<_> =
            module.imports.iter().map(|one| (one.line, one.path.as_str(), one.names.join(" "))).collect();
        assert_eq!(imports, [(4, "shared/dom.js", "h fill".to_owned()), (5, "people/route.js", String::new())]);
        assert_eq!(module.deferred, ["shared/busy-note.js"]);
        assert_eq!(module.exports, ["show", "later"]);
        assert_eq!(
            text(&module),
            "const { h, fill: put } = $shared_dom;\nconst route = $people_route;\nasync function show() {\n\
             return h('a', {}, 'import this'); // same line\n}\n\
             const later = () => import('./views.js').then(file => file.$shared_busy_note);"
        );
        assert_eq!((module.lines[3].number, module.lines[3].column), (9, 2));
    }

    #[test]
    fn what_would_be_joined_wrongly_is_a_fault_that_names_its_line() {
        let refused = [
            "export let value = 1;",
            "export default 1;",
            "export { one };",
            "export * from './one.js';",
            "export const { one } = two;",
            "export function* some() {}",
            "import one from './one.js';",
            "import './one.js';",
            "import {",
            "import { one } from \"./one.js\";",
            "import { one-two } from './one.js';",
            "import { one } from '../../one.js';",
            "import{ one } from './one.js';",
            "const one = import(name);",
            "import(name);",
            "const one = `first",
            "const one = 'first\\",
            "/* one */ const two = 2;",
        ];
        for source in refused {
            let fault = read(&format!("\n{source}\n")).expect_err(source);
            assert!(fault.to_string().starts_with("people/person.js:2: "), "{source}: {fault}");
        }
    }

    #[test]
    fn import_meta_is_left_alone() {
        let module = read("const here = import.meta.url;\n").expect("no statement of import");
        assert_eq!(text(&module), "const here = import.meta.url;");
    }
}

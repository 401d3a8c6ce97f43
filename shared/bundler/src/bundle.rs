//! Joins modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::module::{Module, variable};
use crate::source_map::SourceMap;
use crate::{Fault, Sources};

/// A built script.
#[derive(Debug)]
pub struct Bundle {
    /// The script, which names its map in the last line.
    pub text: String,
    /// The map, as JSON: it belongs beside the script, under the same name with `.map` behind it.
    pub map: String,
    /// The paths of the modules that are in it, each behind those that it imports.
    pub modules: Vec<String>,
}

/// All modules of a page.
#[derive(Debug)]
pub struct Modules<'a> {
    sources: &'a Sources,
    deferred_file: &'a str,
    modules: BTreeMap<&'a str, Module>,
}

impl<'a> Modules<'a> {
    /// Reads all scripts in `sources`. What they fetch when it is called for will be in the built file `deferred_file`.
    pub fn read(sources: &'a Sources, deferred_file: &'a str) -> Result<Self, Fault> {
        let scripts = sources.iter().filter(|(path, _)| path.ends_with(".js"));
        let modules: BTreeMap<_, _> = scripts
            .map(|(path, source)| Ok((path.as_str(), Module::read(path, source, deferred_file)?)))
            .collect::<Result<_, Fault>>()?;
        for (path, module) in &modules {
            for import in &module.imports {
                let imported = modules.get(import.path.as_str());
                let missing = match imported {
                    None => Some(import.path.clone()),
                    Some(other) => import.names.iter().find(|name| !other.exports.contains(name)).cloned(),
                };
                if let Some(missing) = missing {
                    return Err(Fault::new(path, import.line, format!("{missing} is not there to be imported")));
                }
            }
        }
        Ok(Self { sources, deferred_file, modules })
    }

    /// The script `name` with the module `entry` and all that it imports. It fetches no others.
    pub fn bundle(&self, entry: &str, name: &str) -> Result<Bundle, Fault> {
        let modules = self.ordered([entry], &[])?;
        match self.deferred(&modules).first() {
            Some(path) => Err(Fault::new(path, 0, format!("is fetched from {entry}, which has one file"))),
            None => Ok(self.written(name, modules, &BTreeSet::new(), "")),
        }
    }

    /// The script `name` with the module `entry` and all that it imports, and the script with what these fetch when it
    /// is called for. The second imports from the first what is there already.
    pub fn split(&self, entry: &str, name: &str) -> Result<(Bundle, Bundle), Fault> {
        let first = self.ordered([entry], &[])?;
        let mut fetched = self.deferred(&first);
        let second = loop {
            if let Some(path) = fetched.iter().find(|path| first.contains(path)) {
                let message = "is fetched by one module and imported by another: it comes sooner, so import it";
                return Err(Fault::new(path, 0, message));
            }
            let second = self.ordered(fetched.iter().copied(), &first)?;
            // What is fetched may fetch more.
            let known = fetched.len();
            fetched.extend(self.deferred(&second));
            if fetched.len() == known {
                break second;
            }
        };
        let needed: BTreeSet<&str> =
            second.iter().flat_map(|path| self.imports(path)).filter(|path| first.contains(path)).collect();
        let head = format!("import {{ {} }} from './{name}';\n", variables(&needed));
        Ok((self.written(name, first, &needed, ""), self.written(self.deferred_file, second, &fetched, &head)))
    }

    fn imports(&self, path: &str) -> impl Iterator<Item = &str> {
        self.modules.get(path).into_iter().flat_map(|module| &module.imports).map(|import| import.path.as_str())
    }

    fn deferred<'b>(&'b self, paths: &[&str]) -> BTreeSet<&'b str> {
        paths.iter().flat_map(|path| &self.modules[*path].deferred).map(String::as_str).collect()
    }

    /// The modules `roots` and all that they import, each behind those that it imports, without those that are
    /// `elsewhere`.
    fn ordered<'b>(
        &'b self,
        roots: impl IntoIterator<Item = &'b str>,
        elsewhere: &[&str],
    ) -> Result<Vec<&'b str>, Fault> {
        let mut ordered = Vec::new();
        for root in roots {
            self.add(root, elsewhere, &mut Vec::new(), &mut ordered)?;
        }
        Ok(ordered)
    }

    /// `way` is the chain of imports that leads to `path`.
    fn add<'b>(
        &'b self,
        path: &'b str,
        elsewhere: &[&str],
        way: &mut Vec<&'b str>,
        ordered: &mut Vec<&'b str>,
    ) -> Result<(), Fault> {
        if elsewhere.contains(&path) || ordered.contains(&path) {
            return Ok(());
        }
        if !self.modules.contains_key(path) {
            return Err(Fault::new(path, 0, "there is no such file"));
        }
        if way.contains(&path) {
            return Err(Fault::new(path, 0, format!("imports itself: {} -> {path}", way.join(" -> "))));
        }
        way.push(path);
        for imported in self.imports(path) {
            self.add(imported, elsewhere, way, ordered)?;
        }
        way.pop();
        ordered.push(path);
        Ok(())
    }

    fn written(&self, name: &str, modules: Vec<&str>, shared: &BTreeSet<&str>, head: &str) -> Bundle {
        let (mut text, mut map) = (head.to_owned(), SourceMap::default());
        head.lines().for_each(|_| map.add_made_line());
        for path in &modules {
            let Module { exports, lines, .. } = &self.modules[*path];
            map.begin_source(path);
            if !exports.is_empty() {
                text += &format!("const {} = ", variable(path));
            }
            text += "(() => {\n";
            map.add_made_line();
            for line in lines {
                text += &line.text;
                text.push('\n');
                map.add_line(line.number, line.column);
            }
            if !exports.is_empty() {
                text += &format!("return {{ {} }};\n", exports.join(", "));
                map.add_made_line();
            }
            text += "})();\n";
            map.add_made_line();
        }
        if !shared.is_empty() {
            text += &format!("export {{ {} }};\n", variables(shared));
        }
        text += &format!("//# sourceMappingURL={name}.map\n");
        let map = map.to_json(name, self.sources);
        Bundle { text, map, modules: modules.into_iter().map(str::to_owned).collect() }
    }
}

fn variables(paths: &BTreeSet<&str>) -> String {
    paths.iter().map(|path| variable(path)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    const PAGE: [(&str, &str); 5] = [
        ("app.js", "import { show } from './view.js';\nshow(() => import('./more/late.js'));\n"),
        ("view.js", "import { h } from './dom.js';\n\nexport function show() {\n  h();\n}\n"),
        ("dom.js", "// Why.\nexport const h = 1;\n"),
        (
            "more/late.js",
            "import { h } from '../dom.js';\nimport { x } from './part.js';\nexport const late = h + x;\n",
        ),
        ("more/part.js", "export const x = 2;\n"),
    ];

    #[test]
    fn a_module_follows_what_it_imports_and_stands_in_one_file() {
        let sources = sources(&PAGE);
        let (first, second) =
            Modules::read(&sources, "views.js").expect("good").split("app.js", "app.js").expect("good");
        assert_eq!(first.modules, ["dom.js", "view.js", "app.js"]);
        assert_eq!(second.modules, ["more/part.js", "more/late.js"]);
        assert_eq!(
            first.text,
            "const $dom = (() => {\nconst h = 1;\nreturn { h };\n})();\n\
             const $view = (() => {\nconst { h } = $dom;\nfunction show() {\nh();\n}\nreturn { show };\n})();\n\
             (() => {\nconst { show } = $view;\nshow(() => import('./views.js').then(file => file.$more_late));\n})();\n\
             export { $dom };\n//# sourceMappingURL=app.js.map\n"
        );
        assert_eq!(
            second.text,
            "import { $dom } from './app.js';\n\
             const $more_part = (() => {\nconst x = 2;\nreturn { x };\n})();\n\
             const $more_late = (() => {\nconst { h } = $dom;\nconst { x } = $more_part;\nconst late = h + x;\nreturn { late };\n})();\n\
             export { $more_late };\n//# sourceMappingURL=views.js.map\n"
        );
        assert!(first.map.contains(r#""mappings":";AACA;;;;ACDA;AAEA;AACE;AACF;;;;ACJA;AACA;;"#), "{}", first.map);
        assert!(second.map.contains(r#""mappings":";;AAAA;;;;"#), "{}", second.map);
    }

    #[test]
    fn modules_that_can_not_be_joined_are_faults() {
        let table: [(&[(&str, &str)], &str); 6] = [
            (&[("app.js", "import { one } from './one.js';")], "app.js:1: one.js is not there to be imported"),
            (
                &[("app.js", "import { two } from './one.js';"), ("one.js", "export const one = 1;")],
                "app.js:1: two is not there to be imported",
            ),
            (
                &[("app.js", "import * as one from './one.js';"), ("one.js", "import * as app from './app.js';")],
                "app.js: imports itself: app.js -> one.js -> app.js",
            ),
            (&[("app.js", "import('./one.js');")], "one.js: there is no such file"),
            (
                &[("app.js", "import * as one from './one.js';\nimport('./one.js');"), ("one.js", "")],
                "one.js: is fetched by one module and imported by another: it comes sooner, so import it",
            ),
            (&[("one.js", "")], "app.js: there is no such file"),
        ];
        for (files, message) in table {
            let sources = sources(files);
            let split = Modules::read(&sources, "views.js").and_then(|modules| modules.split("app.js", "app.js"));
            assert_eq!(split.expect_err(message).to_string(), message);
        }
        let sources = sources(&PAGE);
        let alone = Modules::read(&sources, "views.js").expect("good").bundle("app.js", "app.js");
        assert_eq!(
            alone.expect_err("two files").to_string(),
            "more/late.js: is fetched from app.js, which has one file"
        );
    }
}

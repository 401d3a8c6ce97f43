//! Builds the files of the page into `OUT_DIR`, from the sources in `page/`.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use portal_bundler::{Bundle, Modules, Sources, join_styles};

/// What the operator's page fetches with its first view, and what it fetches with any other.
const FIRST: &str = "app.js";
const LATER: &str = "views.js";

fn main() {
    println!("cargo::rerun-if-changed=page");
    if let Err(fault) = build() {
        println!("cargo::error={fault}");
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let mut sources = Sources::new();
    read(Path::new("page"), "", &mut sources)?;
    let modules = Modules::read(&sources, LATER)?;
    let (first, later) = modules.split("shell/app.js", FIRST)?;
    let activation = modules.bundle("activate/activate.js", "activate.js")?;
    let mail_frame = modules.bundle("templates/mail-frame.js", "mail-frame.js")?;
    let scripts = [(FIRST, first), (LATER, later), ("activate.js", activation), ("mail-frame.js", mail_frame)];

    let mut used = BTreeSet::new();
    let out = Path::new(&env::var("OUT_DIR")?).join("page");
    fs::create_dir_all(&out)?;
    for (name, Bundle { text, map, modules }) in scripts {
        fs::write(out.join(name), text)?;
        fs::write(out.join(format!("{name}.map")), map)?;
        used.extend(modules);
    }
    for (name, path) in [("style.css", "shell/style.css"), ("activate.css", "activate/style.css")] {
        fs::write(out.join(name), join_styles(&sources, path, &mut used)?)?;
    }
    for path in ["shell/index.html", "shell/icon.svg", "activate/activate.html", "templates/mail-frame.html"] {
        let text = sources.get(path).ok_or_else(|| format!("page/{path} is not there"))?;
        let (_, name) = path.rsplit_once('/').ok_or("each file has a folder")?;
        fs::write(out.join(name), text)?;
        used.insert(path.to_owned());
    }
    match sources.keys().find(|path| !used.contains(*path)) {
        Some(path) => Err(format!("page/{path} is in no file of the page").into()),
        None => Ok(()),
    }
}

/// Reads all files below `folder`.
fn read(folder: &Path, prefix: &str, sources: &mut Sources) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name in page/ is not Unicode")?;
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            read(&path, &format!("{name}/"), sources)?;
        } else {
            sources.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

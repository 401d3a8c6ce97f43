//! What the tests of all programs together use of the roles: each program adds to files in a folder, and `make test`
//! asks at the end what nobody used.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::{Grant, Roles};

/// The variable that names the folder. Where it is not set nothing is written.
pub const FOLDER: &str = "GRANTS_USED";

/// Adds what was used to the folder, in a file of this process.
pub fn add(roles: &Roles) {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let path = Path::new(&folder).join(std::process::id().to_string());
    let lines: String = roles.used().iter().map(|grant| serde_json::to_string(grant).unwrap() + "\n").collect();
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    // One write, which nobody else's comes into the middle of.
    file.and_then(|mut file| file.write_all(lines.as_bytes())).unwrap();
}

/// What is granted, not used by these roles (as what Lambda itself does is), and in no file of the folder.
pub fn unused(roles: &Roles, folder: &Path) -> BTreeSet<Grant> {
    let mut unused: BTreeSet<Grant> = roles.granted().difference(roles.used()).cloned().collect();
    for file in fs::read_dir(folder).unwrap() {
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            unused.remove(&serde_json::from_str(line).unwrap());
        }
    }
    unused
}

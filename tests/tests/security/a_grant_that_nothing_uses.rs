//! Grants of the functions' roles that no test used. This comes last in `make test`, because it reads the records of
//! all other tests.

use std::path::Path;

use tests::cloud::roles::{Roles, record};
use tests::cloud::template::Template;

#[test]
#[ignore = "needs what the other tests wrote down, as make test has them do"]
fn every_grant_of_every_role_is_used_by_a_test() {
    let folder = std::env::var(record::FOLDER).expect("GRANTS_USED names the folder");
    let unused = record::unused(&Roles::new(&Template::read()), Path::new(&folder));
    let lines: Vec<String> = unused.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "template.yaml grants what no test uses:\n{}", lines.join("\n"));
}

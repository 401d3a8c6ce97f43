//! The table of routes against everything that states it again: the API's description, the template, the
//! documentation.

use std::collections::BTreeSet;
use std::fs;

use portal_http::routes::Access;
use tests::cloud::template::Template;
use tests::contract::{self, Listed};
use tests::http::Call;
use tests::world::World;

#[test]
fn the_api_is_described_as_it_is() {
    let written = fs::read_to_string(contract::file()).unwrap();
    let renew = "docs/openapi.json is not that of the code; `cargo run --package tests --bin openapi` writes it";
    assert!(written == contract::description(), "{renew}");
    assert!(!written.contains("[`"), "a reader of the description can't follow a link of rustdoc");
}

#[tokio::test]
async fn the_api_tells_its_description_to_everyone() {
    let answer = World::empty().call(Call::new("GET", "/v1/openapi.json").public()).await;
    assert_eq!((answer.status.as_u16(), answer.text), (200, contract::description()));
}

#[test]
fn the_gateway_has_the_routes_of_the_functions_and_no_other() {
    let authorizer = |access| match access {
        Access::Everyone => "NONE".to_owned(),
        Access::Operators(_) => String::new(),
        Access::Machines(any) => {
            any.iter().map(|permission| format!("portal-invites/{}", permission.group())).collect()
        }
    };
    let served = contract::routes().iter().map(|Listed { function, route }| {
        [(*function).to_owned(), route.method.to_string(), route.path.clone(), authorizer(route.access)]
    });
    let served: BTreeSet<_> = served.collect();
    let wired: BTreeSet<_> = Template::read().routes().into_iter().collect();
    assert_eq!(served.difference(&wired).collect::<Vec<_>>(), [&[""; 4]; 0], "not in the template");
    assert_eq!(wired.difference(&served).collect::<Vec<_>>(), [&[""; 4]; 0], "not in the functions");
}

/// The calls in the page's table. A row names one, and may name its neighbours by what stands in place of the last part:
/// "`POST /v1/campaigns/{id}/pause`, `/resume`".
fn told(page: &str) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter(|row| row.contains(" /v1/"));
    for row in rows {
        let cell = row.split('|').next().unwrap_or_default();
        let mut names = cell.split('`').step_by(2).map(|name| name.split('?').next().unwrap_or_default());
        let first = names.next().unwrap_or_default();
        let (method, path) = first.split_once(' ').unwrap();
        let (parent, _) = path.rsplit_once('/').unwrap();
        told.insert(first.to_owned());
        told.extend(names.filter(|name| !name.is_empty()).map(|name| match name.starts_with("/v1/") {
            true => format!("{method} {name}"),
            false => format!("{method} {parent}{name}"),
        }));
    }
    told
}

#[test]
fn the_documentation_has_every_call_and_no_other() {
    let page = fs::read_to_string(contract::file().with_file_name("api.md")).unwrap();
    let routes = contract::routes().iter().map(|listed| &listed.route);
    let described = routes.filter(|route| route.operation.is_some() && !matches!(route.access, Access::Machines(_)));
    let calls = described.map(|route| {
        let path = route.path.split('/').map(|part| if part.starts_with('{') { "{id}" } else { part });
        format!("{} {}", route.method, path.collect::<Vec<_>>().join("/"))
    });
    assert_eq!(told(&page), calls.collect());
}

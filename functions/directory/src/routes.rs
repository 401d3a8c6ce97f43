//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use portal_domain::account::parse::{ACTIVE_SERVICES, ATTRIBUTE_CHARS, CONTACTS, NAME_CHARS, SITES};
use portal_domain::division::parse::{LINK_HOSTS, SENDERS, URL_CHARS};
use portal_domain::input::ID_CHARS;
use portal_http::body::{JSON, MOST_REASON_CHARS, NDJSON};
use portal_http::routes::shape::{address, flag, id, list, object, text, whole};
use portal_http::{Operation, Permission, Routes};
use serde_json::{Value, json};

use crate::answer::Stored;
use crate::erase::{Erased, Readmission};
use crate::{Directory, accounts, divisions, erase};

/// The routes, guarded. Those of imports exist for machine clients too, who can't erase people.
pub fn routes() -> Routes<Arc<Directory>> {
    let imports = Routes::guarded_by(&[Permission::Directory])
        .also_for_machines()
        .put(
            "/v1/divisions/{division}",
            divisions::store,
            Operation::new("Stores a division")
                .body(division())
                .answers::<divisions::Kept>(StatusCode::OK)
                .answers::<divisions::Kept>(StatusCode::CREATED)
                .tagged()
                .conditional(),
        )
        .post(
            "/v1/accounts",
            accounts::post,
            Operation::new("Stores accounts, and says which were refused and why")
                .content(vec![(JSON, json!({"type": "array", "items": account()})), (NDJSON, text(usize::MAX))])
                .answers::<Stored>(StatusCode::OK)
                .problem(StatusCode::UNPROCESSABLE_ENTITY),
        )
        .delete(
            "/v1/accounts/{accountId}",
            accounts::delete,
            Operation::new("Removes an account, and unlinks its people").answers_nothing(StatusCode::NO_CONTENT),
        );
    let reason = ("reason", text(MOST_REASON_CHARS));
    let erasures = Routes::guarded_by(&[Permission::Directory])
        .post(
            "/v1/recipients/{recipientId}/erase",
            erase::erase,
            Operation::new("Erases a person")
                .body(object(std::slice::from_ref(&reason), &[]))
                .answers::<Erased>(StatusCode::OK)
                .answers::<Erased>(StatusCode::ACCEPTED),
        )
        .post(
            "/v1/divisions/{division}/readmit",
            erase::readmit,
            Operation::new("Lets the next import bring an erased person as a new one")
                .body(object(&[("email", address()), reason], &[]))
                .answers::<Readmission>(StatusCode::OK)
                .problem(StatusCode::CONFLICT),
        );
    imports.merge(erasures)
}

/// The router of the routes.
pub fn router(directory: Directory) -> Router {
    routes().router(Arc::new(directory))
}

fn division() -> Value {
    object(
        &[("name", text(NAME_CHARS)), ("email", address()), ("timeZone", text(64)), ("portalUrl", text(URL_CHARS))],
        &[
            ("division", text(ID_CHARS)),
            ("logoUrl", text(URL_CHARS)),
            ("senders", list(address(), SENDERS)),
            ("replyTo", address()),
            ("linkHosts", list(text(253), LINK_HOSTS)),
        ],
    )
}

fn account() -> Value {
    let site = object(
        &[
            ("siteId", id()),
            ("siteSource", text(ATTRIBUTE_CHARS)),
            ("activeServices", whole(0..=u64::from(ACTIVE_SERVICES))),
        ],
        &[],
    );
    let contact = object(
        &[("contactId", id())],
        &[
            ("name", text(NAME_CHARS)),
            ("email", json!({"type": "string"})),
            ("billing", flag()),
            ("siteId", text(ID_CHARS)),
            ("portal", text(20)),
        ],
    );
    object(
        &[
            ("accountId", id()),
            ("division", id()),
            ("accountClass", text(ATTRIBUTE_CHARS)),
            ("billGroup", text(ATTRIBUTE_CHARS)),
            ("accountSource", text(ATTRIBUTE_CHARS)),
            ("automaticPayment", flag()),
            ("balanceDue", text(40)),
            ("sites", list(site, SITES)),
            ("contacts", list(contact, CONTACTS)),
        ],
        &[("name", text(NAME_CHARS))],
    )
}

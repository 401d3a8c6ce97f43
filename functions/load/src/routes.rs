//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use portal_domain::Division;
use portal_domain::audit::Entry;
use portal_http::routes::shape::{address, flag, id, one_of, text};
use portal_http::{Operation, Permission, Routes};

use crate::page::MOST_ROWS;
use crate::{Load, audit, counts, filters, person, person_data, recipients, stored, unreachable};

/// The routes, guarded.
pub fn routes() -> Routes<Arc<Load>> {
    let routes = Routes::guarded_by(&[Permission::SendInvitations])
        .get(
            "/v1/filters",
            filters::list,
            Operation::new("Divisions, and what to offer in each drop-down")
                .query("division", id())
                .answers::<filters::Filters>(StatusCode::OK),
        )
        .get(
            "/v1/counts",
            counts::count,
            Operation::new("The five counts of a selection, and whom a campaign would e-mail")
                .filter()
                .query("consistency", one_of(&[counts::STRONG]))
                .answers::<counts::CountsAnswer>(StatusCode::OK),
        )
        .get(
            "/v1/recipients",
            recipients::list,
            Operation::new("The people behind a count")
                .filter()
                .query("status", one_of(&["accepted", "pending", "notSent"]))
                .query("search", text(100))
                .query("accountId", id())
                .query("email", address())
                .query("excluded", one_of(&["recentlyInvited", "undeliverable"]))
                .query("onActiveServices", flag())
                .query("linked", one_of(&["true", "false"]))
                .paged(MOST_ROWS)
                .lists::<recipients::row::Row>()
                .or_csv(),
        )
        .get(
            "/v1/recipients/{recipientId}",
            person::one,
            Operation::new("One person, and whether a campaign would e-mail them")
                .filter()
                .query("includeRecentlyInvited", flag())
                .answers::<person::Person>(StatusCode::OK),
        )
        .get(
            "/v1/recipients/{recipientId}/data",
            person_data::export,
            Operation::new("Everything that is stored of one person")
                .query("cursor", text(1_000))
                .answers::<person_data::PersonData>(StatusCode::OK),
        )
        .get(
            "/v1/unreachable",
            unreachable::list,
            Operation::new("The selected contacts without a usable address")
                .filter()
                .paged(MOST_ROWS)
                .lists::<unreachable::Row>()
                .or_csv(),
        );
    let audit = Routes::guarded_by(&[Permission::Audit]).get(
        "/v1/audit",
        audit::list,
        Operation::new("Who exported, imported, deleted or changed what")
            .query("division", id())
            .query("actor", text(256))
            .query("from", text(40))
            .query("to", text(40))
            .paged(audit::MOST_ENTRIES)
            .lists::<Entry>(),
    );
    let stored = Routes::guarded_by(&[Permission::SendInvitations, Permission::Directory])
        .get("/v1/divisions", stored::divisions, Operation::new("Divisions, as they are stored").lists::<Division>())
        .get(
            "/v1/divisions/{division}",
            stored::division,
            Operation::new("One division").answers::<Division>(StatusCode::OK).tagged(),
        )
        .get(
            "/v1/accounts/{accountId}",
            stored::account,
            Operation::new("One account").answers::<stored::AccountView>(StatusCode::OK),
        );
    routes.merge(audit).merge(stored)
}

/// The router of the routes.
pub fn router(load: Load) -> Router {
    routes().router(Arc::new(load))
}

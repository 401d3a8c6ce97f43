//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use portal_aws::directory::templates::VersionSummary;
use portal_domain::mail::template::Head;
use portal_http::routes::shape::{address, id, object, text, whole};
use portal_http::{Operation, Permission, Routes};
use serde_json::{Value, json};

use crate::input::{LANGUAGE, NAME};
use crate::keep::{Items, Whole};
use crate::{Templates, keep, show, trial};

/// The routes, guarded.
pub fn routes() -> Routes<Arc<Templates>> {
    let version = || whole(1..=u64::from(u32::MAX));
    let recipient = ("recipientId", text(36));
    let switch = |summary| {
        let switch = Operation::new(summary).answers::<Whole>(StatusCode::OK).tagged().conditional();
        switch.problem(StatusCode::CONFLICT)
    };
    Routes::guarded_by(&[Permission::SendInvitations])
        .get(
            "/v1/templates",
            keep::list,
            Operation::new("Notification templates, the built-in one first").answers::<Items<Head>>(StatusCode::OK),
        )
        .post(
            "/v1/templates",
            keep::create,
            Operation::new("Stores a new template")
                .body(object(&[&[("name", text(NAME))], &sources()[..]].concat(), &language()))
                .makes::<Whole>(StatusCode::CREATED)
                .tagged(),
        )
        .post(
            "/v1/templates/preview",
            show::preview_sources,
            Operation::new("What somebody would get of a template that is not stored")
                .body(object(
                    &[&[("division", id())], &sources()[..]].concat(),
                    &[std::slice::from_ref(&recipient), &language()[..]].concat(),
                ))
                .answers::<show::Preview>(StatusCode::OK),
        )
        .get(
            "/v1/templates/{templateId}",
            keep::one,
            Operation::new("A template").query("version", version()).answers::<Whole>(StatusCode::OK).tagged(),
        )
        .put(
            "/v1/templates/{templateId}",
            keep::save,
            Operation::new("Stores the next version of a template")
                .body(object(
                    &[&[("name", text(NAME))], &sources()[..]].concat(),
                    &[&[("version", version())], &language()[..]].concat(),
                ))
                .answers::<Whole>(StatusCode::OK)
                .tagged()
                .conditional()
                .problem(StatusCode::CONFLICT),
        )
        .get(
            "/v1/templates/{templateId}/versions",
            keep::versions,
            Operation::new("Who saved which version of a template, and when")
                .answers::<Items<VersionSummary>>(StatusCode::OK),
        )
        .post("/v1/templates/{templateId}/activate", keep::activate, switch("New campaigns may use a template"))
        .post(
            "/v1/templates/{templateId}/deactivate",
            keep::deactivate,
            switch("New campaigns may use a template no more"),
        )
        .post(
            "/v1/templates/{templateId}/preview",
            show::preview_stored,
            Operation::new("What somebody would get of a template")
                .body(object(&[("division", id())], &[recipient.clone(), ("version", version())]))
                .answers::<show::Preview>(StatusCode::OK),
        )
        .post(
            "/v1/templates/{templateId}/test",
            trial::send,
            Operation::new("Mails a template to the caller's own address, with a dummy password")
                .body(object(&[("division", id()), ("emailFrom", address())], &[recipient]))
                .answers::<trial::Sent>(StatusCode::OK)
                .problem(StatusCode::CONFLICT)
                .problem(StatusCode::UNPROCESSABLE_ENTITY)
                .problem(StatusCode::BAD_GATEWAY),
        )
}

/// The router of the routes.
pub fn router(templates: Templates) -> Router {
    routes().router(Arc::new(templates))
}

fn sources() -> [(&'static str, Value); 3] {
    ["subject", "html", "text"].map(|part| (part, json!({"type": "string"})))
}

fn language() -> [(&'static str, Value); 1] {
    [("language", text(LANGUAGE))]
}

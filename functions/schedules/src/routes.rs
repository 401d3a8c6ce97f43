//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use portal_http::routes::shape::{address, filter, id, list, object, one_of, text, whole};
use portal_http::{Operation, Permission, Routes};
use serde_json::{Value, json};

use crate::keep::TOLD;
use crate::list::MOST_ITEMS;
use crate::preview::Preview;
use crate::view::{OccurrenceView, OneView, ScheduleView};
use crate::{Schedules, keep, list as lists, preview};

/// The routes, guarded.
pub fn routes() -> Routes<Arc<Schedules>> {
    let switch = |summary| Operation::new(summary).answers::<OneView>(StatusCode::OK).tagged().conditional();
    Routes::guarded_by(&[Permission::SendInvitations])
        .get(
            "/v1/schedules",
            lists::schedules,
            Operation::new("Schedules, by name").query("division", id()).paged(MOST_ITEMS).lists::<ScheduleView>(),
        )
        .post(
            "/v1/schedules",
            keep::create,
            Operation::new("Stores a schedule")
                .idempotent(false)
                .body(object(&plan(), &others()))
                .makes::<OneView>(StatusCode::CREATED)
                .tagged()
                .problem(StatusCode::NOT_FOUND)
                .problem(StatusCode::CONFLICT),
        )
        .post(
            "/v1/schedules/preview",
            preview::preview,
            Operation::new("The next runs of a schedule, and whom it would e-mail today")
                .body(object(&sketch(), &[&others()[..], &beside()].concat()))
                .answers::<Preview>(StatusCode::OK),
        )
        .get(
            "/v1/schedules/{scheduleId}",
            lists::one,
            Operation::new("One schedule, and who did what to it").answers::<OneView>(StatusCode::OK).tagged(),
        )
        .put(
            "/v1/schedules/{scheduleId}",
            keep::save,
            Operation::new("Changes a schedule")
                .body(object(
                    &plan(),
                    &[
                        &others()[..],
                        &[("revision", whole(1..=u64::from(u32::MAX)))],
                        &TOLD.map(|told| (told, json!({}))),
                    ]
                    .concat(),
                ))
                .answers::<OneView>(StatusCode::OK)
                .tagged()
                .conditional()
                .problem(StatusCode::CONFLICT)
                .problem(StatusCode::UNPROCESSABLE_ENTITY),
        )
        .delete(
            "/v1/schedules/{scheduleId}",
            keep::delete,
            Operation::new("Deletes a schedule").answers_nothing(StatusCode::NO_CONTENT).conditional(),
        )
        .post("/v1/schedules/{scheduleId}/pause", keep::pause, switch("No runs of a schedule for a while"))
        .post("/v1/schedules/{scheduleId}/resume", keep::resume, switch("Lets a schedule go on"))
        .get(
            "/v1/schedules/{scheduleId}/occurrences",
            lists::occurrences,
            Operation::new("The runs of a schedule, newest first").paged(MOST_ITEMS).lists::<OccurrenceView>(),
        )
}

/// The router of the routes.
pub fn router(schedules: Schedules) -> Router {
    routes().router(Arc::new(schedules))
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What decides whom a schedule e-mails, and when.
fn sketch() -> [(&'static str, Value); 2] {
    let rule = json!({"type": "object", "properties": {"at": text(40), "cron": text(300), "rate": text(40)},
        "additionalProperties": false, "minProperties": 1, "maxProperties": 1});
    [("filter", filter()), ("rule", rule)]
}

fn plan() -> [(&'static str, Value); 6] {
    let [filter, rule] = sketch();
    let more = [
        ("name", text(100)),
        ("templateId", text(100)),
        ("emailFrom", address()),
        ("maxRecipients", whole(1..=10_000_000)),
    ];
    let [name, template, from, most] = more;
    [name, filter, template, from, most, rule]
}

/// What a preview doesn't look at, but a schedule has; and which schedule it is.
fn beside() -> [(&'static str, Value); 6] {
    let ignored = ["name", "templateId", "emailFrom", "maxRecipients", "revision"].map(|name| (name, json!({})));
    let [name, template, from, most, revision] = ignored;
    [name, template, from, most, revision, ("scheduleId", text(64))]
}

fn others() -> [(&'static str, Value); 5] {
    let names = one_of(&["notSent", "pending", "both"]);
    let audience = object(
        &[],
        &[
            ("status", names.clone()),
            ("pendingDays", json!({"type": "integer"})),
            ("maxReminders", json!({"type": "integer"})),
        ],
    );
    let audience = json!({"anyOf": [names, audience]});
    let hours = object(&[], &[("sendFrom", text(5)), ("sendUntil", text(5)), ("weekdays", list(one_of(&WEEKDAYS), 7))]);
    [
        ("from", text(40)),
        ("until", text(40)),
        ("audience", audience),
        ("maxPerMinute", whole(1..=portal_domain::campaign::MOST_PER_MINUTE)),
        ("quietHours", hours),
    ]
}

//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use portal_domain::campaign::CampaignView;
use portal_http::body::MOST_REASON_CHARS;
use portal_http::routes::shape::{flag, id, list, object, one_of, several_of, text, whole};
use portal_http::{Operation, Permission, Routes};

use crate::ledger::MOST_ROWS;
use crate::one::OneView;
use crate::{Campaigns, MOST_CAMPAIGNS, clear, control, ledger, one, set_back, settle};

/// The routes, guarded.
pub fn routes() -> Routes<Arc<Campaigns>> {
    let command = |summary| Operation::new(summary).answers::<OneView>(StatusCode::OK).problem(StatusCode::CONFLICT);
    let correction = |summary| {
        let reason = object(&[("reason", text(MOST_REASON_CHARS))], &[]);
        Operation::new(summary).body(reason).answers_nothing(StatusCode::NO_CONTENT).problem(StatusCode::CONFLICT)
    };
    Routes::guarded_by(&[Permission::SendInvitations])
        .get(
            "/v1/campaigns",
            crate::list,
            Operation::new("Campaigns, newest first")
                .query("division", id())
                .query("state", several_of(&crate::state_names()))
                .query("from", text(40))
                .query("to", text(40))
                .paged(MOST_CAMPAIGNS)
                .lists::<CampaignView>(),
        )
        .get(
            "/v1/campaigns/{campaignId}",
            one::one,
            Operation::new("One campaign, what may be done to it, and who did what").answers::<OneView>(StatusCode::OK),
        )
        .get(
            "/v1/campaigns/{campaignId}/recipients",
            ledger::recipients,
            Operation::new("The ledger: what became of each recipient, and why")
                .query("outcome", one_of(&ledger::outcomes()))
                .paged(MOST_ROWS)
                .lists::<ledger::Row>()
                .or_csv(),
        )
        .post("/v1/campaigns/{campaignId}/pause", control::pause, command("Stops a campaign for a while"))
        .post(
            "/v1/campaigns/{campaignId}/resume",
            control::resume,
            command("Lets a campaign go on")
                .optional_body(object(&[], &[("expectedRecipients", whole(0..=control::MOST_EXPECTED))])),
        )
        .post("/v1/campaigns/{campaignId}/cancel", control::cancel, command("Ends a campaign for good"))
        .post(
            "/v1/campaigns/{campaignId}/retry",
            control::retry,
            command("Tries again those who failed, or of whom nobody knows")
                .optional_body(object(&[], &[("outcome", one_of(&["failed", "unconfirmed"]))])),
        )
        .post(
            "/v1/campaigns/{campaignId}/settle",
            settle::settle,
            Operation::new("Decides about the unconfirmed")
                .body(object(
                    &[("outcome", one_of(&["sent", "failed"]))],
                    &[("all", flag()), ("recipientIds", list(text(36), settle::MOST_NAMED))],
                ))
                .answers::<settle::Settled>(StatusCode::OK),
        )
        .delete(
            "/v1/recipients/{recipientId}/undeliverable",
            clear::undeliverable,
            Operation::new("Somebody undeliverable may be mailed again").answers_nothing(StatusCode::NO_CONTENT),
        )
        .post("/v1/recipients/{recipientId}/withdraw", set_back::withdraw, correction("Takes an invitation back"))
        .post("/v1/recipients/{recipientId}/set-back", set_back::set_back, correction("Takes an acceptance back"))
}

/// The router of the routes.
pub fn router(campaigns: Campaigns) -> Router {
    routes().router(Arc::new(campaigns))
}

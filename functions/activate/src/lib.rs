//! `activate`: customers accept invitations, and ask for new ones. Open to everyone.
//!
//! The answers tell nobody who is a customer (guarantee 14): every refusal is the same answer after the same work.

mod accept;
mod brand;
mod resend;
mod source;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use portal_aws::campaigns::CampaignStore;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::events::EventBus;
use portal_aws::queue::Queue;
use portal_aws::settings::InvalidSetting;
use portal_http::Problem;
use portal_http::body::{self, JSON};
use serde_json::Value;

/// A request holds an address, two passwords and the id of a division.
const BODY_LIMIT: usize = 8 * 1024;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Activate {
    store: CampaignStore,
    directory: DirectoryReader,
    resends: Queue,
    bus: EventBus,
}

impl Activate {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            directory: DirectoryReader::new(context)?,
            resends: context.queue("RESEND_QUEUE_URL")?,
            bus: EventBus::new(context)?,
        })
    }
}

/// The routes. None needs a token: the temporary password authenticates the customer.
pub fn router(activate: Activate) -> Router {
    Router::new()
        .route("/v1/activations", post(accept::accept))
        .route("/v1/activations/resend", post(resend::resend))
        .route("/v1/activations/brand", get(brand::brand))
        .with_state(Arc::new(activate))
}

/// The JSON of a request's body.
async fn read(request: Request) -> Result<Value, Problem> {
    let (_, bytes) = body::read(request, BODY_LIMIT, &[JSON]).await?;
    Ok(body::parse_json(&bytes)?)
}

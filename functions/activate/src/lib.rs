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
use axum::http::StatusCode;
use portal_aws::context::Context;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::outbox::bus::EventBus;
use portal_aws::people::PeopleStore;
use portal_aws::queue::Queue;
use portal_aws::refusals::Refusals;
use portal_aws::settings::InvalidSetting;
use portal_domain::account::parse::NAME_CHARS;
use portal_domain::new_password::MOST_BYTES;
use portal_http::body::{self, JSON};
use portal_http::routes::shape::{address, id, object, text};
use portal_http::{Operation, Problem, Routes};
use serde_json::Value;

/// A request holds an address, two passwords and the id of a division.
const BODY_LIMIT: usize = 8 * 1024;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Activate {
    people: PeopleStore,
    refusals: Refusals,
    directory: DirectoryReader,
    resends: Queue,
    bus: EventBus,
}

impl Activate {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            people: PeopleStore::new(context)?,
            refusals: Refusals::new(context)?,
            directory: DirectoryReader::new(context)?,
            resends: context.queue("RESEND_QUEUE_URL")?,
            bus: EventBus::new(context)?,
        })
    }
}

/// The routes. None needs a token: the temporary password authenticates the customer.
pub fn routes() -> Routes<Arc<Activate>> {
    let person = [("email", address()), ("division", id())];
    let passwords = [("temporaryPassword", text(accept::TYPED)), ("newPassword", text(MOST_BYTES))];
    let accepts = object(&[&person[..], &passwords[..]].concat(), &[]);
    Routes::open()
        .post(
            "/v1/activations",
            accept::accept,
            Operation::new("A customer accepts an invitation, and chooses a password")
                .body(accepts)
                .answers_nothing(StatusCode::NO_CONTENT)
                .problem(StatusCode::FORBIDDEN)
                .problem(StatusCode::TOO_MANY_REQUESTS),
        )
        .post(
            "/v1/activations/resend",
            resend::resend,
            Operation::new("A customer asks for a new e-mail")
                .body(object(&person, &[]))
                .answers_nothing(StatusCode::ACCEPTED),
        )
        .get(
            "/v1/activations/brand",
            brand::brand,
            Operation::new("Name and logo of a division, for the page on which customers accept")
                .needs("division", text(NAME_CHARS))
                .answers::<brand::Brand>(StatusCode::OK)
                .problem(StatusCode::NOT_FOUND),
        )
}

/// The router of the routes.
pub fn router(activate: Activate) -> Router {
    routes().router(Arc::new(activate))
}

/// The JSON of a request's body.
async fn read(request: Request) -> Result<Value, Problem> {
    let (_, bytes) = body::read(request, BODY_LIMIT, &[JSON]).await?;
    Ok(body::parse_json(&bytes)?)
}

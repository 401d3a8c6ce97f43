//! `campaigns`: campaigns and their ledgers, and an operator's commands to either.

mod clear;
mod control;
mod ledger;
mod one;
mod routes;
mod set_back;
mod settle;

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use futures::{StreamExt, TryStreamExt};
use portal_aws::audit::Audit;
use portal_aws::audit::trail::Trails;
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::claims::Claims;
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::campaigns::list::Listed;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::people::PeopleStore;
use portal_aws::queue::Queue;
use portal_aws::settings::InvalidSetting;
use portal_domain::campaign::CampaignView;
use portal_domain::permission::Divisions;
use portal_domain::{Campaign, CampaignId, CampaignState, DivisionId, RecipientId};
use portal_http::cursor::{Page, PageRequest};
use portal_http::query::{choices, moment};
use portal_http::{Caller, Problem, Query};
use strum::VariantArray;

pub use routes::{router, routes};

/// Campaigns in a page, unless the caller says otherwise.
const DEFAULT_LIMIT: u64 = 20;

/// Most campaigns in a page.
const MOST_CAMPAIGNS: u64 = 100;

/// How many campaigns of a list are read at the same time.
const CONCURRENT_READS: usize = 10;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Campaigns {
    store: CampaignStore,
    claims: Claims,
    people: PeopleStore,
    ledger: Ledger,
    trails: Trails,
    directory: DirectoryReader,
    fan_out: Queue,
    audit: Audit,
}

impl Campaigns {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            store: CampaignStore::new(context)?,
            claims: Claims::new(context)?,
            people: PeopleStore::new(context)?,
            ledger: Ledger::new(context)?,
            trails: Trails::new(context)?,
            audit: Audit::new(context)?,
            directory: DirectoryReader::new(context)?,
            fan_out: context.queue("FAN_OUT_QUEUE_URL")?,
        })
    }

    /// A campaign of a division that the caller has permission for. Any other is not found (guarantee 9).
    async fn campaign(&self, caller: &Caller, id: &str) -> Result<Campaign, Problem> {
        let id: CampaignId = id.parse().map_err(|_| Self::unknown())?;
        let campaign = self.store.campaign(id).await?;
        campaign.filter(|campaign| caller.may(&campaign.filter.division)).ok_or_else(Self::unknown)
    }

    /// A recipient of a division that the caller has permission for. Any other is not found (guarantee 9).
    async fn recipient(&self, caller: &Caller, id: &str) -> Result<RecipientItem, Problem> {
        let unknown = || Problem::not_found("There is no such recipient.");
        let id: RecipientId = id.parse().map_err(|_| unknown())?;
        let recipient = self.directory.recipient(id).await?;
        recipient.filter(|recipient| caller.may(&recipient.division)).ok_or_else(unknown)
    }

    fn unknown() -> Problem {
        Problem::not_found("There is no such campaign.")
    }
}

/// The states of this version.
fn states() -> impl Iterator<Item = CampaignState> {
    CampaignState::VARIANTS.iter().copied().filter(|state| *state != CampaignState::Unknown)
}

/// The names of all states, as the API shows them.
fn state_names() -> Vec<&'static str> {
    states().map(<&str>::from).collect()
}

async fn list(
    State(campaigns): State<Arc<Campaigns>>,
    caller: Caller,
    uri: Uri,
) -> Result<Page<CampaignView>, Problem> {
    let (division, states, from, to, page) = Query::of(&uri).read(|fields| {
        let division = fields.optional_id("division").map(DivisionId::new);
        let state = |name: &str| states().find(|state| <&str>::from(*state) == name);
        let states = choices(fields, "state", &state_names().join(", "), state);
        let (from, to) = (moment(fields, "from", 0), moment(fields, "to", 1));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            fields.fault("to", "must not be before from");
        }
        (division, states, from, to, PageRequest::read(fields, DEFAULT_LIMIT, MOST_CAMPAIGNS))
    })?;
    let list = ("campaigns", &division, &states, from, to);
    let before = page.from(&list)?;
    let divisions = match &division {
        Some(division) => {
            caller.require(division)?;
            campaigns.directory.known_division(division, "division").await??;
            Divisions::Only([division.clone()].into())
        }
        None => caller.divisions().clone(),
    };
    let wanted = Listed { divisions, states: states.clone(), from, to };
    let (listed, next) = campaigns.store.list(&wanted, before, page.limit).await?;
    let now = clock::now();
    let views = listed.into_iter().map(|campaign| async {
        let progress = campaigns.store.progress(&campaign).await?;
        Ok::<_, Problem>(CampaignView::new(campaign, &progress, now))
    });
    let items = futures::stream::iter(views).buffered(CONCURRENT_READS).try_collect().await?;
    Page::new(items, &list, next.as_ref())
}

//! `load`: what an operator sees before sending: values for the filters, the five counts, the lists behind them, and
//! one person.

mod audit;
mod counts;
mod filters;
mod page;
mod person;
mod person_data;
mod recipients;
mod routes;
mod stored;
mod unreachable;

use portal_aws::audit::Audit;
use portal_aws::audit::trail::Trails;
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::derived::counting::Counting;
use portal_aws::directory::read::DirectoryReader;
use portal_aws::directory::templates::TemplateStore;
use portal_aws::settings::InvalidSetting;
use portal_domain::audit::{Deed, Entry};
use portal_domain::selection::Rules;
use portal_domain::{Division, DivisionId, Filter};
use portal_http::{Caller, Problem};
use serde_json::Value;

pub use routes::{router, routes};

/// The function, with what it needs.
#[derive(Clone, Debug)]
pub struct Load {
    directory: DirectoryReader,
    counting: Counting,
    campaigns: CampaignStore,
    ledger: Ledger,
    trails: Trails,
    templates: TemplateStore,
    audit: Audit,
}

impl Load {
    /// Builds the function from its settings.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            campaigns: CampaignStore::new(context)?,
            ledger: Ledger::new(context)?,
            trails: Trails::new(context)?,
            templates: TemplateStore::new(context)?,
            audit: Audit::new(context)?,
            directory: DirectoryReader::new(context)?,
            counting: Counting::new(context)?,
        })
    }

    /// The division that a query names, if the caller has permission for it. One that doesn't exist is a fault of the
    /// query.
    async fn division(&self, caller: &Caller, id: &DivisionId) -> Result<Division, Problem> {
        caller.require(id)?;
        Ok(self.directory.known_division(id, "division").await??)
    }

    /// Records in the audit that rows of a list were exported.
    async fn exported(&self, caller: &Caller, deed: Deed, list: (&Filter, Value), rows: usize) -> Result<(), Problem> {
        let (filter, asked) = list;
        let entry = Audit::entry(caller.actor(), deed);
        let (division, after) = (Some(filter.division.clone()), Some(asked));
        Ok(self.audit.record(Entry { division, after, rows: Some(rows), ..entry }).await?)
    }
}

/// The rules of a campaign that starts now.
fn rules(include_recently_invited: bool) -> Rules {
    Rules::of_new_campaign(clock::now(), include_recently_invited)
}

//! Changes of one person's state outside a campaign: an acceptance, an invitation or acceptance that an operator takes
//! back, and a cleared mark of an undeliverable address, each in one transaction across both tables; and erasure.

pub mod accept;
mod clear;
pub mod erasure;
mod set_back;

use crate::audit::trail::Trails;
use crate::campaigns::acceptances::AcceptanceCounters;
use crate::campaigns::ledger::Ledger;
use crate::context::Context;
use crate::outbox::Outbox;
use crate::recipients::Recipients;
use crate::settings::InvalidSetting;
use crate::table::Table;

/// Changes the state of people.
#[derive(Clone, Debug)]
pub struct PeopleStore {
    directory: Table,
    recipients: Recipients,
    acceptances: AcceptanceCounters,
    ledger: Ledger,
    trails: Trails,
    outbox: Outbox,
}

impl PeopleStore {
    /// A store on the tables `DIRECTORY_TABLE` and `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let directory = context.table("DIRECTORY_TABLE")?;
        Ok(Self {
            recipients: Recipients::new(directory.clone()),
            directory,
            acceptances: AcceptanceCounters::new(context)?,
            ledger: Ledger::new(context)?,
            trails: Trails::new(context)?,
            outbox: Outbox::new(context)?,
        })
    }
}

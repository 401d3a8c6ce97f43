//! Checks of granted e-mails: the limit for each division and day, and one for each invitation.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portal_aws::directory::item::RecipientItem;
use portal_domain::{CampaignId, RecipientId};

use super::ledger::written;
use super::{Checks, Invited};
use crate::cloud::tables::{Change, Image};

/// Most that the customers of a division are granted in a day, in the simulation.
pub const DAILY_LIMIT: u64 = 3;

impl Checks {
    /// A row is written. In a self-service campaign, somebody is granted an e-mail: on the day at which they asked, by
    /// the clock of the function that granted it.
    pub(super) fn granted(&mut self, campaign: CampaignId, recipient: RecipientId, all: &[Change], now: Timestamp) {
        let Some(seen) = self.campaigns.get(&campaign).filter(|seen| seen.campaign.self_service.is_some()) else {
            return;
        };
        let division = seen.campaign.filter.division.clone();
        let asked = written(recipient, all).and_then(|change| change.after.as_ref()).map(Image::read::<RecipientItem>);
        let Some(at) = asked.and_then(|item| item.resends.last().copied()) else {
            return self.broken_for(now, recipient, format!("joined {campaign}, and nobody remembers when"));
        };
        let day = at.to_zoned(TimeZone::UTC).date();
        let granted = self.granted.entry((division.clone(), day)).or_default();
        *granted += 1;
        if *granted > DAILY_LIMIT {
            let what = format!("{granted} e-mails were granted in {division} on {day}, and {DAILY_LIMIT} may be");
            self.broken_for(now, recipient, what);
        }
    }

    /// An e-mail leaves that somebody asked for: the first since an operator's campaign invited them.
    pub(super) fn renewed(&mut self, campaign: CampaignId, recipient: RecipientId, now: Timestamp) {
        let asked = self.campaigns.get(&campaign).is_some_and(|seen| seen.campaign.self_service.is_some());
        let Some(person) = self.people.get(&recipient).filter(|_| asked) else { return };
        let since = person.invitations.iter().rev().take_while(|invited| invited.asked);
        let others = since.filter(|invited| invited.campaign != campaign);
        let left = |invited: &&Invited| {
            self.rows.get(&(invited.campaign, recipient)).is_some_and(|row| row.mailed.contains(&invited.attempt))
        };
        if let Some(before) = others.clone().find(left).map(|invited| invited.campaign) {
            let what =
                format!("{campaign} mailed them what they asked for, and {before} did so for the same invitation");
            self.broken_for(now, recipient, what);
        }
    }

    /// How many times a division reached its daily limit.
    pub fn limits_reached(&self) -> u64 {
        self.granted.values().filter(|granted| **granted >= DAILY_LIMIT).count() as u64
    }
}

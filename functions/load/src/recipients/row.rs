//! One recipient as lists and single answers show it.

use jiff::Timestamp;
use portal_aws::directory::read::{ActiveAccount, ActiveAccounts};
use portal_domain::{AccountId, InSeconds, PortalStatus, Recipient, RecipientId};
use portal_http::csv::BETWEEN_VALUES;
use portal_http::words::{self, Clock};
use schemars::JsonSchema;
use serde::Serialize;

use crate::page::Sheet;

/// A recipient.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RecipientRow")]
pub(crate) struct Row {
    pub recipient_id: RecipientId,
    email: String,
    name: String,
    /// The first accounts by id, 20 at most.
    account_ids: Vec<AccountId>,
    /// How many there are.
    account_count: u32,
    /// The former name of `accountCount`.
    #[schemars(extend("deprecated" = true))]
    accounts: u32,
    status: PortalStatus,
    last_invited_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Why the address is undeliverable, if it is: `bounced` or `complained`.
    undeliverable: Option<String>,
    #[serde(flatten)]
    active: Option<Active>,
}

/// In the list on active services: the accounts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Active {
    /// The first accounts by id, 20 at most.
    active_services: Vec<OnAccount>,
    /// How many there are.
    active_services_accounts: u32,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActiveServices")]
struct OnAccount {
    account_id: AccountId,
    account_name: String,
    active_services: u64,
}

impl From<ActiveAccount> for OnAccount {
    fn from(account: ActiveAccount) -> Self {
        Self {
            account_id: account.account_id,
            account_name: account.account_name,
            active_services: account.active_services,
        }
    }
}

impl From<Recipient> for Row {
    fn from(recipient: Recipient) -> Self {
        Self {
            recipient_id: recipient.recipient_id,
            name: recipient.name().to_owned(),
            email: recipient.email,
            account_count: recipient.links.account_count,
            accounts: recipient.links.account_count,
            account_ids: recipient.links.accounts.into_iter().map(|account| account.account_id).collect(),
            status: recipient.status,
            last_invited_at: recipient.last_invited_at.in_seconds(),
            expires_at: recipient.expires_at.in_seconds(),
            undeliverable: recipient.undeliverable,
            active: None,
        }
    }
}

impl Row {
    /// Adds the recipient's accounts with active services.
    pub(super) fn on(self, accounts: ActiveAccounts) -> Self {
        let active_services = accounts.first.into_iter().map(OnAccount::from).collect();
        Self { active: Some(Active { active_services, active_services_accounts: accounts.count }), ..self }
    }

    fn cells(&self) -> Vec<String> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let account_ids: Vec<&str> = self.account_ids.iter().map(AccountId::as_str).collect();
        let mut cells = vec![
            self.recipient_id.to_string(),
            self.email.clone(),
            self.name.clone(),
            account_ids.join(BETWEEN_VALUES),
            self.account_count.to_string(),
            self.status.to_string(),
            time(self.last_invited_at),
            time(self.expires_at),
            self.undeliverable.clone().unwrap_or_default(),
        ];
        if let Some(active) = &self.active {
            let on_account = |account: &OnAccount| format!("{}: {}", account.account_id, account.active_services);
            let accounts: Vec<String> = active.active_services.iter().map(on_account).collect();
            cells.extend([accounts.join(BETWEEN_VALUES), active.active_services_accounts.to_string()]);
        }
        cells
    }

    /// The cells of a file for people. An accepted or undeliverable recipient has no open invitation, so no expiry is
    /// shown.
    fn cells_in_words(&self, clock: &Clock) -> Vec<String> {
        let waits = self.status != PortalStatus::Accepted && self.undeliverable.is_none();
        let accounts: Vec<_> = self.account_ids.iter().map(ToString::to_string).collect();
        let mut cells = vec![
            self.email.clone(),
            self.name.clone(),
            and_more(&accounts, self.account_count),
            words::status(self.status).to_owned(),
            self.undeliverable.as_deref().map(words::undeliverable).unwrap_or_default().to_owned(),
            clock.time(self.last_invited_at),
            clock.time(self.expires_at.filter(|_| waits)),
        ];
        if let Some(active) = &self.active {
            let on = |on: &OnAccount| format!("{} {}: {}", on.account_id, on.account_name, on.active_services);
            let accounts: Vec<_> = active.active_services.iter().map(on).collect();
            cells.push(and_more(&accounts, active.active_services_accounts));
        }
        cells
    }
}

/// Formats as `A-1, A-2 and 3 more`; `all` is the total.
fn and_more(named: &[String], all: u32) -> String {
    let rest = u64::from(all).saturating_sub(named.len() as u64);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    named.join(", ") + &more
}

/// The list as a file for people.
pub(super) fn sheet_in_words(on_active_services: bool, clock: Clock) -> Sheet<Row> {
    let mut columns = ["E-mail address", "Name", "Accounts", "Status", "Mail"].map(str::to_owned).to_vec();
    columns.extend(["Last invited", "Expires"].map(|label| clock.column(label)));
    if on_active_services {
        columns.push("Accounts with active services".to_owned());
    }
    Sheet { name: "recipients.csv", columns, cells: Box::new(move |row: &Row| row.cells_in_words(&clock)) }
}

/// The list as CSV, with accounts in the list on active services.
pub(super) fn sheet(on_active_services: bool) -> Sheet<Row> {
    let mut columns = vec![
        "recipientId",
        "email",
        "name",
        "accountIds",
        "accounts",
        "status",
        "lastInvitedAt",
        "expiresAt",
        "undeliverable",
    ];
    if on_active_services {
        columns.extend(["activeServices", "activeServicesAccounts"]);
    }
    let columns = columns.into_iter().map(str::to_owned).collect();
    Sheet { name: "recipients.csv", columns, cells: Box::new(Row::cells) }
}

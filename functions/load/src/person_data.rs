//! `GET /v1/recipients/{recipientId}/data`: everything that is stored of one person, as a file.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use portal_aws::audit::Audit;
use portal_aws::campaigns::ledger::history;
use portal_aws::clock;
use portal_aws::directory::item::{Acceptance, MailMark, RecipientItem};
use portal_domain::account::Contact;
use portal_domain::audit::{Deed, Entry};
use portal_domain::campaign::SelfService;
use portal_domain::campaign::audit::{self, AuditEntry};
use portal_domain::feedback::Standing;
use portal_domain::recipient::SetBack;
use portal_domain::{
    Account, AccountId, CampaignId, DivisionId, InSeconds, Outcome, PortalStatus, Recipient, RecipientId,
};
use portal_http::record::Rows;
use portal_http::{Caller, Problem, Query, cursor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Load, page};

/// Accounts read at once. Each has up to 400 KB.
const ACCOUNTS_AT_ONCE: usize = 50;

/// Most bytes of accounts in one answer. Lambda's limit is 6 MB, which campaigns and audit trail share.
const BYTES: usize = 3_000_000;

/// No more accounts are read after this time. API Gateway's limit is 29 seconds.
const TIME: SignedDuration = SignedDuration::from_secs(12);

/// Most campaigns, and most entries of the audit trail: more than two of each on every day of ten years.
const MOST_ENTRIES: usize = 8_000;

/// The file's own note on what it leaves out.
const LEFT_OUT: &str = "Passwords are stored as salted digests only. The digests are left out.";

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonData {
    as_of: Timestamp,
    left_out: &'static str,
    recipient: Stored,
    accounts: Vec<OnAccount>,
    /// Newest first; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaigns: Option<Vec<InCampaign>>,
    /// Newest first; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Vec<AuditEntry>>,
    /// Cursor for further accounts.
    next_cursor: Option<String>,
}

/// The recipient's own item.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StoredRecipient")]
struct Stored {
    recipient_id: RecipientId,
    division: DivisionId,
    email: String,
    status: PortalStatus,
    pending_since: Option<Timestamp>,
    reminders: u32,
    last_invited_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    last_campaign_id: Option<CampaignId>,
    /// Why mail to them is not delivered, or `cleared` and when.
    undeliverable: Option<MailMark>,
    set_back: Option<SetBack>,
    /// When they asked for an e-mail.
    asked_at: Vec<Timestamp>,
    asked_in: Option<CampaignId>,
    resent_at: Option<Timestamp>,
    /// How they accepted an invitation of this system. Their chosen password is stored from then on.
    acceptance: Option<Acceptance>,
}

/// An account that links the person: its name, and the person's own contacts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PersonOnAccount")]
struct OnAccount {
    account_id: AccountId,
    account_name: String,
    contacts: Vec<OwnContact>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnContact {
    contact_id: String,
    name: String,
    billing: bool,
    site_id: Option<String>,
    portal: PortalStatus,
}

/// Their outcome in one campaign.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InCampaign {
    campaign_id: CampaignId,
    created_at: Timestamp,
    /// The former name of `createdAt`.
    #[schemars(extend("deprecated" = true))]
    started_at: Timestamp,
    self_service: Option<SelfService>,
    template_name: String,
    email_from: String,
    outcome: Outcome,
    reason: Option<String>,
    standing: Option<Standing>,
    standing_detail: Option<String>,
    attempts: u32,
    message_id: Option<String>,
    updated_at: Option<Timestamp>,
}

impl From<&RecipientItem> for Stored {
    fn from(item: &RecipientItem) -> Self {
        Self {
            recipient_id: item.recipient_id,
            division: item.division.clone(),
            email: item.email.clone(),
            status: item.status,
            pending_since: item.pending_since.in_seconds(),
            reminders: item.reminders,
            last_invited_at: item.last_invited_at.in_seconds(),
            expires_at: item.expires_at.in_seconds(),
            last_campaign_id: item.last_campaign_id,
            undeliverable: item.undeliverable.clone().map(|mark| match mark {
                MailMark::Cleared(at) => MailMark::Cleared(at.in_seconds()),
                mark @ MailMark::Undeliverable(_) => mark,
            }),
            set_back: item.set_back.map(|set_back| SetBack { at: set_back.at.in_seconds(), ..set_back }),
            asked_at: item.resends.iter().map(|at| at.in_seconds()).collect(),
            asked_in: item.asked_in,
            resent_at: item.resent_at.in_seconds(),
            acceptance: item.acceptance.map(|made| Acceptance { at: made.at.in_seconds(), ..made }),
        }
    }
}

impl OnAccount {
    /// An account's data about a person; `None` if none of its contacts is theirs.
    fn of(account: Account, recipient: &Recipient) -> Option<Self> {
        let is_theirs =
            |contact: &Contact| contact.address.usable().is_some_and(|email| email.as_str() == recipient.email);
        let contacts = account.contacts.into_iter().filter(is_theirs).map(|contact| OwnContact {
            contact_id: contact.contact_id,
            name: contact.name,
            billing: contact.billing,
            site_id: contact.site_id,
            portal: contact.portal,
        });
        let contacts: Vec<_> = contacts.collect();
        let is_linked = account.division == recipient.division && !contacts.is_empty();
        is_linked.then_some(Self { account_id: account.account_id, account_name: account.name, contacts })
    }
}

impl From<history::Entry> for InCampaign {
    fn from(history::Entry { campaign, row }: history::Entry) -> Self {
        Self {
            campaign_id: campaign.campaign_id,
            created_at: campaign.created_at.in_seconds(),
            started_at: campaign.created_at.in_seconds(),
            self_service: campaign.self_service.map(SelfService::shown),
            template_name: campaign.template_name,
            email_from: campaign.email_from,
            outcome: row.outcome,
            reason: row.reason,
            standing: row.standing,
            standing_detail: row.standing_detail,
            attempts: row.attempt,
            message_id: row.message_id,
            updated_at: row.updated_at.in_seconds(),
        }
    }
}

pub(crate) async fn export(
    State(load): State<Arc<Load>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("There is no such recipient.");
    let id: RecipientId = id.parse().map_err(|_| unknown())?;
    let list = ("recipient data", id);
    let cursor = Query::of(&uri).read(|fields| fields.optional_text("cursor", 1_000))?;
    let after: Option<AccountId> = cursor.map(|cursor| cursor::decode(&list, &cursor)).transpose()?;
    let item = load.directory.recipient(id).await?;
    let item = item.filter(|item| caller.may(&item.division)).ok_or_else(unknown)?;
    let stored = Stored::from(&item);
    let recipient = Recipient::from(item);

    let first = after.is_none();
    let (accounts, next) = load.accounts_of(&recipient, after).await?;
    let (campaigns, audit) = match first {
        true => {
            let history = load.ledger.history(id, MOST_ENTRIES).await?.entries.into_iter();
            let trail = load.trails.newest(id, MOST_ENTRIES).await?;
            (Some(history.map(InCampaign::from).collect()), Some(audit::shown(trail)))
        }
        false => (None, None),
    };
    let entry = Audit::entry(caller.actor(), Deed::PersonExported);
    let (division, subject) = (Some(recipient.division.clone()), Some(id.to_string()));
    load.audit.record(Entry { division, subject, rows: Some(accounts.len()), ..entry }).await?;

    let rows = Rows(accounts.len());
    let next_cursor = next.map(|next| cursor::encode(&list, &next)).transpose().map_err(Problem::internal)?;
    let (as_of, left_out) = (clock::now().in_seconds(), LEFT_OUT);
    let data = PersonData { as_of, left_out, recipient: stored, accounts, campaigns, audit, next_cursor };
    let mut response = Json(data).into_response();
    response.extensions_mut().insert(rows);
    let name = HeaderValue::try_from(format!("attachment; filename=\"person-{id}.json\""));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name.map_err(Problem::internal)?);
    Ok(response)
}

impl Load {
    /// The person's data on accounts `after` this one, as many as size and time allow, and the account to continue
    /// after if there may be more.
    async fn accounts_of(
        &self,
        recipient: &Recipient,
        mut after: Option<AccountId>,
    ) -> Result<(Vec<OnAccount>, Option<AccountId>), Problem> {
        let until = clock::now() + TIME;
        let (mut found, mut bytes) = (Vec::new(), 0);
        loop {
            let (ids, more) = self.directory.accounts_of(recipient, after.as_ref(), ACCOUNTS_AT_ONCE).await?;
            for account in self.directory.accounts(&ids).await? {
                let Some(account) = OnAccount::of(account, recipient) else { continue };
                bytes += page::bytes(&account);
                found.push(account);
            }
            match ids.into_iter().next_back() {
                Some(last) if more => after = Some(last),
                _ => return Ok((found, None)),
            }
            if bytes > BYTES || clock::now() > until {
                return Ok((found, after));
            }
        }
    }
}

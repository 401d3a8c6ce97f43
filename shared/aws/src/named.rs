//! Looks up everything that a request names, so that a refusal contains all faults at once.

use portal_domain::division::SenderRefusal;
use portal_domain::email::EmailAddress;
use portal_domain::input::{FieldError, Fields, id_fault};
use portal_domain::{Division, DivisionId, Filter, Recipient, RecipientId, TemplateId};
use serde_json::Value;

use crate::context::Context;
use crate::directory::read::DirectoryReader;
use crate::directory::templates::TemplateStore;
use crate::mail::{Account, MailError, Mailer};
use crate::sender::check_sender;
use crate::settings::InvalidSetting;
use crate::table::StoreError;

/// Looks up the division, template, sender and recipient of requests that start or plan a campaign.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub(crate) directory: DirectoryReader,
    pub(crate) templates: TemplateStore,
    pub(crate) mailer: Mailer,
}

/// The result of a lookup, without fields that could not be read.
#[derive(Debug, Default)]
pub struct Found {
    /// The division, if there is one of this name.
    pub division: Option<Division>,
    /// Whether the sender may send for the division.
    pub sender: Option<Result<Result<Account, SenderRefusal>, MailError>>,
    /// The faults of names that do not exist.
    faults: Vec<FieldError>,
}

impl Found {
    /// All faults of a request that has these `others`. A refused sender is included only beside other faults: alone,
    /// it has its own problem type.
    pub fn with(&self, mut others: Vec<FieldError>) -> Vec<FieldError> {
        others.extend(self.faults.iter().cloned());
        if let Some(Ok(Err(refusal))) = self.sender
            && refusal != SenderRefusal::SendingPaused
            && !others.is_empty()
        {
            others.push(FieldError::new("emailFrom", format!("is refused: {refusal}")));
        }
        others
    }
}

impl Lookup {
    /// A lookup in the stores of a function.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            directory: DirectoryReader::new(context)?,
            templates: TemplateStore::new(context)?,
            mailer: Mailer::new(context),
        })
    }

    /// Looks up what `body` names, as far as it can be read, in a division where the caller `may` send. Other divisions
    /// are not looked at.
    pub async fn find(&self, body: &Value, may: impl FnOnce(&DivisionId) -> bool) -> Result<Found, StoreError> {
        let named = Named::of(body);
        let mut found = Found::default();
        if let Some(id) = &named.division {
            if !may(id) {
                return Ok(found);
            }
            match self.directory.known_division(id, "filter.division").await? {
                Ok(division) => found.division = Some(division),
                Err(fault) => found.faults.push(fault),
            }
        }
        if let Some(template) = &named.template
            && let Err(refusal) = self.templates.usable(template, found.division.as_ref()).await?
        {
            found.faults.push(FieldError::new("templateId", refusal.to_string()));
        }
        if let (Some(division), Some(sender)) = (&found.division, &named.sender) {
            found.sender = Some(check_sender(&self.mailer, division, sender).await);
        }
        if let (Some(_), Some(filter), Some(recipient)) = (&found.division, &named.filter, named.recipient)
            && !self.selects(filter, recipient).await?
        {
            found.faults.push(FieldError::new("recipientId", "is not a recipient in this selection"));
        }
        Ok(found)
    }

    async fn selects(&self, filter: &Filter, recipient: RecipientId) -> Result<bool, StoreError> {
        let Some(item) = self.directory.recipient(recipient).await? else { return Ok(false) };
        self.directory.selected(&Recipient::from(item), filter).await
    }
}

/// The names in a body, each read independently.
#[derive(Debug, Default)]
struct Named {
    division: Option<DivisionId>,
    filter: Option<Filter>,
    template: Option<TemplateId>,
    sender: Option<EmailAddress>,
    recipient: Option<RecipientId>,
}

impl Named {
    fn of(body: &Value) -> Self {
        let Ok(mut fields) = Fields::of(body, "") else { return Self::default() };
        let division = fields.optional("filter").and_then(|filter| Fields::of(filter, "").ok());
        let division = division.and_then(|mut filter| filter.optional_id("division"));
        let template = fields.optional_text("templateId", 100);
        Self {
            division: division.filter(|id| id_fault(id).is_none()).map(DivisionId::new),
            filter: Filter::required(&mut fields),
            template: template.filter(|id| !id.trim().is_empty()).map(TemplateId::new),
            sender: fields.optional_address("emailFrom"),
            recipient: fields.optional_recipient_id("recipientId"),
        }
    }
}

//! Looks up everything that a request names, so that a refusal contains all faults at once.

use portal_domain::division::SenderRefusal;
use portal_domain::email::EmailAddress;
use portal_domain::input::{FieldError, Fields, id_fault};
use portal_domain::mail::template::Head;
use portal_domain::{Division, DivisionId, Filter, Recipient, RecipientId, TemplateId};
use serde_json::Value;

use crate::context::Context;
use crate::directory::read::DirectoryReader;
use crate::directory::templates::{TemplateRefusal, TemplateStore};
use crate::mail::{Account, MailError, Mailer};
use crate::sender::check_sender;
use crate::settings::InvalidSetting;
use crate::table::StoreError;

/// Looks up the division, template, sender and recipient of requests that start or plan a campaign.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub(crate) directory: DirectoryReader,
    templates: TemplateStore,
    mailer: Mailer,
}

/// The result of a lookup; `None` where a name could not be read, or was not looked up.
#[derive(Debug, Default)]
pub struct Found {
    /// The division.
    pub division: Option<Result<Division, Missing>>,
    /// The newest version of the template, if the division can use it.
    pub template: Option<Result<Head, TemplateRefusal>>,
    /// Whether the sender may send for the division.
    pub sender: Option<Result<Result<Account, SenderRefusal>, MailError>>,
    /// The recipient, if the filter selects it.
    pub recipient: Option<Result<Recipient, Missing>>,
}

/// What a request names, where all of it can be used.
#[derive(Debug)]
pub(crate) struct Usable {
    pub division: Division,
    pub template: Head,
    /// The account of SES, which has verified the sender; the error if SES could not be asked.
    pub account: Result<Account, MailError>,
    pub recipient: Option<Recipient>,
}

/// There is nothing of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

/// Why something that a request names can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is no such division.
    #[error("the division does not exist")]
    Division,
    /// The division can't use the template.
    #[error("the template {0}")]
    Template(#[from] TemplateRefusal),
    /// The sender can't be used.
    #[error(transparent)]
    Sender(#[from] SenderRefusal),
    /// The recipient is not in the selection.
    #[error("the recipient is not in the selection")]
    Recipient,
}

impl Found {
    /// All faults of a request that has these `others`. A refused sender is included only beside other faults: alone,
    /// it has its own problem type.
    pub fn with(&self, mut others: Vec<FieldError>) -> Vec<FieldError> {
        if let Some(Err(Missing)) = self.division {
            others.push(Division::unknown("filter.division"));
        }
        if let Some(Err(refusal)) = &self.template {
            others.push(FieldError::new("templateId", refusal.to_string()));
        }
        if let Some(Err(Missing)) = self.recipient {
            others.push(FieldError::new("recipientId", "is not a recipient in this selection"));
        }
        if let Some(Ok(Err(refusal))) = self.sender
            && refusal != SenderRefusal::SendingPaused
            && !others.is_empty()
        {
            others.push(FieldError::new("emailFrom", format!("is refused: {refusal}")));
        }
        others
    }

    /// What the request names, if all of it can be used; else the first thing that can't, and all faults.
    pub(crate) fn usable(self) -> Result<Usable, (Unusable, Vec<FieldError>)> {
        let faults = self.with(Vec::new());
        let unusable = match self {
            Self { division: Some(Ok(division)), template: Some(Ok(template)), sender: Some(sender), recipient } => {
                match (sender, recipient.transpose()) {
                    (Ok(Err(refusal)), _) => refusal.into(),
                    (_, Err(Missing)) => Unusable::Recipient,
                    (Ok(Ok(account)), Ok(recipient)) => {
                        return Ok(Usable { division, template, account: Ok(account), recipient });
                    }
                    (Err(error), Ok(recipient)) => {
                        return Ok(Usable { division, template, account: Err(error), recipient });
                    }
                }
            }
            Self { division: Some(Ok(_)), template: Some(Err(refusal)), .. } => refusal.into(),
            _ => Unusable::Division,
        };
        Err((unusable, faults))
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
        if named.division.as_ref().is_some_and(|id| !may(id)) {
            return Ok(Found::default());
        }
        let found = self.division_and_template(&named).await?;
        self.sender_and_recipient(&named, found).await
    }

    /// Looks up the division and the template.
    pub(crate) async fn division_and_template(&self, named: &Named) -> Result<Found, StoreError> {
        let mut found = Found::default();
        if let Some(id) = &named.division {
            found.division = Some(self.directory.division(id).await?.ok_or(Missing));
        }
        if let Some(template) = &named.template {
            let division = found.division.as_ref().and_then(|division| division.as_ref().ok());
            found.template = Some(self.templates.usable(template, division).await?);
        }
        Ok(found)
    }

    /// Looks up the rest, which needs the division.
    pub(crate) async fn sender_and_recipient(&self, named: &Named, mut found: Found) -> Result<Found, StoreError> {
        let Some(Ok(division)) = &found.division else { return Ok(found) };
        if let Some(sender) = &named.sender {
            found.sender = Some(check_sender(&self.mailer, division, sender).await);
        }
        if let (Some(filter), Some(recipient)) = (&named.filter, named.recipient) {
            found.recipient = Some(self.selected(filter, recipient).await?.ok_or(Missing));
        }
        Ok(found)
    }

    async fn selected(&self, filter: &Filter, recipient: RecipientId) -> Result<Option<Recipient>, StoreError> {
        let Some(item) = self.directory.recipient(recipient).await? else { return Ok(None) };
        let recipient = Recipient::from(item);
        Ok(self.directory.selected(&recipient, filter).await?.then_some(recipient))
    }
}

/// What a request names, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub division: Option<DivisionId>,
    pub filter: Option<Filter>,
    pub template: Option<TemplateId>,
    pub sender: Option<EmailAddress>,
    pub recipient: Option<RecipientId>,
}

impl Named {
    /// The names in a body, each read independently.
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

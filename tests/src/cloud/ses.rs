//! SES: limits of the account, verified senders, and accepted e-mails.

mod report;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
pub use report::{BounceType, Form, Kind, in_envelope, report};
use serde_json::{Value, json};

use super::{Call, Reply};

/// Limits of the account, which a test may change at any time.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// E-mails in any second.
    pub rate: f64,
    /// E-mails that SES takes in a second beyond the rate.
    pub burst: f64,
    /// E-mails in any 24 hours; nothing if unlimited.
    pub quota: Option<u64>,
    /// Sending is enabled.
    pub sending_enabled: bool,
    /// Recipients must be verified too.
    pub sandbox: bool,
}

impl Default for Account {
    /// An account as the emulator has it: 14 e-mails a second, 50,000 a day, out of the sandbox.
    fn default() -> Self {
        Self { rate: 14.0, burst: 0.0, quota: Some(50_000), sending_enabled: true, sandbox: false }
    }
}

/// An e-mail that SES took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Mail {
    pub message_id: String,
    pub at: Timestamp,
    pub from: String,
    pub to: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub tags: BTreeMap<String, String>,
    pub configuration_set: Option<String>,
}

impl Mail {
    /// The temporary password in the text body.
    pub fn password(&self) -> &str {
        let is_password = |word: &&str| {
            let groups: Vec<_> = word.split('-').collect();
            groups.len() >= 4
                && groups.iter().all(|group| group.len() == 5 && group.chars().all(|c| c.is_ascii_alphanumeric()))
        };
        self.text.split_whitespace().find(is_password).expect("the e-mail has a password")
    }
}

/// An account of SES.
#[derive(Debug, Default)]
pub struct Ses {
    /// What it may do now.
    pub account: Account,
    identities: BTreeSet<String>,
    /// Senders whose e-mails are all refused for their content.
    refused: BTreeSet<String>,
    mails: Vec<Mail>,
    /// Time of each recipient of an e-mail, which is what SES counts.
    sent: Vec<Timestamp>,
}

impl Ses {
    /// An account without verified identities.
    pub fn new(account: Account) -> Self {
        Self { account, ..Self::default() }
    }

    /// Answers a call. Time must not run backwards from one call to the next.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        match call.operation.as_str() {
            "SendEmail" => self.send(&call.json(), now),
            "GetAccount" => self.get_account(now),
            "GetEmailIdentity" => self.get_identity(&call.name_in_path()),
            other => Reply::error(400, "BadRequestException", &format!("{other} is not simulated.")),
        }
    }

    /// Verifies an address or a domain.
    pub fn verify(&mut self, identity: &str) {
        self.identities.insert(identity.to_lowercase());
    }

    /// Deletes an address or a domain.
    pub fn unverify(&mut self, identity: &str) {
        self.identities.remove(&identity.to_lowercase());
    }

    /// Refuses each e-mail of a verified sender, or takes them again.
    pub fn refuse(&mut self, sender: &str, refuse: bool) {
        if refuse {
            self.refused.insert(sender.to_owned())
        } else {
            self.refused.remove(sender)
        };
    }

    /// Every e-mail that was taken, the oldest first.
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// Whether an address, its domain or a domain above it is verified.
    pub fn has_verified(&self, address: &str) -> bool {
        let address = bare(address).to_lowercase();
        let mut domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let mut verified = self.identities.contains(&address);
        while let Some(name) = domain {
            verified |= self.identities.contains(name);
            domain = name.split_once('.').map(|(_, above)| above);
        }
        verified
    }

    /// E-mails of the last 24 hours.
    pub fn sent_in_a_day(&self, now: Timestamp) -> u64 {
        self.sent_within(SignedDuration::from_hours(24), now)
    }

    fn sent_within(&self, time: SignedDuration, now: Timestamp) -> u64 {
        (self.sent.len() - self.sent.partition_point(|at| *at <= now - time)) as u64
    }

    fn get_account(&self, now: Timestamp) -> Reply {
        let Account { rate, quota, sending_enabled, sandbox, .. } = self.account;
        let quota = quota.map_or(-1.0, |quota| quota as f64);
        Reply::json(&json!({"EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": !sandbox,
            "SendingEnabled": sending_enabled, "SendQuota": {"MaxSendRate": rate, "Max24HourSend": quota,
            "SentLast24Hours": self.sent_in_a_day(now) as f64}}))
    }

    fn get_identity(&self, identity: &str) -> Reply {
        if !self.identities.contains(&identity.to_lowercase()) {
            return Reply::error(404, "NotFoundException", &format!("Email identity {identity} does not exist."));
        }
        let kind = if identity.contains('@') { "EMAIL_ADDRESS" } else { "DOMAIN" };
        Reply::json(&json!({"IdentityType": kind, "VerifiedForSendingStatus": true, "VerificationStatus": "SUCCESS"}))
    }

    fn send(&mut self, request: &Value, now: Timestamp) -> Reply {
        let mail = match mail(request) {
            Ok(mail) => mail,
            Err(wrong) => return Reply::error(400, "BadRequestException", wrong),
        };
        if !self.account.sending_enabled {
            return Reply::error(400, "SendingPausedException", "Email sending is disabled for your entire account.");
        }
        let recipients = mail.to.iter().filter(|_| self.account.sandbox);
        let unverified: Vec<&str> = std::iter::once(&mail.from)
            .chain(recipients)
            .filter(|address| !self.has_verified(address))
            .map(String::as_str)
            .collect();
        if !unverified.is_empty() {
            let message =
                "Email address is not verified. The following identities failed the check in region US-EAST-1: ";
            return Reply::error(400, "MessageRejected", &format!("{message}{}", unverified.join(", ")));
        }
        if self.refused.contains(&mail.from) {
            return Reply::error(400, "MessageRejected", "Email contains a virus.");
        }
        let wanted = mail.to.len() as u64;
        if self.account.quota.is_some_and(|quota| self.sent_in_a_day(now) + wanted > quota) {
            return Reply::error(429, "TooManyRequestsException", "Daily message quota exceeded.");
        }
        let in_a_second = self.sent_within(SignedDuration::from_secs(1), now) + wanted;
        if in_a_second as f64 > self.account.rate + self.account.burst {
            return Reply::error(429, "TooManyRequestsException", "Maximum sending rate exceeded.");
        }
        self.take(mail, now)
    }

    fn take(&mut self, mail: Mail, now: Timestamp) -> Reply {
        let number = self.mails.len() + 1;
        let message_id = format!("{number:016x}-00000000-0000-4000-8000-{number:012x}-000000");
        let answer = Reply::json(&json!({"MessageId": message_id}));
        self.sent.extend(mail.to.iter().map(|_| now));
        self.mails.push(Mail { message_id, at: now, ..mail });
        answer
    }
}

/// The e-mail of a request, without id and time; or what is wrong with it.
fn mail(request: &Value) -> Result<Mail, &'static str> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(text).collect() };
    let simple = &request["Content"]["Simple"];
    let to = list(&request["Destination"]["ToAddresses"]);
    let from = text(&request["FromEmailAddress"]).ok_or("Missing required parameter FromEmailAddress.")?;
    if !(1..=50).contains(&to.len()) {
        return Err("An e-mail has 1 to 50 recipients.");
    }
    let reply_to = list(&request["ReplyToAddresses"]);
    if to.iter().chain([&from]).chain(&reply_to).any(|address| !bare(address).contains('@')) {
        return Err("Missing final '@domain'");
    }
    let mut tags = BTreeMap::new();
    for tag in request["EmailTags"].as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (tag["Name"].as_str(), tag["Value"].as_str()) else {
            return Err("A tag has a name and a value.");
        };
        let is_valid = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
        if [name, value].iter().any(|part| !(1..=256).contains(&part.len()) || !part.chars().all(is_valid)) {
            return Err("A tag has only letters, digits and _ - . @, at most 256.");
        }
        tags.insert(name.to_owned(), value.to_owned());
    }
    let data = |value: &Value| text(&value["Data"]);
    Ok(Mail {
        message_id: String::new(),
        at: Timestamp::UNIX_EPOCH,
        from,
        to,
        reply_to,
        subject: data(&simple["Subject"]).ok_or("Missing required parameter Subject.")?,
        html: data(&simple["Body"]["Html"]).unwrap_or_default(),
        text: data(&simple["Body"]["Text"]).unwrap_or_default(),
        tags,
        configuration_set: text(&request["ConfigurationSetName"]),
    })
}

/// The address alone, where a name stands before it.
fn bare(address: &str) -> &str {
    address.rsplit_once('<').map_or(address, |(_, address)| address.trim_end_matches('>'))
}

#[cfg(test)]
mod tests;

//! Writes the temporary password that is mailed to a recipient, and undoes that if nothing was mailed.

use jiff::Timestamp;
use portal_domain::activation::Mailed;
use portal_domain::password::PasswordDigest;
use portal_domain::{CampaignId, PortalStatus, RecipientId};
use serde::{Deserialize, Serialize};

use super::{Recipients, as_read, with_status};
use crate::directory::item::RecipientItem;
use crate::directory::keys;
use crate::table::Update;
use crate::table::condition::{is, is_not};

/// Why a recipient is mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// They are invited, or retried in the campaign that invited them.
    Invitation,
    /// They are pending, and did not ask for the e-mail.
    Reminder,
    /// They asked for the e-mail.
    Request {
        /// Passwords of earlier e-mails that stay valid beside the new one.
        earlier: Vec<Mailed>,
        /// The times at which they asked, to be kept.
        resends: Vec<Timestamp>,
    },
}

/// An e-mail that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invitation<'a> {
    /// The campaign that sends it.
    pub campaign: CampaignId,
    /// When.
    pub now: Timestamp,
    /// Digest of the password in the e-mail.
    pub digest: &'a PasswordDigest,
    /// When that password expires.
    pub expires_at: Timestamp,
    /// Why it is sent.
    pub occasion: &'a Occasion,
}

/// The state of a recipient before its claim, so that a refused e-mail can be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the recipient")]
pub struct Prior {
    pub status: PortalStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<PasswordDigest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
    #[serde(default)]
    pub reminders: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_invited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_campaign_id: Option<CampaignId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Mailed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<Timestamp>,
}

impl From<&RecipientItem> for Prior {
    fn from(item: &RecipientItem) -> Self {
        Self {
            status: item.status,
            digest: item.digest.clone(),
            pending_since: item.pending_since,
            reminders: item.reminders,
            last_invited_at: item.last_invited_at,
            expires_at: item.expires_at,
            last_campaign_id: item.last_campaign_id,
            earlier: item.earlier.clone(),
            resent_at: item.resent_at,
        }
    }
}

/// Undoes the claim of a recipient whose e-mail was refused.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The recipient's state before the claim.
    pub prior: Prior,
    /// The digest that the claim wrote. The claim is undone only while the recipient has this digest.
    pub digest: PasswordDigest,
}

impl Recipients {
    /// Makes a recipient `pending` with the digest of the password that is about to be mailed, on the condition that it
    /// is unchanged since it was read and has not accepted.
    pub(crate) fn invite(&self, recipient: &RecipientItem, invitation: Invitation<'_>) -> Update {
        let Invitation { campaign, now, digest, expires_at, occasion } = invitation;
        let update = with_status(self.next_version(recipient), recipient.recipient_id, PortalStatus::Pending);
        let mut update = update
            .set("digest", digest)
            .set("lastInvitedAt", now)
            .set("expiresAt", expires_at)
            .set("lastCampaignId", campaign);
        if recipient.status == PortalStatus::NotSent {
            update = update.set("pendingSince", now).set("reminders", 0);
        }
        let mut kept: &[Mailed] = &[];
        match occasion {
            Occasion::Invitation => {}
            Occasion::Reminder => update = update.set("reminders", recipient.reminders.saturating_add(1)),
            Occasion::Request { earlier, resends } => {
                kept = earlier;
                update = update.set("resends", resends).set("resentAt", now);
            }
        }
        let update = update.set_or_remove("earlier", Some(kept).filter(|kept| !kept.is_empty()));
        update.when(as_read(recipient).and(is_not("status", PortalStatus::Accepted)))
    }

    /// Restores a recipient's earlier state, as long as its newest password is that of this e-mail.
    pub(crate) fn give_back(&self, recipient: RecipientId, undo: &Undo) -> Update {
        let prior = &undo.prior;
        with_status(self.table.update(keys::recipient(recipient)), recipient, prior.status)
            .set_or_remove("digest", prior.digest.as_ref())
            .set_or_remove("pendingSince", prior.pending_since)
            .set_or_remove("reminders", Some(prior.reminders).filter(|reminders| *reminders > 0))
            .set_or_remove("lastInvitedAt", prior.last_invited_at)
            .set_or_remove("expiresAt", prior.expires_at)
            .set_or_remove("lastCampaignId", prior.last_campaign_id)
            .set_or_remove("earlier", Some(&prior.earlier).filter(|earlier| !earlier.is_empty()))
            .set_or_remove("resentAt", prior.resent_at)
            .add("version", 1)
            .when(is("digest", &undo.digest).and(is("status", PortalStatus::Pending)))
    }

    /// Stores when a recipient asked for an e-mail, and the self-service campaign that it joined.
    pub(crate) fn remember_request(
        &self,
        recipient: &RecipientItem,
        campaign: CampaignId,
        asked: &[Timestamp],
    ) -> Update {
        self.next_version(recipient).set("resends", asked).set("askedIn", campaign).when(as_read(recipient))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::Scripted;
    use crate::table::Table;

    const AT: &str = "2026-11-22T09:00:00.5Z";
    const LATER: &str = "2026-11-29T09:00:00Z";
    const CAMPAIGN: &str = "01KAP5ZT00EXAMPKE00000000Z";
    const ID: &str = "8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11";

    /// What DynamoDB is asked to write.
    async fn written(update: impl FnOnce(&Recipients) -> Update) -> Value {
        let (context, asked) = Scripted::answering([(200, json!({}))]);
        let table = Table::new(Client::new(&context.config), "t");
        let update = update(&Recipients::new(table.clone()));
        table.run("test", update).await.expect("an answer");
        asked.requests().remove(0).body
    }

    fn recipient() -> RecipientItem {
        let item = json!({"pk": "RECIPIENT#1", "sk": "RECIPIENT", "recipientId": ID, "division": "D", "email": "a@example.com",
            "status": "notSent", "version": 7});
        serde_json::from_value(item).expect("a recipient")
    }

    fn digest(text: &str) -> PasswordDigest {
        serde_json::from_value(json!(text)).expect("a digest")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[tokio::test]
    async fn an_invitation_is_stored_as_earlier_releases_store_it() {
        let occasion = Occasion::Request { earlier: Vec::new(), resends: vec![at(AT)] };
        let digest = digest("d");
        let campaign = CAMPAIGN.parse().expect("a ULID");
        let invitation =
            Invitation { campaign, now: at(AT), digest: &digest, expires_at: at(LATER), occasion: &occasion };
        let request = written(|recipients| recipients.invite(&recipient(), invitation)).await;
        let expected = json!({
            ":version": {"N": "8"}, ":status": {"S": "pending"}, ":indexSort": {"S": format!("pending#{ID}")}, ":digest": {"S": "d"},
            ":lastInvitedAt": {"S": AT}, ":expiresAt": {"S": LATER}, ":lastCampaignId": {"S": CAMPAIGN}, ":pendingSince": {"S": AT},
            ":reminders": {"N": "0"}, ":resends": {"L": [{"S": AT}]}, ":resentAt": {"S": AT},
            ":version2": {"N": "7"}, ":status2": {"S": "accepted"},
        });
        assert_eq!(request["ExpressionAttributeValues"], expected);
        assert!(
            request["UpdateExpression"].as_str().is_some_and(|text| text.ends_with(" REMOVE #earlier")),
            "{request}"
        );
        assert_eq!(request["ConditionExpression"], "#version = :version2 AND #status <> :status2");
    }

    #[tokio::test]
    async fn what_is_given_back_is_what_there_was_and_nothing_else() {
        let undo = Undo { prior: Prior::from(&recipient()), digest: digest("d") };
        let request = written(|recipients| recipients.give_back(recipient().recipient_id, &undo)).await;
        assert_eq!(
            request["UpdateExpression"],
            "SET #status = :status, #indexSort = :indexSort REMOVE #digest, #pendingSince, #reminders, #lastInvitedAt, \
             #expiresAt, #lastCampaignId, #earlier, #resentAt ADD #version :version"
        );
        let expected = json!({
            ":status": {"S": "notSent"}, ":indexSort": {"S": format!("notSent#{ID}")}, ":version": {"N": "1"},
            ":digest": {"S": "d"}, ":status2": {"S": "pending"},
        });
        assert_eq!(request["ExpressionAttributeValues"], expected);
        assert_eq!(request["ConditionExpression"], "#digest = :digest AND #status = :status2");
    }
}

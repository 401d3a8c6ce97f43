//! Campaigns with e-mails that SES refuses or whose outcome is unknown.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use deliver::Deliver;
use jiff::SignedDuration;
use portal_aws::campaigns::active::LOCKS;
use portal_aws::campaigns::keys;
use portal_aws::campaigns::ledger::keys as ledger_keys;
use portal_aws::clock;
use portal_aws::table::{key, n, s};
use portal_domain::{CampaignId, Outcome};
use serde_json::json;

use crate::World;
use crate::cloud::CAMPAIGNS;
use crate::line::{Fate, line};
use crate::world::SENDER;

impl World {
    /// Hands one message to its function, which must take it.
    pub async fn work(&self, queue: &'static str, message: &Message) {
        assert!(self.invoke(queue, message, clock::now() + SignedDuration::from_secs(60)).await);
        self.delete(queue, message).await;
    }

    /// Starts a campaign to everyone with a sender that SES refuses when the e-mails are due.
    pub async fn send_refused(&self, division: &str) -> CampaignId {
        let sender = self.email("sender");
        self.cloud().ses.verify(&sender);
        self.put_division_with(division, &[SENDER, &sender]).await;
        let mut body = self.send_request(division).await;
        body["emailFrom"] = json!(sender);
        let answer = self.post_campaign("refused", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        self.cloud().ses.refuse(&sender, true);
        answer.json()["campaignId"].as_str().unwrap().parse().unwrap()
    }

    /// A `deliver` whose e-mails SES refuses, each.
    pub fn refused_deliver(&self) -> Deliver {
        let config = line(&self.config, |operation, _| match operation {
            "SendEmail" => Fate::Answered(400, r#"{"__type":"MessageRejected","message":"no"}"#),
            _ => Fate::Made,
        });
        Deliver::new(&self.context(&config)).unwrap()
    }

    /// Lets SES take the sender of [`World::send_refused`].
    pub fn take_sender(&self) {
        self.cloud().ses.refuse(&self.email("sender"), false);
    }

    /// A completed campaign to everyone with unconfirmed rows only: SES failed, and no e-mail left.
    pub async fn send_unconfirmed(&self, division: &str) -> CampaignId {
        let faulty = line(&self.config, |operation, _| match operation {
            "SendEmail" => Fate::Answered(500, "{}"),
            _ => Fate::Made,
        });
        let deliver = Deliver::new(&self.context(&faulty)).unwrap();
        let id = self.send(division).await;
        self.pump_with(&deliver).await;
        id
    }

    /// Makes the first row of a campaign that is over `queued`, and the campaign hold its lock again.
    pub async fn reopen(&self, id: CampaignId) {
        let campaign = self.campaigns.campaign(id).await.unwrap().unwrap();
        let row = self.ledger(id).await.remove(0);
        let shard_pk = keys::shard_pk(id, row.recipient_id.shard());
        let update =
            |pk: String, sk: String| self.dynamo.update_item().table_name(CAMPAIGNS).set_key(Some(key(pk, sk)));
        update(shard_pk.clone(), ledger_keys::ledger_sk(row.recipient_id))
            .update_expression("SET outcome = :queued REMOVE attention, reason")
            .expression_attribute_values(":queued", s(<&str>::from(Outcome::Queued)))
            .send()
            .await
            .unwrap();
        update(shard_pk, ledger_keys::counter_sk(0))
            .update_expression(format!("ADD {} :less", <&str>::from(row.outcome)))
            .expression_attribute_values(":less", n(-1))
            .send()
            .await
            .unwrap();
        update(keys::CAMPAIGNS.to_owned(), id.to_string())
            .update_expression("REMOVE completedAt")
            .send()
            .await
            .unwrap();
        let mut lock = key(LOCKS, campaign.filter.division.as_str());
        lock.insert("campaignId".to_owned(), AttributeValue::S(id.to_string()));
        self.dynamo.put_item().table_name(CAMPAIGNS).set_item(Some(lock)).send().await.unwrap();
    }
}

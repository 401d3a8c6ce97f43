//! A system of its own for one test: AWS in memory, and the functions' code in this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_sqs::types::Message;
use deliver::Deliver;
use fan_out::FanOut;
use feedback::Feedback;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::ledger::Ledger;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_aws::clock;
use portal_aws::context::Context;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::keys;
use portal_aws::settings::{InvalidSetting, Settings};
use portal_aws::table::key;
use portal_domain::{CampaignId, DivisionId};
use portal_runtime::Consumer;
use resend::Resend;
use serde_json::{Value, json};
use sweep::{Sweep, Swept};

use crate::cloud::roles::record;
use crate::cloud::ses::Mail;
use crate::cloud::template::Template;
use crate::cloud::{Cloud, DIRECTORY, connector, settings};
use crate::contract;
use crate::http::{Answer, Call};
use crate::people::Account;

/// Sender that SES has verified.
pub const SENDER: &str = "success+tests@simulator.amazonses.com";

/// The system of one test.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct World {
    pub config: SdkConfig,
    pub settings: Settings,
    pub fan_out: FanOut,
    pub deliver: Deliver,
    pub feedback: Feedback,
    pub resend: Resend,
    pub sweep: Sweep,
    pub campaigns: CampaignStore,
    pub dynamo: aws_sdk_dynamodb::Client,
    /// What the functions' environment would hold.
    variables: HashMap<String, String>,
    cloud: Arc<Mutex<Cloud>>,
    notices_read: AtomicUsize,
    events_read: AtomicUsize,
    sqs: aws_sdk_sqs::Client,
}

impl Drop for World {
    /// No function asked AWS for anything that its role does not allow.
    fn drop(&mut self) {
        if let Ok(cloud) = self.cloud.lock() {
            record::add(&cloud.roles);
        }
        let refused = self.cloud.lock().map(|cloud| cloud.roles.refused().join("\n")).unwrap_or_default();
        if std::thread::panicking() {
            // A refused call may be the reason for the panic.
            eprintln!("{refused}");
        } else {
            assert_eq!(refused, "");
        }
    }
}

impl World {
    /// A new, empty world with a division `NORTH`.
    pub async fn new() -> Self {
        let world = Self::empty();
        world.put_division("NORTH").await;
        world
    }

    /// A new world without anything in it.
    pub fn empty() -> Self {
        let mut cloud = Cloud::new(&Template::read());
        cloud.ses.verify("simulator.amazonses.com");
        // A pace too fast to matter; tests about the pace set their own.
        (cloud.ses.account.rate, cloud.ses.account.quota) = (100_000.0, None);
        let cloud = Arc::new(Mutex::new(cloud));
        let answering = cloud.clone();
        let config = connector::config(move |call| answering.lock().unwrap().answer(call, clock::now()));
        let variables = settings();
        let settings: Settings = variables.clone().into_iter().collect();
        let of = |function: &str| Context::new(&connector::named(&config, function), &settings);
        Self {
            fan_out: FanOut::new(&of("fan-out")).unwrap(),
            deliver: Deliver::new(&of("deliver")).unwrap(),
            feedback: Feedback::new(&of("feedback")).unwrap(),
            resend: Resend::new(&of("resend")).unwrap(),
            sweep: Sweep::new(&of("sweep")).unwrap(),
            campaigns: CampaignStore::new(&Context::new(&config, &settings)).unwrap(),
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamo: aws_sdk_dynamodb::Client::new(&config),
            config,
            settings,
            variables,
            cloud,
            notices_read: AtomicUsize::default(),
            events_read: AtomicUsize::default(),
        }
    }

    /// The services, to look at or to change.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    /// The context of a function, whose role is asked about each call.
    pub fn context_of(&self, function: &str) -> Context {
        self.context(&connector::named(&self.config, function))
    }

    /// A store that no role restricts.
    pub fn store<S>(&self, new: fn(&Context) -> Result<S, InvalidSetting>) -> S {
        new(&self.context(&self.config)).unwrap()
    }

    /// The context of functions that call AWS by this configuration.
    pub fn context(&self, config: &SdkConfig) -> Context {
        Context::new(config, &self.settings)
    }

    /// The context of functions with other values of some settings.
    pub fn context_with(&self, changes: &[(&str, &str)]) -> Context {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Context::new(&self.config, &self.variables.clone().into_iter().chain(changes).collect())
    }

    /// An address of a customer.
    pub fn email(&self, name: impl std::fmt::Display) -> String {
        format!("{name}@customers.example.com")
    }

    /// Calls the function that serves this method and path. The answer is as the API's description says.
    pub async fn call(&self, call: Call) -> Answer {
        let answer = self.answer(&call).await;
        contract::check(&call, &answer);
        answer
    }

    /// The same, whatever the answer is.
    pub async fn answer(&self, call: &Call) -> Answer {
        let of = |function: &str| self.context_of(function);
        let (method, path) = call.route();
        // A method that no route has is refused by a function of the path, one at another path by any function.
        let route = contract::route_of(method, path).or_else(|| contract::routes_at(path).first().copied());
        let function = route.map_or("load", |listed| listed.function);
        let router = match function {
            "activate" => activate::router(activate::Activate::new(&of(function)).unwrap()),
            "campaigns" => campaigns::router(campaigns::Campaigns::new(&of(function)).unwrap()),
            "console" => console::router(),
            "directory" => directory::router(directory::Directory::new(&of(function)).unwrap()),
            "load" => load::router(load::Load::new(&of(function)).unwrap()),
            "schedules" => schedules::router(schedules::Schedules::new(&of(function)).unwrap()),
            "send" => send::router(send::Send::new(&of(function)).unwrap()),
            "templates" => templates::router(templates::Templates::new(&of(function)).unwrap()),
            unknown => panic!("the tests build no router of the function {unknown}"),
        };
        call.on(router).await
    }

    /// Puts a division that sends as [`SENDER`].
    pub async fn put_division(&self, division: &str) {
        self.put_division_with(division, &[]).await;
    }

    /// The same, with a list of senders.
    pub async fn put_division_with(&self, division: &str, senders: &[&str]) {
        let body = json!({
            "name": format!("{division} Hauling"), "email": SENDER, "timeZone": "America/New_York",
            "portalUrl": "https://portal.example.com", "logoUrl": "", "senders": senders,
        });
        let answer = self.call(Call::new("PUT", &format!("/v1/divisions/{division}")).json(&body)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// Posts accounts, all of which must be stored.
    pub async fn import(&self, accounts: impl IntoIterator<Item = Account>) {
        let accounts: Vec<Value> = accounts.into_iter().map(|account| account.0).collect();
        for chunk in accounts.chunks(500) {
            let answer = self.call(Call::new("POST", "/v1/accounts").json(&json!(chunk))).await;
            assert_eq!(answer.json()["stored"], chunk.len(), "{}", answer.text);
        }
    }

    /// Load for a filter, given as query.
    pub async fn counts(&self, query: &str) -> Value {
        let answer = self.call(Call::new("GET", &format!("/v1/counts?{query}"))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json()
    }

    /// A request to send to everyone in `division`, expecting what Load says now.
    pub async fn send_request(&self, division: &str) -> Value {
        let counts = self.counts(&format!("division={division}")).await;
        json!({
            "filter": {"division": division}, "templateId": "portal-invitation", "emailFrom": SENDER,
            "expectedRecipients": counts["willEmail"],
        })
    }

    /// Posts a campaign under an idempotency key.
    pub async fn post_campaign(&self, key: &str, body: &Value) -> Answer {
        self.call(Call::new("POST", "/v1/campaigns").header("Idempotency-Key", key).json(body)).await
    }

    /// Starts a campaign to everyone in `division`.
    pub async fn send(&self, division: &str) -> CampaignId {
        let body = self.send_request(division).await;
        let answer = self.post_campaign(&uuid::Uuid::new_v4().to_string(), &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["campaignId"].as_str().unwrap().parse().unwrap()
    }

    /// A campaign as the API shows it.
    pub async fn campaign(&self, id: CampaignId) -> Value {
        self.call(Call::new("GET", &format!("/v1/campaigns/{id}"))).await.json()
    }

    /// Hands queued messages to their functions until the queues are empty, as Lambda would. A panic counts as a kill:
    /// the message comes again.
    pub async fn pump(&self) {
        self.pump_with(&self.deliver).await;
    }

    /// The same, with another `deliver`.
    pub async fn pump_with(&self, deliver: &Deliver) {
        let mut worked = true;
        while worked {
            worked = false;
            for queue in ["RESEND_QUEUE_URL", "FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
                for message in self.receive(queue).await {
                    worked = true;
                    if self.invoke_one(deliver, queue, &message, clock::now() + SignedDuration::from_secs(60)).await {
                        self.delete(queue, &message).await;
                    }
                }
            }
        }
    }

    /// Invokes the function of a queue with one message; `false` when it failed or was killed.
    pub async fn invoke(&self, queue: &str, message: &Message, deadline: Timestamp) -> bool {
        self.invoke_one(&self.deliver, queue, message, deadline).await
    }

    async fn invoke_one(&self, deliver: &Deliver, queue: &str, message: &Message, deadline: Timestamp) -> bool {
        let mut record = SqsMessage::default();
        record.message_id.clone_from(&message.message_id);
        record.body.clone_from(&message.body);
        let mut event = SqsEvent::default();
        event.records = vec![record];
        let deadline = deadline.as_millisecond().unsigned_abs();
        let handled = async {
            match queue {
                "RESEND_QUEUE_URL" => self.resend.handle(event, deadline).await,
                "FAN_OUT_QUEUE_URL" => self.fan_out.handle(event, deadline).await,
                _ => deliver.handle(event, deadline).await,
            }
        };
        let handled = std::panic::AssertUnwindSafe(handled);
        futures::FutureExt::catch_unwind(handled).await.is_ok_and(|response| response.batch_item_failures.is_empty())
    }

    /// Invokes another `deliver` with a message; `false` when it failed or was killed.
    pub async fn invoke_with(&self, deliver: &Deliver, message: &Message) -> bool {
        self.invoke_one(deliver, "DELIVER_QUEUE_URL", message, clock::now() + SignedDuration::from_secs(60)).await
    }

    /// Writes the whole ledger; the deliveries are in their queue.
    pub async fn write_ledger(&self) {
        self.drain("FAN_OUT_QUEUE_URL", async |message| {
            let deadline = clock::now() + SignedDuration::from_secs(60);
            assert!(self.invoke("FAN_OUT_QUEUE_URL", message, deadline).await);
        })
        .await;
    }

    /// Writes the whole ledger, and takes the deliveries out of their queue.
    pub async fn fan_out(&self) -> Vec<Message> {
        self.write_ledger().await;
        self.drain("DELIVER_QUEUE_URL", async |_| {}).await
    }

    /// Takes all messages out of a queue, and handles each.
    pub async fn drain(&self, queue: &'static str, act: impl AsyncFn(&Message)) -> Vec<Message> {
        let mut drained = Vec::new();
        loop {
            let messages = self.receive(queue).await;
            if messages.is_empty() {
                return drained;
            }
            for message in messages {
                act(&message).await;
                self.delete(queue, &message).await;
                drained.push(message);
            }
        }
    }

    /// Messages of a queue that are visible now, at most ten. What is not deleted can be received again at once.
    pub async fn receive(&self, queue: &str) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(&self.variables[queue]).visibility_timeout(0);
        request.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default()
    }

    /// Deletes a message.
    pub async fn delete(&self, queue: &str, message: &Message) {
        let request = self.sqs.delete_message().queue_url(&self.variables[queue]);
        request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
    }

    /// Puts a message into a queue.
    pub async fn enqueue(&self, queue: &str, body: &str) {
        self.sqs.send_message().queue_url(&self.variables[queue]).message_body(body).send().await.unwrap();
    }

    /// Sweeps as if it were that much later.
    pub async fn sweep_after(&self, time: Duration) -> Swept {
        self.sweep.run(clock::now() + time).await.unwrap()
    }

    /// Every e-mail that was sent, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.cloud().ses.mails().to_vec()
    }

    /// The texts of the notices that were published since the test asked last.
    pub fn notices(&self) -> Vec<String> {
        let cloud = self.cloud();
        let new = &cloud.sns.published()[self.notices_read.swap(cloud.sns.published().len(), Ordering::Relaxed)..];
        new.iter().map(|notice| notice.message.clone()).collect()
    }

    /// Events for the company's portal since the last call: types and details.
    pub fn told(&self) -> Vec<(String, Value)> {
        let cloud = self.cloud();
        let new = &cloud.bus.events()[self.events_read.swap(cloud.bus.events().len(), Ordering::Relaxed)..];
        new.iter().map(|event| (event.detail_type.clone(), event.detail.clone())).collect()
    }

    /// The whole ledger of a campaign.
    pub async fn ledger(&self, id: CampaignId) -> Vec<LedgerItem> {
        let ledger = self.store(Ledger::new);
        let campaign = self.campaigns.campaign(id).await.unwrap().unwrap();
        let mut rows = Vec::new();
        let mut from = None;
        loop {
            let (page, next) = ledger.list(&campaign, None, from, 1_000).await.unwrap();
            rows.extend(page);
            match next {
                Some(next) => from = Some(next),
                None => return rows,
            }
        }
    }

    /// The item of the recipient with an address in a division.
    pub async fn recipient(&self, division: &str, email: &str) -> Option<RecipientItem> {
        let address = self.get(key(keys::address_pk(&DivisionId::new(division), email), keys::ADDRESS)).await?;
        let id = address["recipientId"].as_s().unwrap();
        let item = self.get(key(format!("RECIPIENT#{id}"), keys::RECIPIENT)).await?;
        Some(serde_dynamo::from_item(item).unwrap())
    }

    pub(crate) async fn get(&self, key: portal_aws::table::Item) -> Option<portal_aws::table::Item> {
        let request = self.dynamo.get_item().table_name(DIRECTORY).set_key(Some(key));
        request.consistent_read(true).send().await.unwrap().item
    }

    /// Makes a recipient `accepted`, invited or not, as an import may; answers the recipient as of that moment.
    pub async fn accept(&self, division: &str, email: &str) -> RecipientItem {
        let recipient = self.recipient(division, email).await.unwrap();
        let id = recipient.recipient_id;
        let answer = self
            .dynamo
            .update_item()
            .table_name(DIRECTORY)
            .set_key(Some(key(keys::recipient_pk(id), keys::RECIPIENT)))
            .update_expression("SET #status = :accepted, indexSort = :sort ADD version :one")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":accepted", portal_aws::table::s("accepted"))
            .expression_attribute_values(
                ":sort",
                portal_aws::table::s(keys::recipient_sort(portal_domain::PortalStatus::Accepted, id)),
            )
            .expression_attribute_values(":one", portal_aws::table::n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .unwrap();
        serde_dynamo::from_item(answer.attributes.unwrap()).unwrap()
    }
}

//! A system of its own for one test: its own tables and queues in the local cloud, and the functions' code in this process.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex, ReturnValue};
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use deliver::Deliver;
use fan_out::FanOut;
use feedback::Feedback;
use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::CampaignStore;
use portal_aws::campaigns::item::LedgerItem;
use portal_aws::clock;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::keys;
use portal_aws::dynamo::key;
use portal_aws::settings::Settings;
use portal_domain::{CampaignId, DivisionId};
use resend::Resend;
use serde_json::{Value, json};
use sweep::{Sweep, Swept};

use crate::http::{Answer, Call};
use crate::mailbox::{Mail, Mailbox};
use crate::people::Account;
use crate::stack::Stack;

/// Sender that the local SES has verified.
pub const SENDER: &str = "success+tests@simulator.amazonses.com";

/// The system of one test.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct World {
    pub config: SdkConfig,
    /// What the functions' environment would hold.
    pub variables: HashMap<String, String>,
    pub settings: Settings,
    pub fan_out: FanOut,
    pub deliver: Deliver,
    pub feedback: Feedback,
    pub resend: Resend,
    pub sweep: Sweep,
    pub campaigns: CampaignStore,
    pub dynamo: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub directory_table: String,
    pub campaigns_table: String,
    pub queues: HashMap<&'static str, String>,
    /// End of every address that [`World::email`] makes.
    pub domain: String,
    mailbox: Mailbox,
}

const QUEUES: [&str; 7] = [
    "FAN_OUT_QUEUE_URL",
    "DELIVER_QUEUE_URL",
    "FAN_OUT_DEAD_LETTER_QUEUE_URL",
    "DELIVER_DEAD_LETTER_QUEUE_URL",
    "PARKING_QUEUE_URL",
    "RESEND_QUEUE_URL",
    "SCHEDULE_FAILURES_QUEUE_URL",
];

impl World {
    /// A new, empty world with a division `NORTH`.
    pub async fn new() -> Self {
        let world = Self::empty().await;
        world.put_division("NORTH").await;
        world
    }

    /// A new world without anything in it.
    pub async fn empty() -> Self {
        let stack = Stack::running();
        let config = stack.config();
        let id = uuid::Uuid::new_v4().simple().to_string();
        let dynamo = aws_sdk_dynamodb::Client::new(&config);
        let sqs = aws_sdk_sqs::Client::new(&config);
        let directory_table = copy_table(&dynamo, &stack.tables.directory, &format!("test-{id}-directory")).await;
        let campaigns_table = copy_table(&dynamo, &stack.tables.campaigns, &format!("test-{id}-campaigns")).await;
        let mut queues = HashMap::new();
        for name in QUEUES {
            let queue = format!("test-{id}-{}", name.to_lowercase().replace('_', "-"));
            let created = sqs.create_queue().queue_name(queue).attributes(QueueAttributeName::VisibilityTimeout, "0");
            queues.insert(name, created.send().await.unwrap().queue_url.unwrap());
        }
        let mut settings: HashMap<String, String> =
            queues.iter().map(|(name, url)| ((*name).to_owned(), url.clone())).collect();
        settings.insert("DIRECTORY_TABLE".to_owned(), directory_table.clone());
        settings.insert("CAMPAIGNS_TABLE".to_owned(), campaigns_table.clone());
        settings.insert("PUBLIC_URL".to_owned(), "https://invites.example.com".to_owned());
        let topic = aws_sdk_sns::Client::new(&config).create_topic().name(format!("test-{id}")).send().await.unwrap();
        settings.insert("NOTICES_TOPIC_ARN".to_owned(), topic.topic_arn.unwrap());
        let bus = format!("test-{id}");
        aws_sdk_eventbridge::Client::new(&config).create_event_bus().name(&bus).send().await.unwrap();
        settings.insert("EVENT_BUS_NAME".to_owned(), bus);
        // EventBridge Scheduler has a group of this world's own; what it would call is called by the tests.
        let scheduler = aws_sdk_scheduler::Client::new(&config);
        scheduler.create_schedule_group().name(format!("test-{id}")).send().await.unwrap();
        settings.insert("SCHEDULE_GROUP".to_owned(), format!("test-{id}"));
        for (name, arn) in [
            ("SCHEDULED_SEND_ARN", "arn:aws:lambda:us-east-1:000000000000:function:nothing"),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::000000000000:role/nobody"),
            ("SCHEDULE_FAILURES_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:nowhere"),
        ] {
            settings.insert(name.to_owned(), arn.to_owned());
        }
        // A pace that no test notices; those about the pace make functions of their own.
        settings.insert("AWS_ENDPOINT_URL".to_owned(), stack.aws_endpoint.clone());
        settings.insert("SES_RATE_OVERRIDE".to_owned(), "100000".to_owned());
        settings.insert("SES_QUOTA_OVERRIDE".to_owned(), "1000000000".to_owned());
        settings.insert("CONFIGURATION_SET".to_owned(), "tests".to_owned());
        let variables = settings;
        let settings: Settings = variables.clone().into_iter().collect();
        Self {
            fan_out: FanOut::new(&config, &settings).unwrap(),
            deliver: Deliver::new(&config, &settings).unwrap(),
            feedback: Feedback::new(&config, &settings).unwrap(),
            resend: Resend::new(&config, &settings).unwrap(),
            sweep: Sweep::new(&config, &settings).unwrap(),
            campaigns: CampaignStore::new(dynamo.clone(), campaigns_table.clone(), directory_table.clone()),
            config,
            variables,
            settings,
            dynamo,
            sqs,
            directory_table,
            campaigns_table,
            queues,
            domain: format!("{id}.example.com"),
            mailbox: stack.mailbox(),
        }
    }

    /// The functions' settings with other values of some variables.
    pub fn settings_with(&self, changes: &[(&str, &str)]) -> Settings {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.variables.clone().into_iter().chain(changes).collect()
    }

    /// An address that only this world uses.
    pub fn email(&self, name: impl std::fmt::Display) -> String {
        format!("{name}@{}", self.domain)
    }

    /// Calls the function that the template wires to this method and path.
    pub async fn call(&self, call: Call) -> Answer {
        let (config, settings) = (&self.config, &self.settings);
        let router = match call.route() {
            ("POST", "/v1/campaigns") => send::router(send::Send::new(config, settings).unwrap()),
            (_, path) if path.starts_with("/v1/activations") => {
                activate::router(activate::Activate::new(config, settings).unwrap())
            }
            (method, path)
                if path.starts_with("/v1/campaigns") || (path.starts_with("/v1/recipients/") && method != "GET") =>
            {
                campaigns::router(campaigns::Campaigns::new(config, settings).unwrap())
            }
            (_, path) if path.starts_with("/v1/schedules") => {
                schedules::router(schedules::Schedules::new(config, settings).unwrap())
            }
            (_, path) if path.starts_with("/v1/templates") => {
                templates::router(templates::Templates::new(config, settings).unwrap())
            }
            ("GET", _) => load::router(load::Load::new(config, settings).unwrap()),
            _ => directory::router(directory::Directory::new(config, settings).unwrap()),
        };
        call.on(router).await
    }

    /// Puts a division that sends as [`SENDER`].
    pub async fn put_division(&self, division: &str) {
        let body = json!({
            "name": format!("{division} Hauling"), "email": SENDER, "timeZone": "America/New_York",
            "portalUrl": "https://portal.example.com", "logoUrl": "",
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

    /// Hands queued messages to their functions until the queues are empty, as Lambda would. A function that panics
    /// is a function that was killed: its message comes again.
    pub async fn pump(&self) {
        self.pump_with(&self.deliver).await;
    }

    /// The same, with another `deliver`.
    pub async fn pump_with(&self, deliver: &Deliver) {
        let mut idle = 0;
        while idle < 2 {
            let mut worked = false;
            for queue in ["RESEND_QUEUE_URL", "FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
                for message in self.receive(queue).await {
                    worked = true;
                    if self.invoke_one(deliver, queue, &message, clock::now() + SignedDuration::from_secs(60)).await {
                        self.delete(queue, &message).await;
                    }
                }
            }
            idle = if worked { 0 } else { idle + 1 };
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
                "RESEND_QUEUE_URL" => self.resend.handle(event, clock::now()).await,
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

    /// Takes all messages out of a queue, and does something with each.
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

    /// Messages of a queue that are visible now, at most ten.
    pub async fn receive(&self, queue: &str) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(&self.queues[queue]).max_number_of_messages(10);
        request.send().await.unwrap().messages.unwrap_or_default()
    }

    /// Deletes a message.
    pub async fn delete(&self, queue: &str, message: &Message) {
        let request = self.sqs.delete_message().queue_url(&self.queues[queue]);
        request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
    }

    /// Puts a message into a queue.
    pub async fn enqueue(&self, queue: &str, body: &str) {
        self.sqs.send_message().queue_url(&self.queues[queue]).message_body(body).send().await.unwrap();
    }

    /// How many messages a queue holds, seen by somebody, due later or neither.
    pub async fn messages_in(&self, queue: &str) -> u64 {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.sqs.get_queue_attributes().queue_url(&self.queues[queue]);
        let answer = request.set_attribute_names(Some(counts.to_vec())).send().await.unwrap();
        let attributes = answer.attributes.unwrap_or_default();
        counts.iter().map(|name| attributes[name].parse::<u64>().unwrap()).sum()
    }

    /// Sweeps as if it were that much later.
    pub async fn sweep_after(&self, time: Duration) -> Swept {
        self.sweep.run(clock::now() + time).await.unwrap()
    }

    /// Every e-mail to this world's addresses.
    pub async fn mails(&self) -> Vec<Mail> {
        self.mailbox.to(&format!("@{}", self.domain)).await
    }

    /// The whole ledger of a campaign.
    pub async fn ledger(&self, id: CampaignId) -> Vec<LedgerItem> {
        let campaign = self.campaigns.campaign(id).await.unwrap().unwrap();
        let mut rows = Vec::new();
        let mut from = None;
        loop {
            let (page, next) = self.campaigns.ledger(&campaign, None, from, 1_000).await.unwrap();
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

    pub(crate) async fn get(&self, key: portal_aws::dynamo::Item) -> Option<portal_aws::dynamo::Item> {
        let request = self.dynamo.get_item().table_name(&self.directory_table).set_key(Some(key));
        request.consistent_read(true).send().await.unwrap().item
    }

    /// Makes a recipient `accepted`, invited or not, as an import may; answers the recipient as of that moment.
    pub async fn accept(&self, division: &str, email: &str) -> RecipientItem {
        let recipient = self.recipient(division, email).await.unwrap();
        let id = recipient.recipient_id;
        let answer = self
            .dynamo
            .update_item()
            .table_name(&self.directory_table)
            .set_key(Some(key(keys::recipient_pk(id), keys::RECIPIENT)))
            .update_expression("SET #status = :accepted, indexSort = :sort ADD version :one")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":accepted", portal_aws::dynamo::s("accepted"))
            .expression_attribute_values(
                ":sort",
                portal_aws::dynamo::s(keys::recipient_sort(portal_domain::PortalStatus::Accepted, id)),
            )
            .expression_attribute_values(":one", portal_aws::dynamo::n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .unwrap();
        serde_dynamo::from_item(answer.attributes.unwrap()).unwrap()
    }
}

/// Creates an empty table like a deployed one, keys and indexes alike.
async fn copy_table(dynamo: &aws_sdk_dynamodb::Client, from: &str, to: &str) -> String {
    let table = dynamo.describe_table().table_name(from).send().await.unwrap().table.unwrap();
    let indexes = table.global_secondary_indexes.unwrap_or_default().into_iter().map(|index| {
        GlobalSecondaryIndex::builder()
            .set_index_name(index.index_name)
            .set_key_schema(index.key_schema)
            .set_projection(index.projection)
            .build()
            .unwrap()
    });
    dynamo
        .create_table()
        .table_name(to)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(table.key_schema)
        .set_attribute_definitions(table.attribute_definitions)
        .set_global_secondary_indexes(Some(indexes.collect()))
        .send()
        .await
        .unwrap();
    to.to_owned()
}

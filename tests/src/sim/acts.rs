//! Acts of operators, billing systems, customers and the owner of the SES account during a storm.

use std::sync::Arc;

use futures::StreamExt;
use jiff::SignedDuration;
use portal_domain::Filter;
use portal_domain::campaign::StateReason;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_local;

use super::loads;
use super::run::Scene;
use super::sources::call;
use super::town::{DIVISIONS, LINKED, SENDERS, division, sender};
use crate::activation::CHOSEN;
use crate::http::{Answer, Call};

/// How many times an act without an answer is repeated.
const TRIES: usize = 4;

/// An act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Act {
    Send,
    SendToOne,
    Pause,
    Resume,
    Cancel,
    RetryFailed,
    RetryUnconfirmed,
    Settle,
    Withdraw,
    SetBack,
    Erase,
    Readmit,
    Clear,
    EditTemplate,
    MakeSchedule,
    ChangeSchedule,
    ChangeAccount,
    Grow,
    MoveClock,
    Activate,
    Mistype,
    AskAgain,
    LoseSender,
    CloseAccount,
    SmallQuota,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 25] = [
        Self::Send,
        Self::SendToOne,
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::RetryFailed,
        Self::RetryUnconfirmed,
        Self::Settle,
        Self::Withdraw,
        Self::SetBack,
        Self::Erase,
        Self::Readmit,
        Self::Clear,
        Self::EditTemplate,
        Self::MakeSchedule,
        Self::ChangeSchedule,
        Self::ChangeAccount,
        Self::Grow,
        Self::MoveClock,
        Self::Activate,
        Self::Mistype,
        Self::AskAgain,
        Self::LoseSender,
        Self::CloseAccount,
        Self::SmallQuota,
    ];

    /// Its relative frequency.
    fn weight(self) -> f64 {
        match self {
            Self::Send => 4.0,
            Self::SendToOne | Self::Pause | Self::Settle | Self::Clear | Self::SetBack => 1.0,
            Self::Resume => 4.0,
            Self::Cancel => 0.1,
            Self::RetryFailed | Self::RetryUnconfirmed => 1.5,
            Self::Withdraw => 2.0,
            Self::EditTemplate | Self::MakeSchedule | Self::MoveClock => 0.2,
            Self::ChangeSchedule => 0.3,
            Self::ChangeAccount => 5.0,
            Self::Grow => 0.3,
            Self::Activate => 0.6,
            Self::Mistype => 0.1,
            Self::AskAgain | Self::Erase => 2.0,
            Self::Readmit => 0.5,
            Self::LoseSender | Self::CloseAccount | Self::SmallQuota => 0.1,
        }
    }

    /// Draws an act.
    pub fn draw(random: &mut StdRng) -> Self {
        *Self::ALL.choose_weighted(random, |act| act.weight()).expect("there are acts")
    }

    /// Does it.
    pub async fn happen(self, scene: Arc<Scene>) {
        scene.system.at_once(|state, now| {
            state.log.event(now, format_args!("{self:?}"));
            *state.report.acts.entry(self).or_default() += 1;
        });
        match self {
            Self::Send => scene.send(false).await,
            Self::SendToOne => scene.send(true).await,
            Self::Pause => scene.command("pause", &Value::Null).await,
            Self::Resume => scene.resume().await,
            Self::Cancel => scene.command("cancel", &Value::Null).await,
            Self::RetryFailed => scene.command("retry", &json!({"outcome": "failed"})).await,
            Self::RetryUnconfirmed => scene.command("retry", &json!({"outcome": "unconfirmed"})).await,
            Self::Settle => {
                let outcome = scene.one_of(&["sent", "failed"]);
                scene.command("settle", &json!({"outcome": outcome, "all": true})).await;
            }
            Self::Withdraw => scene.person("POST", "withdraw").await,
            Self::SetBack => scene.person("POST", "set-back").await,
            Self::Erase => scene.erase().await,
            Self::Readmit => scene.readmit().await,
            Self::Clear => scene.person("DELETE", "undeliverable").await,
            Self::EditTemplate => scene.edit_template().await,
            Self::MakeSchedule => scene.make_schedule().await,
            Self::ChangeSchedule => scene.change_schedule().await,
            Self::ChangeAccount => scene.change_account().await,
            Self::Grow => scene.grow().await,
            Self::MoveClock => scene.move_clock().await,
            Self::Activate => scene.activate(true).await,
            Self::Mistype => scene.activate(false).await,
            Self::AskAgain => scene.ask_again().await,
            Self::LoseSender => {
                let sender = scene.one_of(&SENDERS);
                scene.system.with(|state| state.cloud.ses.unverify(sender));
                scene.wait(SignedDuration::from_mins(3)).await;
                scene.system.with(|state| state.cloud.ses.verify(sender));
            }
            Self::CloseAccount => {
                scene.system.with(|state| state.cloud.ses.account.sending_enabled = false);
                scene.wait(SignedDuration::from_mins(2)).await;
                scene.system.with(|state| state.cloud.ses.account.sending_enabled = true);
            }
            Self::SmallQuota => {
                let usual = scene.system.at_once(|state, now| {
                    let more = state.random.random_range(0..100);
                    let sent = state.cloud.ses.sent_in_a_day(now);
                    state.cloud.ses.account.quota.replace(sent + more)
                });
                scene.wait(SignedDuration::from_mins(20)).await;
                scene.system.with(|state| state.cloud.ses.account.quota = usual);
            }
        }
    }
}

impl Scene {
    fn one_of<'a>(&self, names: &[&'a str]) -> &'a str {
        self.system.with(|state| *names.choose(&mut state.random).expect("there are some"))
    }

    fn chance(&self, probability: f64) -> bool {
        self.system.with(|state| state.random.random_bool(probability))
    }

    async fn wait(&self, mean: SignedDuration) {
        let time = self.system.with(|state| state.while_of(mean));
        tokio::time::sleep(time.unsigned_abs()).await;
    }

    /// Repeats a call until it gets a definite answer, or gives up.
    async fn insist(&self, function: &'static str, request: Call) -> Option<Answer> {
        for _ in 0..TRIES {
            match call(&self.system, function, request.clone()).await {
                Some(answer) if !answer.status.is_server_error() => return Some(answer),
                _ => self.wait(SignedDuration::from_secs(5)).await,
            }
        }
        None
    }

    /// Sends to a selection as Load shows it, or to one person of it.
    async fn send(&self, to_one: bool) {
        let name = self.one_of(&DIVISIONS);
        let mut filter = json!({"division": name});
        for condition in ["withBalanceDue", "billingContactsOnly", "withoutAutomaticPayment"] {
            if self.chance(0.15) {
                filter[condition] = json!(true);
            }
        }
        let query: Vec<_> =
            filter.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let mut body = json!({"filter": filter, "templateId": self.template(), "emailFrom": sender(name)});
        if self.chance(0.1) {
            body["includeRecentlyInvited"] = json!(true);
        }
        if self.chance(0.1) {
            body["maxPerMinute"] = json!(self.system.with(|state| state.random.random_range(30..600)));
        }
        if to_one {
            let Some(recipient) = self.somebody_in(name) else { return };
            body["recipientId"] = json!(recipient);
            body["expectedRecipients"] = json!(1);
        } else {
            let counts = Call::new("GET", &format!("/v1/counts?{}", query.join("&")));
            let Some(counts) = self.insist("load", counts).await.filter(|counts| counts.status.is_success()) else {
                return;
            };
            let (counts, selection) = (counts.json(), Filter::from_json(&body["filter"], "").unwrap());
            body["expectedRecipients"] = counts["willEmail"].clone();
            spawn_local(loads::check(self.system.clone(), selection, counts));
        }
        let key = self.system.with(|state| format!("key-{}", state.random.random_range(0..u64::MAX)));
        let request = Call::new("POST", "/v1/campaigns").header("Idempotency-Key", &key).json(&body);
        self.insist("send", request).await;
    }

    fn somebody_in(&self, division: &str) -> Option<String> {
        let random = |state: &mut super::system::State| self.town(|town| town.somebody(&mut state.random).0);
        self.system.with(|state| {
            let email = random(state);
            state.recipient_at(division, &email).map(|id| id.to_string())
        })
    }

    /// Commands one of the campaigns, preferably one that is under way.
    async fn command(&self, command: &str, body: &Value) {
        let chosen = self.system.with(|state| {
            let active: Vec<_> = state.checks.active().map(|campaign| campaign.campaign_id).collect();
            let all: Vec<_> = state.checks.campaigns().map(|campaign| campaign.campaign_id).collect();
            let among = if active.is_empty() || state.random.random_bool(0.2) { all } else { active };
            among.choose(&mut state.random).copied()
        });
        let Some(id) = chosen else { return };
        let mut request = Call::new("POST", &format!("/v1/campaigns/{id}/{command}"));
        if !body.is_null() {
            request = request.json(body);
        }
        self.insist("campaigns", request).await;
    }

    /// Resumes a campaign; if its audience has grown, sometimes with the number that it would reach.
    async fn resume(&self) {
        self.command("resume", &Value::Null).await;
        if self.chance(0.3) {
            self.resume_what_grew().await;
        }
    }

    /// Resumes every campaign whose audience has grown, with the number that it would reach.
    pub(super) async fn resume_what_grew(&self) {
        let grown: Vec<_> = self.system.with(|state| {
            let stopped = state.checks.active().filter(|campaign| campaign.stopped_for(StateReason::AudienceGrew));
            stopped.map(|campaign| campaign.campaign_id).collect()
        });
        for id in grown {
            let shown = self.insist("campaigns", Call::new("GET", &format!("/v1/campaigns/{id}"))).await;
            let Some(reach) = shown.and_then(|shown| shown.json()["wouldReach"].as_u64()) else { continue };
            let request = Call::new("POST", &format!("/v1/campaigns/{id}/resume"));
            self.insist("campaigns", request.json(&json!({"expectedRecipients": reach}))).await;
        }
    }

    /// Does something to a person, preferably one in an active campaign.
    async fn person(&self, method: &str, what: &str) {
        let Some(recipient) = self.anybody() else { return };
        let mut request = Call::new(method, &format!("/v1/recipients/{recipient}/{what}"));
        if method == "POST" {
            request = request.json(&json!({"reason": "as they asked"}));
        }
        self.insist("campaigns", request).await;
    }

    /// Somebody in an active campaign, if there is one, or else anybody.
    fn anybody(&self) -> Option<String> {
        let division = self.one_of(&DIVISIONS);
        let recipient = self.system.with(|state| state.checks.somebody_under_way(&mut state.random));
        recipient.map(|id| id.to_string()).or_else(|| self.somebody_in(division))
    }

    async fn erase(&self) {
        let Some(recipient) = self.anybody() else { return };
        let request = Call::new("POST", &format!("/v1/recipients/{recipient}/erase"));
        let answer = self.insist("directory", request.json(&json!({"reason": "as they asked"}))).await;
        if answer.is_some_and(|answer| answer.status == 200) {
            let id = recipient.parse().expect("an id");
            self.system.at_once(|state, now| state.checks.answered_erased(id, now));
        }
    }

    /// Somebody who was erased becomes a customer again.
    async fn readmit(&self) {
        let erased = self.system.with(|state| {
            let erased: Vec<_> = state.checks.erased().cloned().collect();
            let chosen = erased.choose(&mut state.random).cloned();
            chosen.inspect(|(division, email)| state.checks.may_come_back(division.as_str(), email))
        });
        let Some((division, email)) = erased else { return };
        let request = Call::new("POST", &format!("/v1/divisions/{division}/readmit"));
        self.insist("directory", request.json(&json!({"email": email, "reason": "as they asked"}))).await;
    }

    async fn edit_template(&self) {
        let body = json!({
            "name": "Ours", "subject": "Your access",
            "html": "<p>{{temporaryPassword}}</p><p><a href=\"{{activationLink}}\">Go</a></p>",
            "text": format!("{{{{temporaryPassword}}}}\n\n{{{{activationLink}}}}\n\nHelp: {LINKED}/start\n"),
        });
        let template = self.template();
        if template == "portal-invitation" {
            if let Some(answer) = self.insist("templates", Call::new("POST", "/v1/templates").json(&body)).await
                && answer.status.is_success()
                && let Some(id) = answer.json()["templateId"].as_str()
            {
                self.learn(|known| known.templates.push(id.to_owned()));
            }
            return;
        }
        let what = self.one_of(&["activate", "deactivate"]);
        self.insist("templates", Call::new("POST", &format!("/v1/templates/{template}/{what}"))).await;
    }

    fn template(&self) -> String {
        let ours = self.learn(|known| known.templates.clone());
        let chosen =
            self.system.with(|state| ours.choose(&mut state.random).cloned().filter(|_| state.random.random_bool(0.5)));
        chosen.unwrap_or_else(|| "portal-invitation".to_owned())
    }

    async fn make_schedule(&self) {
        let division = self.one_of(&DIVISIONS);
        let hour = self.system.with(|state| state.random.random_range(0..24));
        let rule = match self.one_of(&["cron", "rate", "at"]) {
            "cron" => json!({"cron": format!("30 {hour} * * ? *")}),
            "rate" => json!({"rate": format!("{} hours", hour + 1)}),
            _ => {
                json!({"at": format!("{}T{hour:02}:30:00", (self.system.time.now() + SignedDuration::from_hours(24)).strftime("%Y-%m-%d"))})
            }
        };
        let mut body = json!({
            "name": "By itself", "filter": {"division": division}, "templateId": "portal-invitation",
            "emailFrom": sender(division), "maxRecipients": self.system.with(|state| state.random.random_range(1..400)), "rule": rule,
            "audience": {"status": "both", "pendingDays": 0, "maxReminders": 100},
        });
        if self.chance(0.4) {
            body["quietHours"] = json!({"sendFrom": "08:00", "sendUntil": "20:00"});
        }
        let answer = self.insist("schedules", Call::new("POST", "/v1/schedules").json(&body)).await;
        if let Some(id) = answer
            .filter(|answer| answer.status == 201)
            .and_then(|answer| answer.json()["scheduleId"].as_str().map(str::to_owned))
        {
            self.learn(|known| known.schedules.push(id));
        }
    }

    async fn change_schedule(&self) {
        let all = self.learn(|known| known.schedules.clone());
        let Some(id) = self.system.with(|state| all.choose(&mut state.random).cloned()) else { return };
        let path = format!("/v1/schedules/{id}");
        let request = match self.one_of(&["pause", "resume", "delete"]) {
            "delete" => Call::new("DELETE", &path),
            command => Call::new("POST", &format!("{path}/{command}")),
        };
        self.insist("schedules", request).await;
    }

    async fn change_account(&self) {
        let (account, body) = self.system.with(|state| {
            self.town(|town| {
                let index = town.change(&mut state.random);
                let customer = town.customers[index].clone();
                (customer.account.clone(), (!customer.gone).then(|| customer.imported(&mut state.random, true)))
            })
        });
        let request = match body {
            Some(body) => Call::new("POST", "/v1/accounts").json(&json!([body])),
            None => Call::new("DELETE", &format!("/v1/accounts/{account}")),
        };
        self.insist("directory", request).await;
    }

    /// A night's import brings new customers, many at once.
    async fn grow(&self) {
        let most = self.town(|town| (2 * town.people).clamp(2, 400));
        let people = self.system.with(|state| state.random.random_range(1..most));
        self.bring(people, 1).await;
    }

    /// Imports this many new customers, in this many concurrent calls.
    pub(super) async fn bring(&self, people: u32, at_once: usize) {
        let accounts = self.system.with(|state| {
            self.town(|town| {
                let new = town.grow(people, &mut state.random);
                new.into_iter()
                    .map(|index| town.customers[index].clone().imported(&mut state.random, true))
                    .collect::<Vec<_>>()
            })
        });
        let calls = accounts.chunks(100).map(|chunk| Call::new("POST", "/v1/accounts").json(&json!(chunk)));
        futures::stream::iter(calls)
            .for_each_concurrent(at_once, async |call| {
                self.insist("directory", call).await;
            })
            .await;
    }

    /// The division gets another clock, and perhaps links to one server more or less.
    async fn move_clock(&self) {
        let name = self.one_of(&DIVISIONS);
        let zone = self.one_of(&["America/New_York", "Europe/Berlin", "Australia/Sydney", "UTC"]);
        let stored = division(name, zone, self.system.with(|state| state.random.random_bool(0.6)));
        self.insist("directory", Call::new("PUT", &format!("/v1/divisions/{name}")).json(&stored)).await;
    }

    /// Somebody accepts with a password that was mailed to them, or mistypes it.
    async fn activate(&self, right: bool) {
        let chosen = self.system.with(|state| {
            let mail = state.cloud.ses.mails().choose(&mut state.random)?.clone();
            let password = super::checks::password_in(mail.text.as_bytes())?;
            Some((mail.to.first()?.clone(), password))
        });
        let Some((email, password)) = chosen else { return };
        let password = if right { password } else { password.chars().rev().collect() };
        let division = self.one_of(&DIVISIONS);
        let body = json!({"email": email, "division": division, "temporaryPassword": password, "newPassword": CHOSEN});
        self.insist("activate", Call::new("POST", "/v1/activations").public().json(&body)).await;
    }

    async fn ask_again(&self) {
        let (email, division) = self.system.with(|state| self.town(|town| town.somebody(&mut state.random)));
        self.learn(|known| known.asked.insert((email.clone(), division)));
        self.ask_for(&email, division).await;
    }

    /// Whoever asked for a new e-mail asks for another.
    pub(super) async fn ask_for_more(&self) {
        for (email, division) in self.learn(|known| known.asked.clone()) {
            self.ask_for(&email, division).await;
        }
    }

    async fn ask_for(&self, email: &str, division: &str) {
        let body = json!({"division": division, "email": email});
        self.insist("activate", Call::new("POST", "/v1/activations/resend").public().json(&body)).await;
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

//! What other people do while a campaign goes on. Another act is another variant, and what it does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use futures::FutureExt;
use portal_aws::directory::item::RecipientItem;
use portal_domain::{CampaignId, Outcome, PortalStatus};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::mail;
use super::plan::LONGEST_HOLD;
use super::scene::Scene;
use crate::http::Call;

/// How often somebody tries a password whose answer is not clear.
const MOST_TRIES: usize = 5;

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Somebody accepts the invitation, with a password that was mailed to them.
    Activate,
    /// An import says that somebody has access.
    Accept,
    /// Somebody asks for a new e-mail.
    AskAgain,
    /// An account goes, and comes again a moment later.
    Move,
    /// The minute is over.
    Sweep,
    /// An operator pauses the campaign.
    Pause,
    /// An operator lets it go on.
    Resume,
    /// An operator ends it; seldom.
    Cancel,
    /// SES reports of some e-mails: late, twice, or never.
    Report,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Activate,
        Self::Accept,
        Self::AskAgain,
        Self::Move,
        Self::Sweep,
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::Report,
    ];

    /// Acts at random moments until the storm is over. Acts may overlap.
    pub async fn all_along(scene: Arc<Scene>, pause: Duration, mut rng: StdRng) {
        let mut begun = tokio::task::JoinSet::new();
        while scene.is_stormy() {
            tokio::time::sleep(pause.mul_f64(rng.random_range(0.0..2.0))).await;
            let (scene, mut rng) = (scene.clone(), StdRng::from_rng(&mut rng));
            begun.spawn(async move { Self::any(&scene, &mut rng).await });
        }
        // A failed check inside an act is a failed test.
        begun.join_all().await;
    }

    /// A few acts, one after the other, on those under way.
    pub async fn a_few(scene: &Scene, rng: &mut StdRng) {
        for _ in 0..rng.random_range(1..=4) {
            Self::any(scene, rng).await;
        }
    }

    async fn any(scene: &Scene, rng: &mut StdRng) {
        let act = *Self::ALL.choose_weighted(rng, |act| act.weight()).expect("there are acts");
        let person = scene.somebody(rng);
        scene.report(|report| *report.acts.entry(act).or_default() += 1);
        act.happen(scene, person, rng).await;
    }

    /// How often it happens, beside the others: a campaign that was cancelled, or whose people have all accepted, has little left
    /// to go wrong.
    fn weight(self) -> f64 {
        match self {
            Self::Activate => 0.5,
            Self::Accept => 0.3,
            Self::Move | Self::Pause | Self::AskAgain => 1.0,
            Self::Sweep | Self::Report => 2.0,
            Self::Resume => 3.0,
            Self::Cancel => 0.02,
        }
    }

    async fn happen(self, scene: &Scene, person: usize, rng: &mut StdRng) {
        match self {
            Self::Activate => activate(scene, person, rng).await,
            Self::Accept => accept(scene, person).await,
            Self::AskAgain => ask_again(scene, person).await,
            Self::Move => move_account(scene, person).await,
            Self::Pause => command(scene, "pause", any_campaign(scene, rng).await).await,
            Self::Resume => command(scene, "resume", any_campaign(scene, rng).await).await,
            Self::Cancel => command(scene, "cancel", scene.under_way()).await,
            Self::Report => mail::report(scene, rng).await,
            // Through the proxy, so that it may fail: the next minute comes.
            Self::Sweep => drop(scene.faulty.sweep.run(portal_aws::clock::now()).await),
        }
    }
}

/// Commands a campaign, through the proxy, so that it may fail.
async fn command(scene: &Scene, name: &str, campaign: Option<CampaignId>) {
    if let Some(id) = campaign {
        scene.faulty.call(Call::new("POST", &format!("/v1/campaigns/{id}/{name}"))).await;
    }
}

/// One of those that an operator has started, or that others join.
async fn any_campaign(scene: &Scene, rng: &mut StdRng) -> Option<CampaignId> {
    let active = scene.world.campaigns.active().await.unwrap();
    active.choose(rng).copied().filter(|_| scene.is_stormy())
}

/// Tries one of the passwords, through the proxy, until the answer is clear. What came of it only the recipient tells: an
/// answer may be lost, and whoever tries again has spent the password.
async fn activate(scene: &Scene, person: usize, rng: &mut StdRng) {
    let email = scene.email(person);
    let passwords = scene.world.passwords(&email).await;
    let Some(password) = passwords.choose(rng) else { return };
    if !scene.learns(|known| known.accepting.insert(email.clone())) {
        return;
    }
    for _ in 0..MOST_TRIES {
        let answer = AssertUnwindSafe(scene.faulty.activate(&email, password)).catch_unwind().await;
        if answer.is_ok_and(|answer| answer.status.is_success() || answer.status.is_client_error()) {
            break;
        }
        // What the proxy still holds takes effect now.
        tokio::time::sleep(LONGEST_HOLD).await;
    }
    let recipient = scene.world.recipient("NORTH", &email).await.unwrap();
    scene.learns(|known| {
        if recipient.status == PortalStatus::Accepted {
            known.accepted.insert(email, recipient);
        } else {
            known.accepting.remove(&email);
        }
    });
}

/// Asks, through the proxy. Whom nothing stands against when they ask is to get an e-mail.
async fn ask_again(scene: &Scene, person: usize) {
    let email = scene.email(person);
    let recipient = scene.world.recipient("NORTH", &email).await.unwrap();
    let eligible = recipient.status == PortalStatus::Pending
        && recipient.account_count > 0
        && recipient.undeliverable.is_none()
        && was_sent(scene, &recipient).await;
    let answer = scene.faulty.ask_again("NORTH", &email).await;
    if eligible && answer.status == StatusCode::ACCEPTED {
        scene.learns(|known| known.asked.insert(email));
    }
}

/// Whether the e-mail that made somebody `pending` has left: one that is refused makes them what they were before.
async fn was_sent(scene: &Scene, recipient: &RecipientItem) -> bool {
    let Some(last) = recipient.last_campaign_id else { return false };
    let row = scene.world.campaigns.ledger_row(last, recipient.recipient_id).await.unwrap();
    row.is_some_and(|row| row.outcome == Outcome::Sent)
}

async fn accept(scene: &Scene, person: usize) {
    let email = scene.email(person);
    if !scene.learns(|known| known.accepting.insert(email.clone())) {
        return;
    }
    let accepted = scene.world.accept("NORTH", &email).await;
    scene.learns(|known| drop(known.accepted.insert(email, accepted)));
}

async fn move_account(scene: &Scene, person: usize) {
    scene.learns(|known| known.moved.insert(scene.email(person)));
    let delete = || scene.world.call(Call::new("DELETE", &format!("/v1/accounts/A{person}")));
    let mut answer = delete().await;
    // The campaign is at the same people: who is told that the service is busy tries again.
    while answer.status == StatusCode::SERVICE_UNAVAILABLE {
        answer = delete().await;
    }
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    tokio::time::sleep(Duration::from_millis(100)).await;
    scene.world.import([scene.world.account_of(person)]).await;
}

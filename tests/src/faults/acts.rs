//! What other people do while a campaign goes on. Another act is another variant, and what it does.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::mail;
use super::scene::Scene;
use crate::http::Call;

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Somebody accepts the invitation.
    Accept,
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
    pub const ALL: [Self; 7] =
        [Self::Accept, Self::Move, Self::Sweep, Self::Pause, Self::Resume, Self::Cancel, Self::Report];

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
            Self::Accept => 0.3,
            Self::Move | Self::Pause => 1.0,
            Self::Sweep | Self::Report => 2.0,
            Self::Resume => 3.0,
            Self::Cancel => 0.02,
        }
    }

    async fn happen(self, scene: &Scene, person: usize, rng: &mut StdRng) {
        match self {
            Self::Accept => accept(scene, person).await,
            Self::Move => move_account(scene, person).await,
            Self::Pause => command(scene, "pause").await,
            Self::Resume => command(scene, "resume").await,
            Self::Cancel => command(scene, "cancel").await,
            Self::Report => mail::report(scene, rng).await,
            // Through the proxy, so that it may fail: the next minute comes.
            Self::Sweep => drop(scene.faulty.sweep.run(portal_aws::clock::now()).await),
        }
    }
}

/// Commands the campaign that is under way, through the proxy, so that it may fail.
async fn command(scene: &Scene, name: &str) {
    if let Some(id) = scene.under_way() {
        scene.faulty.call(Call::new("POST", &format!("/v1/campaigns/{id}/{name}"))).await;
    }
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

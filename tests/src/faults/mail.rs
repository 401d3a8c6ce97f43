//! What SES reports of the e-mails that it took: the local one says nothing by itself.

use std::time::Duration;

use futures::FutureExt;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;

use super::scene::Scene;
use crate::mailbox::Mail;
use crate::ses::event_of;

/// How many e-mails SES reports of at once.
const AT_ONCE: usize = 6;

/// What it says, and how often of seven.
const KINDS: [&str; 7] = ["send", "send", "delivery", "delivery", "delay", "softBounce", "bounce"];

/// How often a report that can't be taken up comes again. What fails oftener is lost: there are more.
const DELIVERIES: usize = 5;

/// Reports of some e-mails of the campaign that is under way.
pub async fn report(scene: &Scene, rng: &mut StdRng) {
    let Some(id) = scene.under_way() else { return };
    let mails = scene.world.mails().await;
    for _ in 0..AT_ONCE {
        let email = scene.email(scene.somebody(rng));
        let Some(recipient) = scene.world.recipient("NORTH", &email).await else { continue };
        let Some(row) = scene.world.campaigns.ledger_row(id, recipient.recipient_id).await.unwrap() else { continue };
        let is_of_row = |mail: &Mail| row.digest.as_ref().is_some_and(|digest| digest.verifies(mail.password()));
        if mails.iter().any(|mail| mail.to[0] == email && is_of_row(mail)) {
            scene.learns(|known| known.reported.insert(row.recipient_id));
            let kind = *KINDS.choose(rng).expect("there are kinds");
            tell(scene, &event_of(kind, id, &row), rng).await;
        }
    }
}

/// A moment late, and sometimes twice at once.
async fn tell(scene: &Scene, event: &Value, rng: &mut StdRng) {
    tokio::time::sleep(Duration::from_millis(rng.random_range(0..300))).await;
    let copies = vec![event.to_string(); rng.random_range(1..=2)];
    for _ in 0..DELIVERIES {
        // Whoever is killed gets it again, like whoever fails.
        let taken = std::panic::AssertUnwindSafe(scene.faulty.feed(&copies)).catch_unwind().await;
        if taken.is_ok_and(|failed| failed.is_empty()) {
            return;
        }
    }
}

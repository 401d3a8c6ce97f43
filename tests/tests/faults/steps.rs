//! What happens between the functions' steps: whoever comes to a fail point is killed there by chance, or others do something before
//! it goes on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tests::faults::Scene;
use tests::faults::acts::Act;
use tests::faults::plan::Step;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

thread_local! {
    /// Whether this thread does what others do while somebody stands at a fail point.
    static MEDDLING: Cell<bool> = const { Cell::new(false) };
}

/// The fail points that kill and delay, until this is dropped. They are the same for the whole process.
#[derive(Debug)]
pub struct Disturbed {
    points: Vec<&'static str>,
    kills: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

enum Fate {
    Killed,
    /// With the chances that those who do something have.
    MeddledWith(Box<StdRng>),
    GoesOn,
}

impl Disturbed {
    /// Disturbs these steps.
    pub fn at(steps: &[Step], scene: &Arc<Scene>, rng: &mut StdRng) -> Self {
        let kills = Arc::new(Mutex::new(BTreeMap::new()));
        let runtime = Handle::current();
        for step in steps.iter().copied() {
            let (kills, scene, runtime, rng) =
                (kills.clone(), scene.clone(), runtime.clone(), Mutex::new(StdRng::from_rng(rng)));
            fail::cfg_callback(step.point, move || {
                let fate = fate(step, &mut rng.lock().unwrap());
                match fate {
                    Fate::Killed => {
                        *kills.lock().unwrap().entry(step.point).or_default() += 1;
                        // A panic that nobody needs to read of.
                        std::panic::resume_unwind(Box::new(step.point));
                    }
                    Fate::MeddledWith(mut rng) => {
                        let _meddling = Meddling::begin();
                        block_in_place(|| runtime.block_on(Act::a_few(&scene, &mut rng)));
                    }
                    Fate::GoesOn => {}
                }
            })
            .unwrap();
        }
        Self { points: steps.iter().map(|step| step.point).collect(), kills }
    }

    /// How many were killed at which point.
    pub fn kills(&self) -> BTreeMap<&'static str, u64> {
        self.kills.lock().unwrap().clone()
    }
}

impl Drop for Disturbed {
    fn drop(&mut self) {
        for point in &self.points {
            fail::remove(point);
        }
    }
}

/// Who meddles is not meddled with: acts come to fail points too, on the same stack, which has an end.
struct Meddling;

impl Meddling {
    fn begin() -> Self {
        MEDDLING.set(true);
        Self
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        MEDDLING.set(false);
    }
}

fn fate(step: Step, rng: &mut StdRng) -> Fate {
    if rng.random_bool(step.kill) {
        Fate::Killed
    } else if !MEDDLING.get() && rng.random_bool(step.meddle) {
        Fate::MeddledWith(Box::new(StdRng::from_rng(rng)))
    } else {
        Fate::GoesOn
    }
}

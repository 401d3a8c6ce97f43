//! What comes between two steps of a function, and functions that are killed there.
//!
//! Fail points are the same for all tests of a process, so that every test here has a scenario to its end: they run one by one.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

mod activation;
mod crashes;
mod delivery;
mod erasure;
mod feedback;
mod imports;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::World;

/// Longer than any claim, and than a cursor may stand still.
const LATER: Duration = Duration::from_secs(600);

/// Does this in a world the first time that anybody comes to `point`; what is done may come there too.
fn once_at(point: &str, world: &Arc<World>, act: impl AsyncFn(&World) + Send + Sync + 'static) {
    let (world, runtime, came) = (world.clone(), tokio::runtime::Handle::current(), AtomicBool::new(false));
    let act = move || {
        if !came.swap(true, Ordering::SeqCst) {
            tokio::task::block_in_place(|| runtime.block_on(act(&world)));
        }
    };
    fail::cfg_callback(point, act).unwrap();
}

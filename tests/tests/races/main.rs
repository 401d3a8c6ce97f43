//! Concurrent changes between two steps of a function, and functions killed there.
//!
//! Fail points are shared by all tests of a process, so every test here holds a scenario to its end, and they run one
//! by one.

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

/// Does this in a world the first time that `point` is reached; the action may reach it too.
fn once_at(point: &str, world: &Arc<World>, act: impl AsyncFn(&World) + Send + Sync + 'static) {
    let (world, runtime, came) = (world.clone(), tokio::runtime::Handle::current(), AtomicBool::new(false));
    let act = move || {
        if !came.swap(true, Ordering::SeqCst) {
            tokio::task::block_in_place(|| runtime.block_on(act(&world)));
        }
    };
    fail::cfg_callback(point, act).unwrap();
}

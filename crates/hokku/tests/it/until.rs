//! Waiting for a condition, with a limit.

use std::time::{Duration, Instant};

/// Longest wait for something that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// Longest wait for something that builds, boots or drains.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
#[track_caller]
pub(crate) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Looks until it is so.
#[track_caller]
pub(crate) fn until_true(what: &str, limit: Duration, mut look: impl FnMut() -> bool) {
    until(what, limit, || look().then_some(()));
}

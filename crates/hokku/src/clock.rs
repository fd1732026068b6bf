//! The wall clock: read here and nowhere else, and handed to whoever needs it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use model::time::Timestamp;
use store::Clock;

/// The present time.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// [`now`], to hand around.
#[must_use]
pub fn wall() -> Clock {
    Arc::new(now)
}

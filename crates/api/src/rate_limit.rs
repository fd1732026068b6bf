//! Rate limits: token buckets in memory. A restart fills them, which harms nobody.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use model::time::Timestamp;

use crate::call::Call;
use crate::reply::{Answer, Reply};

/// How much there is, and how fast it comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Tokens of a full bucket.
    pub(crate) burst: u32,
    /// Tokens that come back in a minute.
    pub(crate) per_minute: u32,
}

/// Requests of one account (Heroku's own numbers).
pub(crate) const REQUESTS: Rate = Rate { burst: 4_500, per_minute: 75 };
/// Tries to log in with a password, for one address.
pub(crate) const LOGINS: Rate = Rate { burst: 10, per_minute: 6 };
/// Most buckets kept; full ones are dropped first, for they say nothing.
const BUCKETS_MAX: usize = 10_000;

/// One bucket for each key.
pub(crate) struct Buckets<K> {
    rate: Rate,
    levels: Mutex<HashMap<K, Level>>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    /// Tokens, in millionths.
    micro_tokens: u64,
    at: Timestamp,
}

const MICRO: u64 = 1_000_000;

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, levels: Mutex::default() }
    }

    /// Takes a token; tells how many are left, or `None` when there was none.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Option<u32> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= BUCKETS_MAX && !levels.contains_key(&key) {
            levels.retain(|_, level| self.filled(*level, now) < self.full());
            if levels.len() >= BUCKETS_MAX {
                return None;
            }
        }
        let full = Level { micro_tokens: self.full(), at: now };
        let level = levels.entry(key).or_insert(full);
        let filled = self.filled(*level, now);
        let (left, taken) = match filled.checked_sub(MICRO) {
            Some(left) => (left, true),
            None => (filled, false),
        };
        *level = Level { micro_tokens: left, at: now };
        taken.then(|| whole(left))
    }

    /// How many tokens there are, without taking one.
    pub(crate) fn left(&self, key: &K, now: Timestamp) -> u32 {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        whole(levels.get(key).map_or(self.full(), |level| self.filled(*level, now)))
    }

    fn full(&self) -> u64 {
        u64::from(self.rate.burst) * MICRO
    }

    fn filled(&self, level: Level, now: Timestamp) -> u64 {
        let micros = u64::try_from(now.since(level.at).as_micros()).unwrap_or(u64::MAX);
        let back = micros.saturating_mul(u64::from(self.rate.per_minute)) / 60;
        level.micro_tokens.saturating_add(back).min(self.full())
    }
}

fn whole(micro_tokens: u64) -> u32 {
    u32::try_from(micro_tokens / MICRO).unwrap_or(u32::MAX)
}

/// `GET /account/rate-limits`; asking costs nothing.
pub(crate) async fn info(call: Call) -> Answer {
    let server = &call.server;
    let remaining = server.requests.left(&call.caller.id, server.cx.store.now());
    Ok(Reply::ok(&wire::RateLimit { remaining }))
}

#[cfg(test)]
mod tests;

//! The rate limit.

use serde::{Deserialize, Serialize};

/// What is left of an account's rate limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Requests.
    pub remaining: u32,
}

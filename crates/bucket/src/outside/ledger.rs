//! How much of a bucket's plan is used, where its objects are in an outside S3: counted from a list of them, and kept up
//! as they come. What goes, or is replaced, is found at the next count, which is made before anything is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::S3Result;

use crate::objects::{Held, Limit};
use crate::refusal::too_many;

/// Most uploads in parts at a time that are remembered, as of a folder's.
const UPLOADS_MAX: usize = 1000;

/// The numbers of one bucket.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: Limit,
    numbers: Mutex<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    /// None before the first count.
    counted: Option<u64>,
    /// Something was written or removed since it was counted, so counting again can say otherwise.
    is_stale: bool,
    /// Bytes on their way.
    coming: u64,
    /// Bytes of parts that are there, by upload.
    uploads: BTreeMap<String, u64>,
}

/// Whether something may come.
#[derive(Debug)]
pub(super) enum Verdict {
    Fits(Reservation),
    /// It seems not, or nothing is known yet: count, and ask again.
    Unsure,
    Refused(s3s::S3Error),
}

/// Room for bytes that are on their way, given back if they do not arrive.
#[derive(Debug)]
pub(super) struct Reservation {
    ledger: Arc<Ledger>,
    bytes: u64,
}

impl Ledger {
    pub(super) fn new(limit: Limit) -> Arc<Self> {
        Arc::new(Self { limit, numbers: Mutex::default() })
    }

    /// Asks for room for `more` bytes in place of `less`.
    pub(super) fn reserve(self: &Arc<Self>, less: u64, more: u64) -> Verdict {
        let mut numbers = self.numbers();
        let Some(counted) = numbers.counted else { return Verdict::Unsure };
        let used = counted + numbers.coming + numbers.uploads.values().sum::<u64>();
        match self.limit.room(used, less, more) {
            Ok(()) => {
                numbers.coming += more;
                Verdict::Fits(Reservation { ledger: Arc::clone(self), bytes: more })
            }
            Err(_) if numbers.is_stale => Verdict::Unsure,
            Err(refused) => Verdict::Refused(refused),
        }
    }

    /// Room without a look at the limit: while nothing is counted yet.
    pub(super) fn trust(self: &Arc<Self>, more: u64) -> Reservation {
        self.numbers().coming += more;
        Reservation { ledger: Arc::clone(self), bytes: more }
    }

    /// Before a count: what changes from here on makes it stale.
    pub(super) fn begin_count(&self) {
        self.numbers().is_stale = false;
    }

    /// What a count found.
    pub(super) fn counted(&self, usage: Held) -> Held {
        let mut numbers = self.numbers();
        numbers.counted = Some(usage.bytes);
        Held { bytes: usage.bytes + numbers.uploads.values().sum::<u64>(), ..usage }
    }

    /// Something went, or changed its size.
    pub(super) fn changed(&self) {
        self.numbers().is_stale = true;
    }

    /// An upload in parts was begun.
    pub(super) fn begun(&self, id: &str) {
        self.numbers().uploads.entry(id.to_owned()).or_default();
    }

    /// Refuses one more upload in parts than there may be.
    pub(super) fn check_uploads(&self) -> S3Result<()> {
        if self.numbers().uploads.len() >= UPLOADS_MAX {
            return Err(too_many("uploads", UPLOADS_MAX));
        }
        Ok(())
    }

    /// An upload is an object now, or nothing.
    pub(super) fn ended(&self, id: &str, is_object: bool) {
        let mut numbers = self.numbers();
        let bytes = numbers.uploads.remove(id).unwrap_or_default();
        if let (Some(counted), true) = (&mut numbers.counted, is_object) {
            *counted += bytes;
        }
        numbers.is_stale = true;
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// They are an object.
    pub(super) fn became_object(self) {
        let mut numbers = self.ledger.numbers();
        if let Some(counted) = &mut numbers.counted {
            *counted += self.bytes;
        }
        numbers.is_stale = true;
    }

    /// They are a part of an upload.
    pub(super) fn became_part(self, id: &str) {
        *self.ledger.numbers().uploads.entry(id.to_owned()).or_default() += self.bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut numbers = self.ledger.numbers();
        numbers.coming = numbers.coming.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests;

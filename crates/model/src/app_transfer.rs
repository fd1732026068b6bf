//! Transfers of an app to another owner.
//!
//! ```text
//!  Pending ──Accept──► Accepted     the recipient owns the app
//!     └──────Decline─► Declined     nothing changes
//! ```

use crate::id::{AccountId, AppId, AppTransferId};
use crate::time::Timestamp;

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppTransferState {
    /// Waits for the recipient.
    Pending,
    /// The recipient took the app.
    Accepted,
    /// The recipient did not want it.
    Declined,
}

/// What can happen to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppTransferEvent {
    /// The recipient takes the app.
    Accept,
    /// The recipient does not want it.
    Decline,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transfer that is {from:?} cannot take {event:?}")]
pub struct IllegalAppTransferEvent {
    /// The state it met.
    pub from: AppTransferState,
    /// The event.
    pub event: AppTransferEvent,
}

impl AppTransferState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalAppTransferEvent`] when it is over already.
    pub const fn on(self, event: AppTransferEvent) -> Result<Self, IllegalAppTransferEvent> {
        match (self, event) {
            (Self::Pending, AppTransferEvent::Accept) => Ok(Self::Accepted),
            (Self::Pending, AppTransferEvent::Decline) => Ok(Self::Declined),
            (from, event) => Err(IllegalAppTransferEvent { from, event }),
        }
    }

    /// Its word in the API and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
        }
    }

    /// The reverse of [`AppTransferState::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Accepted, Self::Declined].into_iter().find(|it| it.as_str() == word)
    }
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppTransfer {
    /// Its id.
    pub id: AppTransferId,
    /// Which app.
    pub app: AppId,
    /// Who gives it.
    pub owner: AccountId,
    /// Who is to have it.
    pub recipient: AccountId,
    /// Where it stands.
    pub state: AppTransferState,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::{AppTransferEvent, AppTransferState};

    #[test]
    fn only_a_pending_transfer_can_be_decided_and_only_once() {
        let accepted = AppTransferState::Pending.on(AppTransferEvent::Accept).expect("it waits");
        assert_eq!(accepted, AppTransferState::Accepted);
        let declined = AppTransferState::Pending.on(AppTransferEvent::Decline).expect("it waits");
        assert_eq!(declined, AppTransferState::Declined);
        for over in [accepted, declined] {
            for event in [AppTransferEvent::Accept, AppTransferEvent::Decline] {
                assert!(over.on(event).is_err(), "{over:?} {event:?}");
            }
            assert_eq!(AppTransferState::from_word(over.as_str()), Some(over));
        }
    }
}

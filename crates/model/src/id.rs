//! Identifiers: one UUID newtype per noun, so that an app's id cannot be passed where a build's is meant.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not a UUID was given where an identifier is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a UUID")]
pub struct NotAnId {
    /// What was given.
    pub text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new random (version 4) identifier.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a random value is no default")]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }

            /// The 16 bytes as a number.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0.as_u128()
            }

            /// The 16 bytes, as made from a test's counter.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId { text: text.to_owned() })
            }
        }
    };
}

id!(/// Identifies an account (a person).
    AccountId);
id!(/// Identifies an API token (an OAuth authorization).
    TokenId);
id!(/// Identifies an app.
    AppId);
id!(/// Identifies a build.
    BuildId);
id!(/// Identifies a slug.
    SlugId);
id!(/// Identifies a release.
    ReleaseId);
id!(/// Identifies one life of a dyno; `web.1` gets a new one at every start.
    DynoId);
id!(/// Identifies an entry of an app's formation.
    FormationId);
id!(/// Identifies an add-on.
    AddonId);
id!(/// Identifies the attachment of an add-on to an app.
    AttachmentId);
id!(/// Identifies a domain of an app.
    DomainId);
id!(/// Identifies a transfer of a database's data: a backup, a restore or a copy.
    TransferId);
id!(/// Identifies a schedule of daily backups.
    ScheduleId);
id!(/// Identifies that somebody is a collaborator of an app.
    CollaboratorId);
id!(/// Identifies the transfer of an app to another owner.
    AppTransferId);
id!(/// Identifies an SSH key of an account.
    KeyId);
id!(/// Identifies a log drain.
    DrainId);
id!(/// Identifies a webhook.
    WebhookId);
id!(/// Identifies something that happened and that a webhook is told.
    WebhookEventId);
id!(/// Identifies an event on its way to one webhook.
    DeliveryId);
id!(/// Identifies one try to deliver.
    AttemptId);
id!(/// Identifies a certificate that a user brought to an app.
    SniEndpointId);

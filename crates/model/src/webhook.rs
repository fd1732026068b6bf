//! Webhooks: addresses that are told what happens to an app.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::config_var::Secret;
use crate::id::{AccountId, AppId, AttemptId, DeliveryId, WebhookEventId, WebhookId};
use crate::time::Timestamp;

/// Most webhooks of one app.
pub const WEBHOOKS_PER_APP_MAX: usize = 20;
/// Longest URL, secret or `Authorization` value, in bytes.
pub const TEXT_BYTES_MAX: usize = 2_048;
/// How long a `sync` delivery is tried, counted from its event (Heroku, since 2023: 72 hours).
pub const RETRY_FOR: Duration = Duration::from_secs(72 * 60 * 60);
/// The longest pause between two attempts (Heroku: an hour).
pub const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

/// What an event is about; the words are those of a payload's `resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// An add-on.
    Addon,
    /// An add-on's place in an app.
    Attachment,
    /// The app itself.
    App,
    /// A build.
    Build,
    /// A person who may work on the app.
    Collaborator,
    /// A host name.
    Domain,
    /// A dyno.
    Dyno,
    /// A process type's quantity and size.
    Formation,
    /// A release.
    Release,
    /// A certificate.
    SniEndpoint,
}

impl Resource {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Addon,
        Self::Attachment,
        Self::App,
        Self::Build,
        Self::Collaborator,
        Self::Domain,
        Self::Dyno,
        Self::Formation,
        Self::Release,
        Self::SniEndpoint,
    ];

    /// Heroku's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Addon => "addon",
            Self::Attachment => "addon-attachment",
            Self::App => "app",
            Self::Build => "build",
            Self::Collaborator => "collaborator",
            Self::Domain => "domain",
            Self::Dyno => "dyno",
            Self::Formation => "formation",
            Self::Release => "release",
            Self::SniEndpoint => "sni-endpoint",
        }
    }

    /// The reverse of [`Resource::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == word)
    }
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was made.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Destroy,
}

impl Action {
    /// Heroku's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
        }
    }
}

/// What a webhook asks for: `api:release`, or `dyno` for the changes of a dyno's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Include {
    /// `api:…`.
    Api(Resource),
    /// `dyno`.
    DynoState,
}

/// A text that names no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Include `{text}` is unknown. Use one or more of: {}", known())]
pub struct NotAnInclude {
    /// What was given.
    pub text: String,
}

fn known() -> String {
    let api = Resource::ALL.map(|resource| format!("api:{}", resource.as_str()));
    format!("{}, dyno", api.join(", "))
}

impl Include {
    /// What an action on a resource is asked for as; none for what Heroku does not tell either.
    #[must_use]
    pub fn of(resource: Resource, action: Action) -> Option<Self> {
        let tells = match resource {
            Resource::Addon | Resource::App | Resource::Collaborator | Resource::SniEndpoint => true,
            Resource::Attachment | Resource::Domain => action != Action::Update,
            Resource::Build | Resource::Release => action != Action::Destroy,
            Resource::Formation => action != Action::Create,
            Resource::Dyno => {
                return Some(if action == Action::Create { Self::Api(resource) } else { Self::DynoState });
            }
        };
        tells.then_some(Self::Api(resource))
    }
}

impl fmt::Display for Include {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(resource) => write!(f, "api:{}", resource.as_str()),
            Self::DynoState => f.write_str("dyno"),
        }
    }
}

impl FromStr for Include {
    type Err = NotAnInclude;

    fn from_str(text: &str) -> Result<Self, NotAnInclude> {
        if text == "dyno" {
            return Ok(Self::DynoState);
        }
        let resource = text.strip_prefix("api:").and_then(Resource::from_word);
        resource.map(Self::Api).ok_or_else(|| NotAnInclude { text: text.to_owned() })
    }
}

/// How much trouble is taken to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// One attempt.
    Notify,
    /// Again and again, for [`RETRY_FOR`]; later events wait until this one is through.
    Sync,
}

/// A text that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Level `{text}` is unknown. Use notify (one attempt) or sync (again until it succeeds)")]
pub struct NotALevel {
    /// What was given.
    pub text: String,
}

impl Level {
    /// Heroku's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Sync => "sync",
        }
    }
}

impl FromStr for Level {
    type Err = NotALevel;

    fn from_str(text: &str) -> Result<Self, NotALevel> {
        match text {
            "notify" => Ok(Self::Notify),
            "sync" => Ok(Self::Sync),
            other => Err(NotALevel { text: other.to_owned() }),
        }
    }
}

/// Where a webhook's events go. It may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Secret);

/// A text that cannot be a webhook's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Url is invalid: give one such as https://host/path, at most {TEXT_BYTES_MAX} bytes long")]
pub struct BadWebhookUrl;

impl WebhookUrl {
    /// The whole URL as it was given. The name is long so that each use is looked at.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(self.expose_secret()).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        f.debug_tuple("WebhookUrl").field(&host).finish()
    }
}

impl FromStr for WebhookUrl {
    type Err = BadWebhookUrl;

    fn from_str(text: &str) -> Result<Self, BadWebhookUrl> {
        let is_odd = |letter: char| letter.is_control() || letter.is_whitespace();
        if text.len() > TEXT_BYTES_MAX || text.chars().any(is_odd) {
            return Err(BadWebhookUrl);
        }
        let url = Url::parse(text).map_err(|_| BadWebhookUrl)?;
        let is_http = matches!(url.scheme(), "https" | "http");
        if is_http && url.host_str().is_some() { Ok(Self(Secret::from(text))) } else { Err(BadWebhookUrl) }
    }
}

/// A webhook of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it gets.
    pub app: AppId,
    /// Where to.
    pub url: WebhookUrl,
    /// Which.
    pub include: Vec<Include>,
    /// How hard it is tried.
    pub level: Level,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// What deliveries carry as `Authorization`.
    pub authorization: Option<Secret>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something that happened to an app with webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Its id.
    pub id: WebhookEventId,
    /// Whose event it is.
    pub app: AppId,
    /// Grows with each event of the app.
    pub sequence: u64,
    /// What it is asked for as.
    pub include: Include,
    /// What happened.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Who did it.
    pub actor: AccountId,
    /// The address of who did it, as it was then.
    pub actor_email: String,
    /// The thing as the API shows it: a JSON object.
    pub data: String,
    /// What of it was different before: a JSON object.
    pub previous_data: String,
    /// When it happened.
    pub created_at: Timestamp,
}

/// How a delivery is doing.
///
/// ```text
///  pending ──► succeeded        notify: pending ──► failed
///     └─► retrying ─► (succeeded | failed)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// No attempt yet.
    Pending,
    /// An attempt failed; there will be another.
    Retrying,
    /// It was taken.
    Succeeded,
    /// It was given up.
    Failed,
}

/// What an attempt brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStep {
    /// The receiver took it.
    Succeed,
    /// It did not; it is tried again.
    Retry,
    /// It did not, and that was the last attempt.
    Fail,
}

/// A delivery that is over cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery that is {} cannot {step:?}", status.as_str())]
pub struct IllegalDeliveryStep {
    /// What it is.
    pub status: DeliveryStatus,
    /// What was to happen.
    pub step: DeliveryStep,
}

impl DeliveryStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Retrying, Self::Succeeded, Self::Failed];

    /// Heroku's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The reverse of [`DeliveryStatus::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// What it is after a step.
    ///
    /// # Errors
    /// When it is over.
    pub const fn on(self, step: DeliveryStep) -> Result<Self, IllegalDeliveryStep> {
        match (self, step) {
            (Self::Pending | Self::Retrying, DeliveryStep::Succeed) => Ok(Self::Succeeded),
            (Self::Pending | Self::Retrying, DeliveryStep::Retry) => Ok(Self::Retrying),
            (Self::Pending | Self::Retrying, DeliveryStep::Fail) => Ok(Self::Failed),
            (Self::Succeeded | Self::Failed, _) => Err(IllegalDeliveryStep { status: self, step }),
        }
    }
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, which the receiver was told.
    pub id: AttemptId,
    /// The HTTP status that came back.
    pub code: Option<u16>,
    /// Why it failed, in one word.
    pub error: Option<String>,
    /// When it ended.
    pub at: Timestamp,
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Grows with each delivery of the platform.
    pub sequence: u64,
    /// Whither.
    pub webhook: WebhookId,
    /// The webhook's level.
    pub level: Level,
    /// What.
    pub event: WebhookEventId,
    /// What the event was asked for as.
    pub include: Include,
    /// How it is doing.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt.
    pub last: Option<Attempt>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What follows an attempt that failed: when to try again, or that it is over. `attempts` counts the failed one.
#[must_use]
pub fn after_failure(level: Level, attempts: u32, event_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let pause = Duration::from_secs(1_u64 << attempts.saturating_sub(1).min(20)).min(PAUSE_MAX);
    let next = now.plus(pause);
    (level == Level::Sync && next <= event_at.plus(RETRY_FOR)).then_some(next)
}

#[cfg(test)]
mod tests;

//! Add-ons: data services that an app is given.
//!
//! ```text
//!  Provisioning ──Provisioned──► Provisioned ──Destroy──► Deprovisioning ──(gone)
//!       └───────────────Destroy──────────────────────────────►│
//! ```

use crate::app;
use crate::config_var::{ConfigKey, Secret};
use crate::id::{AddonId, AppId, AttachmentId};
use crate::time::Timestamp;

/// Where an add-on stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddonState {
    /// Being made.
    Provisioning,
    /// Usable.
    Provisioned,
    /// Being removed with everything in it.
    Deprovisioning,
}

impl AddonState {
    /// The word in the store and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Provisioned => "provisioned",
            Self::Deprovisioning => "deprovisioning",
        }
    }

    /// The reverse of [`AddonState::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Provisioning, Self::Provisioned, Self::Deprovisioning]
            .into_iter()
            .find(|it| it.as_str() == word)
    }
}

/// What a plan of a data service gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The service it belongs to (`heroku-postgresql`).
    pub service: &'static str,
    /// Its short name (`mini`).
    pub name: &'static str,
    /// What people call it (`Mini`).
    pub human_name: &'static str,
    /// Most connections at a time.
    pub connections: u32,
    /// Most bytes stored.
    pub bytes: u64,
    /// Most rows, for plans that count rows.
    pub rows: Option<u64>,
}

impl Plan {
    /// The name with its service, as clients write it (`heroku-postgresql:mini`).
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }
}

/// The service of Postgres databases, under the name that Heroku's clients look for.
pub const POSTGRES: &str = "heroku-postgresql";

const GIB: u64 = 1 << 30;

/// The service of S3 buckets, under the name of the one that Heroku offers.
pub const BUCKETEER: &str = "bucketeer";

/// Every plan there is, the default of each service first. Limits follow Heroku's plan table.
pub const PLANS: [Plan; 7] = [
    Plan {
        service: POSTGRES,
        name: "mini",
        human_name: "Mini",
        connections: 20,
        bytes: GIB,
        rows: Some(10_000),
    },
    Plan {
        service: POSTGRES,
        name: "basic",
        human_name: "Basic",
        connections: 20,
        bytes: 10 * GIB,
        rows: Some(10_000_000),
    },
    Plan {
        service: POSTGRES,
        name: "essential-0",
        human_name: "Essential 0",
        connections: 20,
        bytes: GIB,
        rows: None,
    },
    Plan {
        service: POSTGRES,
        name: "standard-0",
        human_name: "Standard 0",
        connections: 120,
        bytes: 64 * GIB,
        rows: None,
    },
    bucket("hobbyist", "Hobbyist", 5 * GIB),
    bucket("micro", "Micro", 20 * GIB),
    bucket("small", "Small", 100 * GIB),
];

/// A plan of buckets: connections are not counted.
const fn bucket(name: &'static str, human_name: &'static str, bytes: u64) -> Plan {
    Plan { service: BUCKETEER, name, human_name, connections: 0, bytes, rows: None }
}

/// Finds a plan by `service:plan`, or by `service` alone (its default plan), or by a plan's old name.
#[must_use]
pub fn plan(text: &str) -> Option<&'static Plan> {
    let (service, name) = text.split_once(':').map_or((text, None), |(service, name)| (service, Some(name)));
    let name = match name {
        Some("hobby-dev" | "dev") => Some("mini"),
        Some("hobby-basic") => Some("basic"),
        other => other,
    };
    PLANS.iter().find(|plan| plan.service == service && name.is_none_or(|name| name == plan.name))
}

/// The config vars that an attachment of this name sets; none when the name cannot be part of one. They are the add-on's
/// own from the moment it is attached, also before they have values.
#[must_use]
pub fn config_keys(service: &str, attachment: &str) -> Option<Vec<ConfigKey>> {
    let mut names = match service {
        BUCKETEER => BUCKET_KEYS.iter().map(|key| format!("{attachment}_{key}")).collect(),
        _ => vec![format!("{attachment}_URL")],
    };
    if service == BUCKETEER && attachment == FIRST_BUCKET {
        names.extend(AWS_KEYS.iter().map(|key| (*key).to_owned()));
    }
    names.iter().map(|name| ConfigKey::of_platform(name).ok()).collect()
}

/// The attachment of an app's first bucket.
const FIRST_BUCKET: &str = "BUCKETEER";
/// What a bucket's attachment sets below its own name: Bucketeer's vars, and where the bucket is, which is not Amazon.
pub const BUCKET_KEYS: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "BUCKET_NAME", "AWS_ENDPOINT_URL"];
/// What an app's first bucket sets besides: the names that Amazon's libraries and django-storages read by themselves.
pub const AWS_KEYS: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_S3_REGION_NAME",
    "AWS_STORAGE_BUCKET_NAME",
    "AWS_ENDPOINT_URL_S3",
    "AWS_S3_ENDPOINT_URL",
];

/// Makes an add-on's name like `postgresql-calm-40213` from any number (the caller's randomness).
#[must_use]
pub fn generated_name(plan: &Plan, seed: u64) -> String {
    let kind = plan.service.strip_prefix("heroku-").unwrap_or(plan.service);
    format!("{kind}-{}-{}", app::adjective(seed), app::five_digits(seed))
}

/// One add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addon {
    /// Its id.
    pub id: AddonId,
    /// Its name, unique on the platform (`postgresql-calm-40213`).
    pub name: String,
    /// The app that owns it; one being removed may outlive it.
    pub app: AppId,
    /// Its plan.
    pub plan: &'static Plan,
    /// Where it stands.
    pub state: AddonState,
    /// What its service needs to find it again, and its credentials (text of the service's own making).
    pub resource: Option<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An add-on's place in an app's config: attachment `DATABASE` sets `DATABASE_URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The add-on.
    pub addon: AddonId,
    /// The app whose config it sets.
    pub app: AppId,
    /// Its name (`DATABASE`, `HEROKU_POSTGRESQL_BLUE`).
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests;

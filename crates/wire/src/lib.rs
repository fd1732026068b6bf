//! The Platform API v3 as JSON: one file per Heroku resource, and a typed client.
//!
//! Answers carry every property of Heroku's published schema, `null` where the platform has nothing to say, because
//! clients index into them. Requests are read leniently where the official CLI is loose (a quantity may be a number
//! or a text, a plan a text or an object); everything else of the wrong type is refused.
//!
//! Nothing here knows how the platform works inside: these types are not the model's, so that a secret can only
//! get into an answer by being put there. Times are ISO 8601 texts in UTC, ids are UUID texts, sizes are bytes.

mod account;
mod addon;
mod addon_attachment;
mod addon_service;
mod app;
mod app_transfer;
mod build;
mod buildpack_installation;
mod client;
mod collaborator;
mod config_vars;
mod database;
mod domain;
mod dyno;
mod dyno_size;
mod error;
mod feature;
mod formation;
mod key;
mod lenient;
mod log_drain;
mod log_session;
mod login;
mod oauth_authorization;
mod plan;
mod platform_account;
mod rate_limit;
mod reference;
mod region;
mod release;
mod slug;
mod sni_endpoint;
mod source;
mod stack;
mod status;
mod transfer;
mod webhook;

pub use account::{Account, AccountChange};
pub use addon::{
    Addon, AddonAction, AddonChange, AddonDestruction, AddonRequest, AddonResolution, BilledPrice,
    BillingEntity, NewAttachmentName,
};
pub use addon_attachment::{AttachedAddon, Attachment, AttachmentRequest, AttachmentResolution};
pub use addon_service::AddonService;
pub use app::{App, AppChange, AppFilter, AppRequest, AppSelection};
pub use app_transfer::{AppTransfer, AppTransferChange, AppTransferRequest};
pub use build::{Build, BuildRequest, BuildpackUsed, SourceBlob};
pub use buildpack_installation::{
    Buildpack, BuildpackChoice, BuildpackInstallation, BuildpackInstallations, RegisteredBuildpack,
};
pub use client::{Attached, BadClient, Client, ClientError, Streaming};
pub use collaborator::{Collaborating, Collaborator, CollaboratorRequest};
pub use config_vars::{ConfigVars, ConfigVarsChange};
pub use database::{
    CredentialRotation, Database, DatabaseCredential, DatabaseFact, DatabaseMessage, DatabaseReset,
    DatabaseUser, WaitStatus,
};
pub use domain::{Domain, DomainChange, DomainRequest};
pub use dyno::{Dyno, DynoRelease, DynoRequest};
pub use dyno_size::DynoSize;
pub use error::Error;
pub use feature::{Feature, FeatureChange};
pub use formation::{Formation, FormationBatch, FormationChange};
pub use key::{Key, KeyRequest};
pub use lenient::{Flag, Named, Text};
pub use log_drain::{LogDrain, LogDrainRequest};
pub use log_session::{LogSession, LogSessionRequest};
pub use login::{LoginOutcome, LoginRequest, LoginStarted};
pub use oauth_authorization::{
    Authorization, AuthorizationChange, AuthorizationRequest, AuthorizationToken, AuthorizationUser,
};
pub use plan::{Plan, Price};
pub use platform_account::{
    Invitation, PasswordChoice, PlatformAccount, PlatformAccountRemoval, PlatformAccountRequest,
};
pub use rate_limit::RateLimit;
pub use reference::{IdRef, Ref, UserRef};
pub use region::{Provider, Region};
pub use release::{Release, ReleaseRequest};
pub use slug::{Slug, SlugBlob};
pub use sni_endpoint::{AcmChange, SniEndpoint, SniEndpointRequest, SslCert};
pub use source::{Source, SourceUrls};
pub use stack::Stack;
pub use status::{PlatformStatus, SystemStatus};
pub use transfer::{
    CopyRequest, PublicUrl, RestoreRequest, ScheduleRef, Transfer, TransferLog, TransferSchedule,
    TransferScheduleRequest,
};
pub use webhook::{
    Webhook, WebhookAttempt, WebhookChange, WebhookDelivery, WebhookEvent, WebhookEventRef, WebhookMetadata,
    WebhookNotice, WebhookPayload, WebhookRef, WebhookRequest,
};

/// A JSON object that is always empty: `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Empty {}

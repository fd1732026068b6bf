//! Attachments of add-ons.

use serde::{Deserialize, Serialize};

use crate::lenient::Named;
use crate::reference::Ref;

/// An add-on's place in an app's config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The add-on.
    pub addon: AttachedAddon,
    /// The app whose config it sets.
    pub app: Ref,
    /// The config vars it sets; only there when asked for by `Accept-Inclusion: config_vars`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_vars: Option<Vec<String>>,
    /// When it was made.
    pub created_at: String,
    /// Its id.
    pub id: String,
    /// Add-ons do not write logs through a URL here.
    pub log_input_url: Option<String>,
    /// Its name, such as `DATABASE`.
    pub name: String,
    /// Which credential it uses; none is the default one.
    pub namespace: Option<String>,
    /// When it last changed.
    pub updated_at: String,
    /// A page about it; there is none.
    pub web_url: Option<String>,
}

/// The add-on of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedAddon {
    /// The app that owns it.
    pub app: Ref,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its plan; only there when asked for by `Accept-Inclusion: addon:plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Ref>,
}

/// Asks which attachments a text can mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentResolution {
    /// Name, id, add-on or config var; `app::name` for another app.
    pub addon_attachment: String,
    /// The app it is on.
    pub app: Option<String>,
    /// The service of its add-on.
    pub addon_service: Option<String>,
}

/// Attaches an add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRequest {
    /// The add-on.
    pub addon: Named,
    /// The app.
    pub app: Named,
    /// The attachment's name.
    pub name: Option<String>,
    /// The app's name, where another attachment of the name is replaced.
    pub confirm: Option<String>,
    /// Which credential; only the default one (none) is known.
    pub namespace: Option<String>,
}

//! Config vars: a flat object of texts.

use std::collections::BTreeMap;

/// An app's config vars.
pub type ConfigVars = BTreeMap<String, String>;

/// Config vars to set; `null` removes one.
pub type ConfigVarsChange = BTreeMap<String, Option<String>>;

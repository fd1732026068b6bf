//! What the `Accept` headers ask for.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::error::Problem;

const MIME: &str = "application/vnd.heroku+json";

/// Extras that a client asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// `Accept-Expansion: plan`: the plan in full, with its price.
    pub(crate) full_plan: bool,
    /// `Accept-Inclusion: addon:plan`: the plan of an attachment's add-on.
    pub(crate) addon_plan: bool,
    /// `Accept-Inclusion: config_vars`: the config vars of an attachment.
    pub(crate) config_vars: bool,
}

/// Any variant of version 3 (`3.sdk`, `3.webhooks` …) is answered as version 3.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    let versions = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| {
            let (mime, parameters) = range.split_once(';')?;
            (mime.trim() == MIME).then_some(parameters)
        })
        .flat_map(|parameters| parameters.split(';'))
        .filter_map(|parameter| parameter.trim().strip_prefix("version="));
    let mut asked_for_another = false;
    for version in versions {
        if version == "3" || version.starts_with("3.") {
            return Ok(());
        }
        asked_for_another = true;
    }
    Err(if asked_for_another { Problem::NotAcceptable } else { Problem::MissingVersion })
}

/// Reads `Accept-Expansion` and `Accept-Inclusion`; unknown words are ignored.
pub(crate) fn extras(headers: &HeaderMap) -> Extras {
    let asks = |name: &str, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|it| it.trim() == word)
    };
    Extras {
        full_plan: asks("accept-expansion", "plan"),
        addon_plan: asks("accept-inclusion", "addon:plan"),
        config_vars: asks("accept-inclusion", "config_vars"),
    }
}

#[cfg(test)]
mod tests;

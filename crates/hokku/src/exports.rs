//! `hokku env`: the variables that point the official `heroku` command and git at this server.

use std::fs;
use std::path::Path;

use anyhow::Context;
use model::site::Site;
use serde::{Deserialize, Serialize};

use crate::first_start::TOKEN_FILE;
use crate::layout::write_secret;

/// Certificates that the machine trusts; git takes one file, so ours is added to them.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// What a running server has noted about its addresses.
const SITE_FILE: &str = "site.json";

#[derive(Debug, Serialize, Deserialize)]
struct SiteFile {
    domain: String,
    port: u16,
    rendezvous_port: u16,
}

/// Notes the server's addresses for commands that run beside it.
///
/// # Errors
/// When the file cannot be written.
pub fn note_site(dir: &Path, site: &Site) -> anyhow::Result<()> {
    let file =
        SiteFile { domain: site.domain.to_string(), port: site.port, rendezvous_port: site.rendezvous_port };
    let path = dir.join(SITE_FILE);
    write_secret(&path, &serde_json::to_vec(&file)?)
        .with_context(|| format!("could not write {}", path.display()))
}

/// Reads the addresses that a server noted.
///
/// # Errors
/// When no server ever ran on this data folder.
pub fn read_site(dir: &Path) -> anyhow::Result<Site> {
    let path = dir.join(SITE_FILE);
    let text = fs::read_to_string(&path).with_context(|| {
        format!("no server has run on {}; start `hokku server --data-dir {0}` first", dir.display())
    })?;
    let SiteFile { domain, port, rendezvous_port } =
        serde_json::from_str(&text).with_context(|| format!("{} is broken", path.display()))?;
    Ok(Site { domain: domain.parse()?, port, rendezvous_port })
}

/// The exports, for `eval`. With `token`, the owner's token is among them; else `heroku login` asks.
///
/// # Errors
/// When the data folder is not that of a server, or the token cannot be read.
pub fn exports(dir: &Path, token: bool) -> anyhow::Result<String> {
    let site = read_site(dir)?;
    let dir = dir.canonicalize().with_context(|| format!("could not open {}", dir.display()))?;
    let ca = dir.join("tls/ca.pem");
    let bundle = bundle(&dir, &ca)?;
    let api = site.api_url("");
    let mut variables = vec![
        ("HEROKU_HOST", api.clone()),
        ("NODE_EXTRA_CA_CERTS", bundle.clone()),
        ("GIT_SSL_CAINFO", bundle),
        ("HEROKU_DATA_HOST", site.api_host()),
        ("HEROKU_PARTICLEBOARD_URL", api.clone()),
        ("HEROKU_LOGIN_HOST", api.clone()),
        ("HEROKU_STATUS_HOST", api.clone()),
        ("HEROKU_BUILDPACK_REGISTRY_URL", api.clone()),
        ("HEROKU_EXEC_URL", format!("{api}/")),
        // The CLI would send what it does, and this server's token, to its makers.
        ("DISABLE_TELEMETRY", "true".to_owned()),
        ("HEROKU_SKIP_NEW_VERSION_CHECK", "true".to_owned()),
        ("HEROKU_DISABLE_AUTOUPDATE", "1".to_owned()),
        // Keeps this server's login apart from one at heroku.com.
        ("HEROKU_NETRC_WRITE", "true".to_owned()),
    ];
    if token {
        let path = dir.join(TOKEN_FILE);
        let token =
            fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        variables.push(("HEROKU_API_KEY", token.trim().to_owned()));
    }
    let lines = variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
    Ok(lines.collect())
}

/// The machine's certificates and ours in one file, so that git goes on trusting other servers too.
fn bundle(dir: &Path, ca: &Path) -> anyhow::Result<String> {
    let own = fs::read_to_string(ca).with_context(|| format!("could not read {}", ca.display()))?;
    let machine = fs::read_to_string(CA_BUNDLE).unwrap_or_default();
    let path = dir.join("tls/bundle.pem");
    fs::write(&path, format!("{machine}\n{own}"))
        .with_context(|| format!("could not write {}", path.display()))?;
    Ok(path.display().to_string())
}

/// A value for a shell, in single quotes.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn values_survive_a_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}

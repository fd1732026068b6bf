//! `hokku trust`: how to make programs trust the platform's own authority.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::exports::read_site;

/// Says what to do, with the paths and names of this server.
///
/// # Errors
/// When the data folder is not that of a server.
pub fn instructions(dir: &Path) -> anyhow::Result<String> {
    let site = read_site(dir)?;
    let dir = dir.canonicalize().with_context(|| format!("could not open {}", dir.display()))?;
    let ca = dir.join("tls/ca.pem");
    if let Err(error) = fs::metadata(&ca) {
        bail!("could not read {}: {error}", ca.display());
    }
    let (ca, dir) = (ca.display(), dir.display());
    let api = site.api_url("");
    let git = site.api_url("").replacen(&site.api_host(), &site.git_host(), 1);
    let dashboard = site.dashboard_url("");
    Ok(format!(
        "The certificates of this server are signed by its own authority. Who trusts this file trusts them:

  {ca}

Copy it to other machines; the key beside it, ca.key, never leaves this one.

This shell: heroku, Node, git
  eval \"$(hokku env --data-dir {dir})\"

git, for this server only
  git config --global http.{git}/.sslCAInfo {ca}

Node and the heroku command
  export NODE_EXTRA_CA_CERTS={ca}

curl
  curl --cacert {ca} {api}/stacks

Python (requests, pip)
  export REQUESTS_CA_BUNDLE={dir}/tls/bundle.pem    # made by `hokku env`: the machine's authorities and this one

The whole machine (Debian, Ubuntu), which git, curl and most programs follow; Node and browsers do not
  cp {ca} /usr/local/share/ca-certificates/hokku.crt && update-ca-certificates

Browsers, for {dashboard}/ and the apps
  Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import; tick \"identify websites\"
  Chrome, Chromium: Settings, Privacy and security, Security, Manage certificates, Authorities, Import; or
    certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n hokku -i {ca}
  macOS: security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ca.pem

With a public domain none of this is needed: start the server with --acme-directory, and certificates come from an
authority that everybody trusts.
"
    ))
}

#[cfg(test)]
mod tests {
    use model::site::Site;

    use super::instructions;
    use crate::exports::note_site;

    #[test]
    fn it_names_this_server() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(instructions(dir.path()).is_err(), "no server ran here");
        let site = Site { domain: "hokku.test".parse().expect("a domain"), port: 443, rendezvous_port: 444 };
        note_site(dir.path(), &site).expect("noted");
        assert!(instructions(dir.path()).is_err(), "there is no authority");
        std::fs::create_dir(dir.path().join("tls")).expect("a folder");
        std::fs::write(dir.path().join("tls/ca.pem"), "x").expect("a file");
        let text = instructions(dir.path()).expect("instructions");
        let ca = dir.path().canonicalize().expect("a folder").join("tls/ca.pem");
        for line in [
            format!("git config --global http.https://git.hokku.test/.sslCAInfo {}", ca.display()),
            format!("curl --cacert {} https://api.hokku.test/stacks", ca.display()),
            "Browsers, for https://dashboard.hokku.test/ and the apps".to_owned(),
        ] {
            assert!(text.contains(&line), "no {line} in {text}");
        }
    }
}

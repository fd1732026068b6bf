//! The git remotes of the present folder: where an app's name is found, and where it is put.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::host;
use crate::words::Problem;

/// Names of remotes that are an app's without doubt, the first ones first.
const USUAL: [&str; 2] = ["heroku", "hokku"];

/// A git remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) name: String,
    pub(crate) url: String,
}

/// The remotes of a folder; none where git has nothing to say.
pub(crate) fn remotes(dir: &Path) -> Vec<Remote> {
    let listed = git(dir, ["config", "--get-regexp", r"^remote\..*\.url$"]).unwrap_or_default();
    listed.lines().filter_map(remote).collect()
}

fn remote(line: &str) -> Option<Remote> {
    let (key, url) = line.split_once(' ')?;
    let name = key.strip_prefix("remote.")?.strip_suffix(".url")?;
    Some(Remote { name: name.to_owned(), url: url.to_owned() })
}

/// The app that a remote's URL names, if it is on this git host.
pub(crate) fn app_of(url: &str, git_host: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let same = |a: &str, b: &str| a.replace("127.0.0.1", "localhost") == b.replace("127.0.0.1", "localhost");
    if !same(host(url), git_host) {
        return None;
    }
    let path = rest.split_once('/')?.1.trim_end_matches('/');
    let app = path.strip_suffix(".git").unwrap_or(path);
    (!app.is_empty() && !app.contains('/')).then(|| app.to_owned())
}

/// The app that the present folder is deployed to. `named` is the remote to look at.
pub(crate) fn app(remotes: &[Remote], git_host: &str, named: Option<&str>) -> Result<String, Problem> {
    if let Some(named) = named {
        let remote = remotes.iter().find(|remote| remote.name == named);
        let remote = remote.ok_or_else(|| Problem::NoRemote { name: named.to_owned() })?;
        return app_of(&remote.url, git_host).ok_or_else(|| Problem::ForeignRemote {
            name: named.to_owned(),
            url: remote.url.clone(),
            git_host: git_host.to_owned(),
        });
    }
    let ours: Vec<(&str, String)> = remotes
        .iter()
        .filter_map(|remote| Some((remote.name.as_str(), app_of(&remote.url, git_host)?)))
        .collect();
    let usual = USUAL.iter().find_map(|usual| ours.iter().find(|(name, _)| name == usual));
    match (usual, ours.as_slice()) {
        (Some((_, app)), _) | (None, [(_, app)]) => Ok(app.clone()),
        (None, []) => Err(Problem::NoApp { git_host: git_host.to_owned() }),
        (None, several) => Err(Problem::SeveralApps {
            remotes: several.iter().map(|(name, app)| format!("{name} ({app})")).collect(),
        }),
    }
}

/// Whether git keeps this folder.
pub(crate) fn is_repository(dir: &Path) -> bool {
    git(dir, ["rev-parse", "--git-dir"]).is_some()
}

/// The files below a folder that `git add .` would take, by their paths from there; none where git does not keep it.
pub(crate) fn files(dir: &Path) -> Option<Vec<String>> {
    let listed = git(dir, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    Some(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Points a remote at an app. Without a name it is the usual one, or the other if that points elsewhere; gives the name.
pub(crate) fn point(dir: &Path, named: Option<&str>, url: &str) -> Option<String> {
    let present = remotes(dir);
    let has = |name: &str| present.iter().find(|remote| remote.name == name);
    let usable = |name: &&str| has(name).is_none_or(|remote| host(&remote.url) == host(url));
    let name = named.or_else(|| USUAL.into_iter().find(usable))?;
    match has(name) {
        Some(_) => git(dir, ["remote", "set-url", name, url])?,
        None => git(dir, ["remote", "add", name, url])?,
    };
    Some(name.to_owned())
}

/// Points every remote of one app at another URL, or removes them; gives their names.
pub(crate) fn repoint(dir: &Path, git_host: &str, app: &str, url: Option<&str>) -> Vec<String> {
    let is_meant = |remote: &Remote| app_of(&remote.url, git_host).as_deref() == Some(app);
    let mut changed = Vec::new();
    for Remote { name, .. } in remotes(dir).into_iter().filter(is_meant) {
        let done = match url {
            Some(url) => git(dir, ["remote", "set-url", &name, url]),
            None => git(dir, ["remote", "remove", &name]),
        };
        changed.extend(done.map(|_| name));
    }
    changed
}

/// Makes git, in this repository alone, ask us for the password of a host and trust its certificates.
pub(crate) fn introduce(dir: &Path, git_host: &str, program: &Path, ca: Option<&Path>) -> Option<()> {
    let quoted = program.display().to_string().replace('\'', r"'\''");
    let helper = format!("!'{quoted}' git:credentials");
    git(dir, ["config", "--local", &format!("credential.https://{git_host}.helper"), &helper])?;
    if let Some(ca) = ca {
        let key = format!("http.https://{git_host}/.sslCAInfo");
        git::<&OsStr>(dir, ["config".as_ref(), "--local".as_ref(), key.as_ref(), ca.as_os_str()])?;
    }
    Some(())
}

/// What git answers; nothing when it is not there or refuses.
fn git<S: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = S>) -> Option<String> {
    let run =
        Command::new("git").current_dir(dir).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = run.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

#[cfg(test)]
mod tests;

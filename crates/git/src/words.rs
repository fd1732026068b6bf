//! Every word that git clients and developers read from us, and nowhere else.
//!
//! They follow Heroku's push output line by line (`!` and a tab before refusals); each refusal says what happened
//! and what to do next.

use model::app::AppName;
use model::release::{Release, ReleaseVersion};
use model::scope::Scope;

use crate::plan::Refusal;

// === Answers of the HTTP side; git shows them for the first request of a command

pub(crate) const UNAUTHENTICATED: &str = "\
! \tWARNING:
! \tDo not authenticate with username and password using git.
! \tRun `hokku login` or `heroku login` to update your credentials, then retry the git command.
";
pub(crate) const NOT_GIT: &str =
    "!\tThis address answers git's smart HTTP protocol only; use git 1.6.6 or newer.\n";
pub(crate) const BUSY: &str = "!\tThe server is busy with other git commands; try again in a moment.\n";
pub(crate) const BROKEN: &str = "!\tThe server could not do this; its own log says why.\n";
pub(crate) const ENCODING: &str =
    "!\tThe request's Content-Encoding is not supported: send it plain or with gzip.\n";

/// Also said when there is such an app, but it is somebody else's.
pub(crate) fn no_such_app(name: &str) -> String {
    format!("!\tNo such app as {name}.\n")
}

/// A token that was made for less.
pub(crate) fn scope(needed: Scope) -> String {
    format!("!\tThis token may not do that: it needs the scope {needed}. Log in, or make another token.\n")
}

// === The hook's own, when the server says nothing (any more)

pub(crate) const NOT_A_HOOK: &str = " !     This is a hook of Hokku's git server, not a command.\n";
pub(crate) const TOO_MANY_REFERENCES: &str =
    " !     The push changes too many branches and tags at once.\n !     Push them in several steps.\n";
pub(crate) const NO_SERVER: &str =
    " !     The Hokku server cannot be reached, so nothing was pushed.\n !     Try again when it runs.\n";
pub(crate) const SERVER_LOST: &str = "
 !     The connection to the Hokku server was lost.
 !     A build that had begun goes on without this push: see `hokku logs` and `hokku releases`,
 !     then push again to move the branch.
";

// === Refusals before anything was done

pub(crate) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::TwoDeploys => {
            " !     Both `main` and `master` were pushed; only one of them can be deployed.\n \
                                !     Push one: git push <remote> main\n"
                .to_owned()
        }
        Refusal::DeletesDeployed(branch) => {
            format!(" !     The branch {} cannot be deleted: it is what is deployed.\n", branch_name(branch))
        }
    }
}

pub(crate) const UNKNOWN_PUSH: &str = " !     The server does not know this push (any more); try again.\n";
pub(crate) const SKIPPED: &str = "Pushed to non-main branch, skipping build.\n";
pub(crate) const ANOTHER_DEPLOY: &str =
    " !     Another deploy of this app is running.\n !     Wait until it is over, then push again.\n";
pub(crate) const EMPTY_COMMIT: &str = " !     The pushed commit holds no files.\n !     Add the app's files (git add, git commit), then push again.\n";
pub(crate) const APP_GONE: &str = " !     The app was destroyed meanwhile.\n";
pub(crate) const STOPPING: &str = "
 !     The Hokku server is being stopped; the deploy goes on when it is started again.
 !     See `hokku releases` then, and push again to move the branch.
";
pub(crate) const TOO_LONG: &str = "
 !     This push has waited for too long. The deploy itself goes on: see `hokku releases`,
 !     then push again to move the branch.
";
pub(crate) const INTERNAL: &str = " !     The server could not go on; its own log says why. Try again.\n";

pub(crate) fn branch_moved(branch: &str) -> String {
    format!(
        " !     {} was changed by another push meanwhile.\n !     Fetch it, then push again.\n",
        branch_name(branch)
    )
}

pub(crate) fn unreadable_commit(commit: &str) -> String {
    format!(" !     {commit} is not a commit that can be deployed.\n")
}

pub(crate) fn source_too_large(bytes_max: u64) -> String {
    format!(
        " failed.\n !     The commit's files are larger than {} MiB together.\n \
         !     Remove what the app does not need (git rm), then push again.\n",
        bytes_max >> 20
    )
}

// === The beginning of a deploy

pub(crate) fn updated(paths: u64, commit: &str) -> String {
    let noun = if paths == 1 { "path" } else { "paths" };
    format!("Updated {paths} {noun} from {commit}\n")
}

pub(crate) fn submodules(count: u64) -> String {
    let noun = if count == 1 { "a submodule" } else { "submodules" };
    format!(
        " !     Warning: the commit has {noun}, which cannot be fetched here: left out.\n \
         !     Add the files themselves to the repository if the app needs them.\n"
    )
}

pub(crate) const COMPRESSING: &str = "Compressing source files...";
pub(crate) const DONE: &str = " done.\n";
pub(crate) const FAILED: &str = " failed.\n";
pub(crate) const BUILDING: &str = "Building source:\n\n";

// === The end of a deploy

pub(crate) const WAITING_FOR_BUILDER: &str = "Waiting for a free builder...";
pub(crate) const RUNNING_RELEASE_COMMAND: &str = "Running release command...";
pub(crate) const WAITING_FOR_RELEASE: &str = "Waiting for release...";
pub(crate) const VERIFIED: &str = "Verifying deploy... done.\n";

pub(crate) fn waiting_for_older(version: ReleaseVersion) -> String {
    format!("Waiting for the releases before {version}...")
}

/// `formation` lists process types with their quantities.
pub(crate) fn starting_dynos(formation: &[(String, u32)]) -> String {
    let entries: Vec<_> = formation.iter().map(|(kind, quantity)| format!("{kind}={quantity}")).collect();
    format!("Starting dynos: {}...", entries.join(" "))
}

pub(crate) fn superseded(by: ReleaseVersion) -> String {
    format!(" superseded by {by}.\n")
}

/// A newer deploy took over before this one's dynos were up; it is the one that is verified.
pub(crate) fn not_verified(version: ReleaseVersion) -> String {
    format!("{version} was not started because a newer deploy took its place.\n")
}

/// The developer already tried this very commit.
pub(crate) fn built_before(commit: &str) -> String {
    format!(
        " !
 ! ## Warning - The same version of this code has already been built: {commit}
 !
 ! A build of this commit was tried before. Push the branch you meant:
 ! git push <remote> <branchname>:main
 !
"
    )
}

/// Why a release was not taken up, and what is being served instead.
pub(crate) fn release_failed(release: &Release, serving: Option<ReleaseVersion>, branch: &str) -> String {
    let reason = release.failure.as_deref().unwrap_or("The release failed.");
    let mut text = String::from("\n");
    for line in reason.lines() {
        text.push_str(format!(" !     {line}").trim_end());
        text.push('\n');
    }
    let serving = match serving {
        Some(version) if version == release.version => {
            format!("There is no older release to go back to, so {version} stays and its dynos are retried.")
        }
        Some(version) => format!("{version} goes on serving."),
        None => "No release is being served.".to_owned(),
    };
    let branch = branch_name(branch);
    text.push_str(&format!(" !     {serving} The branch {branch} was not moved.\n !     Push failed\n"));
    text
}

pub(crate) fn rejected(app: &AppName) -> String {
    format!("Verifying deploy...\n\n!\tPush rejected to {app}.\n\n")
}

// === The app's log

pub(crate) fn client_gone(commit: &str) -> String {
    format!("The push of {commit} was interrupted by its client; its deploy goes on")
}

fn branch_name(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}

#[cfg(test)]
mod tests;

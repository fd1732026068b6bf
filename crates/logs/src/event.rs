//! The platform's own log lines: the words of each message, and nowhere else.
//!
//! They are Heroku's, because people and programs parse them. Each function returns the message of a line; who
//! says it (`heroku[web.1]`, `app[api]`) stands over each group. What a person did is also the description of the
//! release that it made; [`by_user`] makes the log line of it.

use std::fmt::Display;

use model::release::ReleaseVersion;
use model::time::Timestamp;

// === heroku[web.1], heroku[run.4711] …: a dyno's life

/// `State changed from starting to up`.
#[must_use]
pub fn state_changed(from: impl Display, to: impl Display) -> String {
    format!("State changed from {from} to {to}")
}

/// The command is shown as it runs, with its variables expanded.
#[must_use]
pub fn starting_process(command: &str) -> String {
    format!("Starting process with command `{command}`")
}

/// `status` is what the shell calls `$?`: 137 for SIGKILL, 143 for SIGTERM.
#[must_use]
pub fn process_exited(status: i32) -> String {
    format!("Process exited with status {status}")
}

/// A restart begins: a release, a config change, `ps:restart`.
#[must_use]
pub fn restarting() -> String {
    "Restarting".to_owned()
}

/// The daily restart begins.
#[must_use]
pub fn cycling() -> String {
    "Cycling".to_owned()
}

/// An eco dyno goes to sleep.
#[must_use]
pub fn idling() -> String {
    "Idling".to_owned()
}

/// A request wakes an eco dyno.
#[must_use]
pub fn unidling() -> String {
    "Unidling".to_owned()
}

/// The grace period begins.
#[must_use]
pub fn stopping_with_sigterm() -> String {
    "Stopping all processes with SIGTERM".to_owned()
}

/// The dyno is killed at once: after R10 or R15.
#[must_use]
pub fn stopping_with_sigkill() -> String {
    "Stopping process with SIGKILL".to_owned()
}

/// The grace period is over: after R12.
#[must_use]
pub fn stopping_rest_with_sigkill() -> String {
    "Stopping remaining processes with SIGKILL".to_owned()
}

/// A one-off dyno waits for its client.
#[must_use]
pub fn awaiting_client() -> String {
    "Awaiting client".to_owned()
}

/// The client of a one-off dyno went away.
#[must_use]
pub fn client_closed() -> String {
    "Client connection closed. Sending SIGHUP to all processes".to_owned()
}

/// `Process running mem=870M(170.1%)`: used and allowed memory in bytes; comes before R14 and R15.
#[must_use]
pub fn memory_in_use(used: u64, quota: u64) -> String {
    let per_mille = used.saturating_mul(1000) / quota.max(1);
    format!("Process running mem={}M({}.{}%)", used >> 20, per_mille / 10, per_mille % 10)
}

// === heroku[web.1] …: R codes

/// The web process did not bind its port in time.
#[must_use]
pub fn error_r10(timeout_seconds: u64) -> String {
    format!(
        "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within {timeout_seconds} seconds of launch"
    )
}

/// A process ignored SIGTERM.
#[must_use]
pub fn error_r12(grace_seconds: u64) -> String {
    format!(
        "Error R12 (Exit timeout) -> At least one process failed to exit within {grace_seconds} seconds of SIGTERM"
    )
}

/// Nobody attached to a one-off dyno.
#[must_use]
pub fn error_r13() -> String {
    "Error R13 (Attach error) -> Failed to attach to process".to_owned()
}

/// More memory than the dyno's size has.
#[must_use]
pub fn error_r14() -> String {
    "Error R14 (Memory quota exceeded)".to_owned()
}

/// Twice the memory of the dyno's size: it is killed.
#[must_use]
pub fn error_r15() -> String {
    "Error R15 (Memory quota vastly exceeded)".to_owned()
}

/// A process ignored SIGHUP after its client had left.
#[must_use]
pub fn error_r16() -> String {
    "Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was \
     closed."
        .to_owned()
}

/// The slug is not what was built. Both digests as `SHA256:…`.
#[must_use]
pub fn error_r17(expected: &str, found: &str) -> String {
    format!("Error R17 (Checksum error) -> Checksum does not match. Expected: {expected}, found: {found}")
}

/// The platform failed, not the app; `detail` is for the app's owner.
#[must_use]
pub fn error_r99(detail: &str) -> String {
    format!("Error R99 (Platform error) -> {detail}")
}

// === L codes

/// `heroku[logplex]`, told to a drain: its receiver was too slow, or not there.
#[must_use]
pub fn drain_overflow(count: u64, since: Timestamp) -> String {
    format!("Error L10 (output buffer overflow): {count} messages dropped since {since}.")
}

/// The same, told to the app's people.
#[must_use]
pub fn drain_overflow_of(drain: &str, count: u64, since: Timestamp) -> String {
    format!("Error L10 (output buffer overflow): drain '{drain}' dropped {count} messages since {since}.")
}

/// `heroku[logplex]`: a drain's receiver has a certificate that nobody should trust. `uri` without its password.
#[must_use]
pub fn drain_certificate(error: &str, uri: &str) -> String {
    format!("Error L14 (certificate validation): error=\"{error}\" uri=\"{uri}\"")
}

/// `heroku[logplex]`: a drain's receiver cannot be reached, or refuses. Ours: Heroku says nothing until lines are lost.
#[must_use]
pub fn drain_trouble(drain: &str, why: &str) -> String {
    format!("Drain '{drain}' does not take lines: {why}")
}

/// `heroku[logplex]`: a tail's reader was too slow.
#[must_use]
pub fn tail_overflow(count: u64, since: Timestamp) -> String {
    format!("Error L11 (Tail buffer overflow) -> This tail session dropped {count} messages since {since}.")
}

/// `app[log-shuttle]`: lines were dropped before the server read them.
#[must_use]
pub fn spool_overflow(count: u64, since: Timestamp) -> String {
    format!("Error L12: {count} messages dropped since {since}.")
}

// === app[api]: what a person did. Also a release's description; by_user() makes it the log line.

/// `Deploy 954ab531 by user jane@example.com`.
#[must_use]
pub fn by_user(what: &str, user: &str) -> String {
    format!("{what} by user {user}")
}

/// The first release of an app.
#[must_use]
pub fn initial_release() -> String {
    "Initial release".to_owned()
}

/// The second release of an app.
#[must_use]
pub fn enable_logplex() -> String {
    "Enable Logplex".to_owned()
}

/// A push or an API build of a commit, shown by its first eight digits.
#[must_use]
pub fn deploy(commit: &str) -> String {
    format!("Deploy {}", commit.get(..8).unwrap_or(commit))
}

/// `Set FOO, BAR config vars`, in the order given.
#[must_use]
pub fn set_config_vars<S: AsRef<str>>(keys: &[S]) -> String {
    format!("Set {} config vars", list(keys))
}

/// `Remove FOO config vars`, in the order given.
#[must_use]
pub fn remove_config_vars<S: AsRef<str>>(keys: &[S]) -> String {
    format!("Remove {} config vars", list(keys))
}

/// An older release's slug and config are made a new release.
#[must_use]
pub fn rollback(to: ReleaseVersion) -> String {
    format!("Rollback to {to}")
}

/// Another app's slug was made a release of this one.
#[must_use]
pub fn promote(app: &str, version: ReleaseVersion, commit: &str) -> String {
    format!("Promote {app} {version} {}", commit.get(..7).unwrap_or(commit))
}

/// An add-on was attached under a name: `Attach DATABASE (@ref:postgresql-flat-02648)`.
#[must_use]
pub fn attach(name: &str, addon: &str) -> String {
    format!("Attach {name} (@ref:{addon})")
}

/// An attachment was removed.
#[must_use]
pub fn detach(name: &str, addon: &str) -> String {
    format!("Detach {name} (@ref:{addon})")
}

/// An add-on is ready and its config vars have their values.
#[must_use]
pub fn provisioned<S: AsRef<str>>(addon: &str, keys: &[S]) -> String {
    format!("@ref:{addon} completed provisioning, setting {}.", list(keys))
}

/// An add-on changed the values of its config vars: `Update DATABASE by heroku-postgresql`.
#[must_use]
pub fn updated_by_addon(name: &str, service: &str) -> String {
    format!("Update {name} by {service}")
}

/// An add-on was given another plan. Ours: it comes without a release, for no config var changes.
#[must_use]
pub fn plan_changed(addon: &str, plan: &str, user: &str) -> String {
    by_user(&format!("Change {addon} to {plan}"), user)
}

/// A database is being emptied. Ours: on Heroku the app's log does not say so.
#[must_use]
pub fn database_reset(addon: &str, user: &str) -> String {
    by_user(&format!("Reset {addon}"), user)
}

/// A database gets other credentials. Ours.
#[must_use]
pub fn rotation_asked(addon: &str, user: &str) -> String {
    by_user(&format!("Rotate credentials of {addon}"), user)
}

/// A database holds more than its plan gives. Ours: Heroku sends an e-mail.
#[must_use]
pub fn database_over_limit(addon: &str, what: &str, until: &str) -> String {
    format!(
        "{addon} is over the limits of its plan: {what}. After {until} nothing can be added to it. Delete what is not \
         needed, or: heroku addons:upgrade {addon} PLAN"
    )
}

/// A database was over its plan's limits for too long. Ours: Heroku sends an e-mail.
#[must_use]
pub fn database_restricted(addon: &str, what: &str) -> String {
    format!(
        "{addon} is still over the limits of its plan: {what}. INSERT is revoked; it is given back once the database \
         keeps to them. DELETE and TRUNCATE work, and: heroku addons:upgrade {addon} PLAN"
    )
}

/// A database keeps to its plan again. Ours.
#[must_use]
pub fn database_within_limits(addon: &str) -> String {
    format!("{addon} keeps to the limits of its plan again; everything is allowed")
}

/// The credentials that a database had before are gone. Ours.
#[must_use]
pub fn credentials_retired(addon: &str) -> String {
    format!("The previous credentials of {addon} are no longer valid")
}

/// The app will be built and run on another stack.
#[must_use]
pub fn upgrade_stack(to: &str) -> String {
    format!("Upgrade stack to {to}")
}

// === app[api]: what followed from it. These name the user themselves or have none.

/// A release was made: `Release v9 created by user jane@example.com`.
#[must_use]
pub fn release_created(version: ReleaseVersion, user: &str) -> String {
    by_user(&format!("Release {version} created"), user)
}

/// The release's command is about to run.
#[must_use]
pub fn running_release_commands(version: ReleaseVersion, user: &str) -> String {
    by_user(&format!("Running release {version} commands"), user)
}

/// The release's command failed; the release before it goes on.
#[must_use]
pub fn release_command_failed(version: ReleaseVersion, user: &str) -> String {
    by_user(&format!("Release {version} command failed"), user)
}

/// A release's dynos could not start, so it did not take over; `serving` is what goes on. Ours: Heroku stops the old
/// dynos first.
#[must_use]
pub fn rollout_failed(version: ReleaseVersion, why: &str, serving: ReleaseVersion) -> String {
    format!("Release {version} failed: {why} {serving} goes on serving.")
}

/// A release's dynos could not start, and there is nothing else to serve, so it stays and is tried again.
#[must_use]
pub fn rollout_crashed(version: ReleaseVersion, why: &str) -> String {
    format!("Release {version} crashed at its start: {why} Nothing else serves, so it is tried again.")
}

/// A build was accepted.
#[must_use]
pub fn build_started(user: &str) -> String {
    by_user("Build started", user)
}

/// A build made a slug.
#[must_use]
pub fn build_succeeded() -> String {
    "Build succeeded".to_owned()
}

/// A build failed; its output is at `url`.
#[must_use]
pub fn build_failed(url: &str) -> String {
    format!("Build failed -- check your build output: {url}")
}

/// `Scaled to web@2:Basic worker@1:Basic by user …`: all process types with their quantities and sizes.
#[must_use]
pub fn scaled_to<T: Display, S: Display>(formation: &[(T, u32, S)], user: &str) -> String {
    let entries: Vec<_> =
        formation.iter().map(|(kind, quantity, size)| format!("{kind}@{quantity}:{size}")).collect();
    by_user(&format!("Scaled to {}", entries.join(" ")), user)
}

/// A person or the release phase starts a one-off dyno.
#[must_use]
pub fn starting_process_by(command: &str, user: &str) -> String {
    by_user(&starting_process(command), user)
}

/// The stack was changed; comes with [`upgrade_stack`].
#[must_use]
pub fn stack_changed(from: &str, to: &str, user: &str) -> String {
    by_user(&format!("Stack changed from {from} to {to}"), user)
}

fn list<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

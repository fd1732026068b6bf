//! What commands say when something is not done: what happened, what was found, what to do next; and how times and
//! sizes are spoken.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use wire::ClientError;

/// Why a command cannot be done, before any server is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("no server is named, none was logged in to, and none runs on this machine that you may use")]
    NoServer,
    #[error("not logged in to {url}")]
    NotLoggedIn { url: String },
    #[error("{email} with this password is not known there")]
    WrongPassword { email: String },
    #[error("this machine has no certificates to trust servers by")]
    NoCertificates,
    #[error("there is no home folder to keep a login in")]
    NoHome,
    #[error("no app is named, and no git remote of this folder is at {git_host}")]
    NoApp { git_host: String },
    #[error("several apps are in this folder's git remotes: {}", remotes.join(", "))]
    SeveralApps { remotes: Vec<String> },
    #[error("there is no git remote `{name}` in this folder")]
    NoRemote { name: String },
    #[error("the git remote `{name}` points at {url}, not at {git_host}")]
    ForeignRemote { name: String, url: String, git_host: String },
    #[error("this folder is no git repository")]
    NoRepository,
    #[error("there is no folder {}", dir.display())]
    NoFolder { dir: PathBuf },
    #[error("git would not change its remotes")]
    GitRefused,
    #[error("{app} was not confirmed{}", typed.as_ref().map_or_else(String::new, |typed| format!(": `{typed}` was given")))]
    NotConfirmed { app: String, typed: Option<String> },
    #[error("`{given}` is not {form}")]
    NotInForm { given: String, form: &'static str },
    #[error("{what}")]
    Missing { what: String, hint: &'static str },
    #[error("the dyno ended without telling its exit status")]
    NoExitStatus,
    #[error("no e-mail address and password were given")]
    NothingTyped,
    #[error("could not start {program}")]
    NotStarted {
        program: &'static str,
        #[source]
        cause: io::Error,
    },
    #[error("{name} was not provisioned within {} s", waited.as_secs())]
    StillWaiting { name: String, waited: Duration },
    #[error("{running} of {of} dynos run it after {} s", waited.as_secs())]
    DynosNotUp { running: usize, of: usize, waited: Duration },
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

/// What to do next, where that is known.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.hint().map(str::to_owned);
    }
    let hint = match error.downcast_ref::<ClientError>()? {
        ClientError::Connect { cause, .. } if is_distrust(cause) => {
            "name the file of the server's certificate authority in HOKKU_CA"
        }
        ClientError::Connect { .. } => {
            "is the server running? Start it with `hokku server`, or name another with --server"
        }
        ClientError::Refused { status, .. } if status.as_u16() == 401 => {
            "log in again with `hokku login`, or see what HOKKU_API_KEY is"
        }
        ClientError::Refused { error, .. } => match error.resource.as_deref()? {
            "app" => "`hokku apps` lists your apps",
            "release" => "`hokku releases` lists them",
            "dyno" => "`hokku ps` lists them",
            "domain" => "`hokku domains` lists them",
            "add_on" | "add_on attachment" => "`hokku addons` lists them",
            _ => return None,
        },
        ClientError::TimedOut { .. } | ClientError::Broken { .. } => "try again; `hokku logs` may tell more",
        ClientError::Request { .. } | ClientError::Unexpected { .. } => return None,
    };
    Some(hint.to_owned())
}

impl Problem {
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoServer => {
                "`hokku login --server https://api.example.com`, or `hokku server` to run one here"
            }
            Self::NotLoggedIn { .. } => "log in with `hokku login`, or set HOKKU_API_KEY",
            Self::WrongPassword { .. } => {
                "the first password is in `owner.password` in the server's data folder"
            }
            Self::NoFolder { .. } => "name the folder of an app's source: `hokku doctor DIR`",
            Self::NoCertificates => "name a file with certificates in HOKKU_CA",
            Self::NoHome => "set HOME or XDG_CONFIG_HOME",
            Self::NoApp { .. } => {
                "name one with --app, or make the remote with `hokku git:remote --app NAME`"
            }
            Self::SeveralApps { .. } => "name one with --app or --remote",
            Self::NoRemote { .. } | Self::ForeignRemote { .. } => "`git remote -v` lists them",
            Self::NoRepository => "`git init` makes it one",
            Self::NotConfirmed { .. } => "type the app's name, or give it with --confirm",
            Self::Missing { hint, .. } => hint,
            Self::NoExitStatus => "`hokku logs` may say why",
            Self::NotStarted { .. } => "is it installed?",
            Self::StillWaiting { .. } => "it goes on in the background; `hokku addons` shows its state",
            Self::DynosNotUp { .. } => "`hokku ps` shows their states, `hokku logs` may tell why",
            Self::GitRefused | Self::NotInForm { .. } | Self::NothingTyped => return None,
        })
    }
}

/// Whether TLS failed over the certificate: the words are those of rustls, whose types stay behind `wire`.
fn is_distrust(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::InvalidData && cause.to_string().contains("peer certificate")
}

/// Whether the reader of our output went away (`hokku logs | head`), which is no failure to tell of.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A time of the API for people: `2026/01/02 15:04:05 +0000 (~ 2h ago)`.
pub(crate) fn when(time: &str, now: SystemTime) -> String {
    let (Ok(time), Ok(now)) = (time.parse::<Timestamp>(), Timestamp::try_from(now)) else {
        return time.to_owned();
    };
    format!(
        "{} (~ {} ago)",
        time.strftime("%Y/%m/%d %H:%M:%S +0000"),
        age(now.as_second() - time.as_second())
    )
}

/// The largest unit of a time is enough.
fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= length {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = count.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KB", tenths(1 << 10)),
        1_048_576..1_073_741_824 => format!("{} MB", tenths(1 << 20)),
        _ => format!("{} GB", tenths(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{bytes, when};

    #[test]
    fn times_are_told_with_their_age() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_366_245);
        for (time, told) in [
            ("2026-01-02T15:04:05Z", "2026/01/02 15:04:05 +0000 (~ 0s ago)"),
            ("2026-01-02T15:02:05Z", "2026/01/02 15:02:05 +0000 (~ 2m ago)"),
            ("2026-01-02T12:04:05.5Z", "2026/01/02 12:04:05 +0000 (~ 3h ago)"),
            ("2025-12-31T00:00:00Z", "2025/12/31 00:00:00 +0000 (~ 2d ago)"),
            ("soon", "soon"),
        ] {
            assert_eq!(when(time, now), told);
        }
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        for (count, told) in [(0, "0 B"), (1_536, "1.5 KB"), (12_345_678, "11.7 MB"), (3 << 30, "3.0 GB")] {
            assert_eq!(bytes(count), told);
        }
    }
}

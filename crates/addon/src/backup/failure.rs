//! Why a transfer is not done, for the two who read it: the tenant, in the transfer's log, and whoever runs the platform.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use store::StoreError;

use crate::backup::fetch::FetchError;
use crate::service::{BadResource, ServiceError};

/// Why a transfer is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    #[error("the database server did not do its part")]
    Service(#[from] ServiceError),
    #[error("could not {doing}")]
    Statement {
        doing: &'static str,
        #[source]
        cause: tokio_postgres::Error,
    },
    #[error("the database server gave no answer to a question")]
    Silent,
    #[error("the store did not do its part")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Resource(#[from] BadResource),
    #[error("{program} failed")]
    Program { program: &'static str, said: String },
    #[error("could not run {program}")]
    Run {
        program: &'static str,
        #[source]
        cause: io::Error,
    },
    #[error("could not {doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{free} bytes are free for {needed}")]
    NoSpace { needed: u64, free: u64 },
    #[error("the dump could not be fetched")]
    Fetch(#[from] FetchError),
    #[error("the database to copy could not be found")]
    NotFound(#[source] FetchError),
    #[error("the file is no dump")]
    NoDump { said: String },
    #[error("the restored data are not those of the dump")]
    Differs { differences: Vec<String> },
    #[error("the backup is not there any more")]
    BackupGone,
    #[error("the database to copy is not there any more")]
    SourceGone,
    #[error("not a database's address")]
    NoAddress,
    #[error("it took longer than {limit:?}")]
    TimedOut { limit: Duration },
}

impl TransferError {
    /// For the tenant, who owns the data and may see what Postgres says of them. Nothing of this goes into our own log.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Service(ServiceError::Connect { cause, .. }) => {
                format!("Could not connect to the database: {}.", cause_of(cause))
            }
            Self::Statement { doing, cause } => format!("Could not {doing}: {}.", cause_of(cause)),
            Self::Program { program, said } if said.contains("No space left on device") => {
                format!("The disk on which this platform keeps backups is full ({program} could not write).")
            }
            Self::Program { program, said } => format!("{program} failed: {}", one_line(said)),
            Self::NoSpace { needed, free } => format!(
                "There is not enough room on this platform's disk: {} are needed, {} are free. Nothing was changed.",
                size(*needed),
                size(*free)
            ),
            Self::Fetch(error) => format!("Could not fetch the dump: {error}."),
            Self::NotFound(error) => format!("Could not connect to the database: {error}."),
            Self::NoDump { said } if said.contains("text format dump") => {
                "This is a dump in plain SQL. A dump made with `pg_dump -Fc` is needed; plain SQL can be run with \
                 `heroku pg:psql --file`."
                    .to_owned()
            }
            Self::NoDump { said } => {
                format!("This is no dump made with `pg_dump -Fc`: {}", one_line(said))
            }
            Self::Differs { differences } => format!(
                "The restored data are not those of the dump: {}. The dump was thrown away.",
                differences.join(", ")
            ),
            Self::BackupGone => "The backup was deleted before it could be restored.".to_owned(),
            Self::SourceGone => "The database to be copied was destroyed before it could be copied.".to_owned(),
            Self::NoAddress => "The source is no address of a database.".to_owned(),
            Self::TimedOut { limit } => format!("It took longer than {} hours.", limit.as_secs() / 3600),
            Self::File { cause, .. } if cause.kind() == io::ErrorKind::StorageFull => {
                "The disk on which this platform keeps backups is full.".to_owned()
            }
            Self::Service(_)
            | Self::Silent
            | Self::Store(_)
            | Self::Resource(_)
            | Self::Run { .. }
            | Self::File { .. } => {
                "An error of the platform's own; its operator finds the cause in the server's log.".to_owned()
            }
        }
    }

    /// Whether the cause is the platform's affair, and may be written into its log: it holds nothing of a tenant's.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Service(_)
                | Self::Silent
                | Self::Store(_)
                | Self::Resource(_)
                | Self::Run { .. }
                | Self::File { .. }
                | Self::NoSpace { .. }
        )
    }
}

/// What the server says, else what the client does.
fn cause_of(error: &tokio_postgres::Error) -> String {
    let said = error.as_db_error().map(|error| error.message().to_owned());
    let cause = || std::error::Error::source(error).map(ToString::to_string);
    one_line(&said.or_else(cause).unwrap_or_else(|| error.to_string()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `7.66 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut unit = "bytes";
    for larger in ["KB", "MB", "GB", "TB"] {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{amount:.2} {unit}") }
}

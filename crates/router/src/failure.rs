//! Every way a request can end other than by the app's whole answer: Heroku's H codes, as one table.

/// Why the router answered itself, or cut an answer off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    AppCrashed,
    BacklogTooDeep,
    RequestTimeout,
    ClosedWithoutResponse,
    NoWebProcess,
    IdleConnection,
    MalformedResponse,
    ServerInterrupted,
    ConnectTimeout,
    BootTimeout,
    ConnectRefused,
    ConnectionLimit,
    ForcedClose,
    /// With the text after "HTTP restriction: ".
    Restricted(&'static str),
    /// With the cause in the access line and the status.
    BadRequest(&'static str, u16),
    ClientInterrupted,
    ClientIdle,
    Misdirected,
    AllQuarantined,
    Maintenance,
    Blank,
    Platform,
}

/// How the access line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Info,
    Warning,
    Error,
}

impl Failure {
    /// Code, level and status. Where no status can be sent, it is the one in the log; 0 is an empty one.
    pub(crate) const fn facts(self) -> (&'static str, At, u16) {
        match self {
            Self::AppCrashed => ("H10", At::Error, 503),
            Self::BacklogTooDeep => ("H11", At::Error, 503),
            Self::RequestTimeout => ("H12", At::Error, 503),
            Self::ClosedWithoutResponse => ("H13", At::Error, 503),
            Self::NoWebProcess => ("H14", At::Error, 503),
            Self::IdleConnection => ("H15", At::Error, 503),
            Self::MalformedResponse => ("H17", At::Error, 503),
            Self::ServerInterrupted => ("H18", At::Error, 503),
            Self::ConnectTimeout => ("H19", At::Error, 503),
            Self::BootTimeout => ("H20", At::Error, 503),
            Self::ConnectRefused => ("H21", At::Error, 503),
            Self::ConnectionLimit => ("H22", At::Error, 503),
            Self::ForcedClose => ("H24", At::Error, 0),
            Self::Restricted(_) => ("H25", At::Error, 502),
            Self::BadRequest(_, status) => ("H26", At::Error, status),
            Self::ClientInterrupted => ("H27", At::Warning, 499),
            Self::ClientIdle => ("H28", At::Warning, 499),
            Self::Misdirected => ("H31", At::Error, 421),
            Self::AllQuarantined => ("H34", At::Error, 503),
            Self::Maintenance => ("H80", At::Info, 503),
            Self::Blank => ("H81", At::Info, 502),
            Self::Platform => ("H99", At::Error, 503),
        }
    }

    /// The words in `desc="…"`; for H25 what follows "HTTP restriction: ".
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::AppCrashed => "App crashed",
            Self::BacklogTooDeep => "Backlog too deep",
            Self::RequestTimeout => "Request timeout",
            Self::ClosedWithoutResponse => "Connection closed without response",
            Self::NoWebProcess => "No web processes running",
            Self::IdleConnection => "Idle connection",
            Self::MalformedResponse => "Poorly formatted HTTP response",
            Self::ServerInterrupted => "Server Request Interrupted",
            Self::ConnectTimeout => "Backend connection timeout",
            Self::BootTimeout => "App boot timeout",
            Self::ConnectRefused => "Backend connection refused",
            Self::ConnectionLimit => "Connection limit reached",
            Self::ForcedClose => "Forced close",
            Self::Restricted(what) => what,
            Self::BadRequest(..) => "Request Error",
            Self::ClientInterrupted => "Client Request Interrupted",
            Self::ClientIdle => "Client Connection Idle",
            Self::Misdirected => "Misdirected Request",
            Self::AllQuarantined => "All up dynos are quarantined",
            Self::Maintenance => "Maintenance mode",
            Self::Blank => "Blank app",
            Self::Platform => "Platform error",
        }
    }

    /// `sock=…`, for the codes that say whose connection broke.
    pub(crate) const fn sock(self) -> Option<&'static str> {
        match self {
            Self::ServerInterrupted => Some("backend"),
            Self::ClientInterrupted => Some("client"),
            _ => None,
        }
    }

    /// Whether the line counts the bytes and time of the exchange with the dyno; where the dyno was never
    /// reached they stay empty.
    pub(crate) const fn reached_dyno(self) -> bool {
        !matches!(self, Self::ConnectTimeout | Self::ConnectRefused)
    }
}

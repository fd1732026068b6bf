//! One thing that the doctor noticed in a source, and how it is told.

use std::fmt::Write as _;

/// What was looked for. The word of each is stable: programs may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// There is no Procfile, or not under this name.
    NoProcfile,
    /// The Procfile starts a program that no requirement brings.
    ProgramMissing,
    /// The Procfile names a WSGI module that is not there.
    WsgiModule,
    /// Migrations exist, and nothing applies them at a deploy.
    NoReleasePhase,
    /// No file says which packages the app needs.
    NoRequirements,
    /// The settings use a package that no requirement brings.
    RequirementMissing,
    /// The database is Postgres, and no requirement brings a driver.
    PostgresDriver,
    /// The Python version gets no security fixes any more.
    PythonEndOfLife,
    /// `SECRET_KEY` stands in the source.
    SecretKey,
    /// An AWS key stands in the source.
    AwsKey,
    /// A file of environment variables is committed.
    EnvFile,
    /// A database file is committed.
    DatabaseFile,
    /// `DEBUG` is on in production.
    Debug,
    /// The app's own host is not allowed.
    AllowedHosts,
    /// `STORAGES` beside django-heroku's static files.
    Storages,
    /// `collectstatic` has nowhere to collect to.
    StaticRoot,
    /// Nothing serves the static files.
    StaticFiles,
    /// The models say more than the migrations.
    ModelsChanged,
}

impl Check {
    /// The word for programs: `secret-key`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoProcfile => "no-procfile",
            Self::ProgramMissing => "program-missing",
            Self::WsgiModule => "wsgi-module",
            Self::NoReleasePhase => "no-release-phase",
            Self::NoRequirements => "no-requirements",
            Self::RequirementMissing => "requirement-missing",
            Self::PostgresDriver => "postgres-driver",
            Self::PythonEndOfLife => "python-end-of-life",
            Self::SecretKey => "secret-key",
            Self::AwsKey => "aws-key",
            Self::EnvFile => "env-file",
            Self::DatabaseFile => "database-file",
            Self::Debug => "debug",
            Self::AllowedHosts => "allowed-hosts",
            Self::Storages => "storages",
            Self::StaticRoot => "static-root",
            Self::StaticFiles => "static-files",
            Self::ModelsChanged => "models-changed",
        }
    }
}

/// One thing that is wrong. No text of it holds a secret whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub check: Check,
    /// The file, from the source's root, with `/`.
    pub file: String,
    /// The line, from 1; for what is missing, where it would stand.
    pub line: usize,
    /// What was found, in one line.
    pub found: String,
    /// Why it matters, in one sentence or two.
    pub why: String,
    /// One command line that mends it, for a shell in the source's root.
    pub mend: String,
}

/// All findings as a developer reads them; each line begins with `lead`. Empty when there are none.
#[must_use]
pub fn report(findings: &[Finding], lead: &str) -> String {
    let mut text = String::new();
    for (at, finding) in findings.iter().enumerate() {
        let Finding { file, line, found, why, mend, .. } = finding;
        if at > 0 {
            text.push_str(lead.trim_end());
            text.push('\n');
        }
        // A String takes everything.
        let _ = writeln!(text, "{lead}{file}:{line}: {found}");
        let _ = writeln!(text, "{lead}  Why:  {why}");
        let _ = writeln!(text, "{lead}  Mend: {mend}");
    }
    text
}

/// A secret as it may be shown: enough to know which it is.
pub(crate) fn masked(secret: &str) -> String {
    /// Characters shown of a secret that is long enough.
    const SHOWN: usize = 4;
    let length = secret.chars().count();
    let shown: String =
        if length >= 4 * SHOWN { secret.chars().take(SHOWN).collect() } else { String::new() };
    format!("{}… ({length} characters)", plain(&shown))
}

/// A foreign text in a line of ours: no control characters, and not too long.
pub(crate) fn plain(text: &str) -> String {
    /// Longest foreign text in a line, in characters.
    const CHARS_MAX: usize = 120;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(CHARS_MAX).map(clean).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A word of a command line, quoted if a shell would read it otherwise.
pub(crate) fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./=+:@,".contains(c);
    let word = plain(word);
    if !word.is_empty() && word.chars().all(harmless) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

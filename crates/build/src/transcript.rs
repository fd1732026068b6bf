//! Every line a developer sees of a build. The words are Heroku's where tools and people look for them.

mod diagnosis;
mod words;

use std::fmt;
use std::path::PathBuf;

use doctor::Finding;
use logs::transcript::{TranscriptError, TranscriptWriter, Transcripts};
use model::build::Build;
use model::id::BuildId;
use model::procfile::Procfile;
use slug::runtime::{Request, Version};

use crate::failure::Failure;
use crate::python::packages::Installer;
use crate::python::version::Origin;

/// Most left-out links that are named one by one.
const LINKS_SHOWN_MAX: usize = 10;

/// What a build has to say while all goes well.
#[derive(Debug)]
pub(crate) enum Say<'a> {
    /// The build begins again, because the server that ran it was stopped.
    Again,
    Building {
        stack: &'a str,
    },
    PreparingStack,
    Ignored {
        paths: u64,
    },
    LinksLeftOut(&'a [PathBuf]),
    Determining,
    UsingBuildpack {
        name: &'a str,
    },
    Detected {
        language: &'a str,
    },
    RunningHook {
        name: &'static str,
    },
    PreparingPython {
        request: Request,
    },
    PythonVersion {
        version: Version,
        origin: Origin,
    },
    InstallingPython {
        version: Version,
    },
    CachedPython {
        version: Version,
    },
    InstallingPackages {
        installer: Installer,
    },
    CachedPackages {
        packages: usize,
    },
    NoPackages,
    InstalledPackages {
        packages: usize,
    },
    Collectstatic,
    CollectstaticDisabled,
    CollectstaticDisabledByFile,
    NoManagePy,
    Types(&'a Procfile),
    Compressing,
    Done {
        bytes: u64,
    },
    /// What the doctor noticed; comes last.
    Findings(&'a [Finding]),
    /// A line of a step's own output.
    Output(&'a str),
}

/// A build's transcript, while it is written.
#[derive(Debug)]
pub(crate) struct Transcript {
    writer: TranscriptWriter,
}

/// The name of a build's transcript.
pub(crate) fn id(build: BuildId) -> String {
    format!("build-{build}")
}

impl Transcript {
    /// Begins the transcript of a build that was claimed, or goes on with what an interrupted one left.
    pub(crate) fn open(transcripts: &Transcripts, build: &Build) -> Result<Self, TranscriptError> {
        let mut transcript = Self { writer: transcripts.writer(&id(build.id))? };
        if build.generation > 1 {
            transcript.say(&Say::Again)?;
        }
        Ok(transcript)
    }

    /// Says something.
    pub(crate) fn say(&mut self, what: &Say<'_>) -> Result<(), TranscriptError> {
        self.writer.append(what.to_string().as_bytes())
    }

    /// Says why there is no slug, and ends.
    pub(crate) fn fail(mut self, failure: &Failure) -> Result<(), TranscriptError> {
        self.writer.append(words::failure(failure).as_bytes())?;
        self.writer.finish()
    }

    /// Says that the platform is at fault, and ends.
    pub(crate) fn give_up(mut self, build: BuildId) -> Result<(), TranscriptError> {
        self.writer.append(words::platform_failure(build).as_bytes())?;
        self.writer.finish()
    }
}

impl fmt::Display for Say<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again => {
                writeln!(f, "\n !     The platform was restarted during this build; it begins again.\n")
            }
            Self::Building { stack } => writeln!(f, "-----> Building on the {} stack", stack_name(stack)),
            Self::PreparingStack => {
                writeln!(f, "-----> Preparing the stack (once per machine, takes some minutes)")
            }
            Self::Ignored { paths } => {
                writeln!(f, "-----> Deleting {paths} files matching .slugignore patterns.")
            }
            Self::LinksLeftOut(links) => left_out(f, links),
            Self::Determining => writeln!(f, "-----> Determining which buildpack to use for this app"),
            Self::UsingBuildpack { name } => writeln!(f, "-----> Using buildpack: {name}"),
            Self::Detected { language } => writeln!(f, "-----> {language} app detected"),
            Self::RunningHook { name } => writeln!(f, "-----> Running bin/{name} hook"),
            Self::PreparingPython { request } => {
                writeln!(f, "-----> Preparing Python {request} (once per version and machine)")
            }
            Self::PythonVersion { version, origin } => {
                writeln!(f, "-----> Using Python version: python-{version} ({origin})")
            }
            Self::InstallingPython { version } => writeln!(f, "-----> Installing python-{version}"),
            Self::CachedPython { version } => writeln!(f, "-----> Using cached install of python-{version}"),
            Self::InstallingPackages { installer } => {
                writeln!(f, "-----> Installing requirements with {}", installer.name())
            }
            Self::CachedPackages { packages } => {
                writeln!(f, "-----> Using cached requirements ({})", count(*packages, "package"))
            }
            Self::NoPackages => writeln!(f, "       requirements.txt names no packages"),
            Self::InstalledPackages { packages } => {
                writeln!(f, "       Successfully installed {}", count(*packages, "package"))
            }
            Self::Collectstatic => writeln!(f, "-----> Running collectstatic"),
            Self::CollectstaticDisabled => writeln!(
                f,
                "-----> Skipping Django collectstatic since the env var DISABLE_COLLECTSTATIC is set."
            ),
            Self::CollectstaticDisabledByFile => writeln!(
                f,
                "-----> Skipping Django collectstatic since the file '.heroku/collectstatic_disabled' exists."
            ),
            Self::NoManagePy => {
                writeln!(f, "-----> Skipping Django collectstatic since no manage.py file found.")
            }
            Self::Types(procfile) => types(f, procfile),
            Self::Compressing => writeln!(f, "-----> Compressing..."),
            Self::Done { bytes } => writeln!(f, "       Done: {}", slug::size::display(*bytes)),
            Self::Findings(findings) => {
                let troubles = count(findings.len(), "trouble");
                write!(f, "-----> The doctor noticed {troubles}\n{}", doctor::report(findings, " !     "))
            }
            Self::Output("") => writeln!(f),
            Self::Output(line) => writeln!(f, "       {line}"),
        }
    }
}

/// `hokku-12` as people read it.
fn stack_name(stack: &str) -> String {
    let mut letters = stack.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn left_out(f: &mut fmt::Formatter<'_>, links: &[PathBuf]) -> fmt::Result {
    writeln!(
        f,
        " !     Left out, because they lead out of the source: {}",
        count(links.len(), "symbolic link")
    )?;
    links.iter().take(LINKS_SHOWN_MAX).try_for_each(|link| writeln!(f, " !       {}", link.display()))
}

fn types(f: &mut fmt::Formatter<'_>, procfile: &Procfile) -> fmt::Result {
    let names: Vec<&str> = procfile.commands.keys().map(model::formation::ProcessType::as_str).collect();
    let names = if names.is_empty() { "(none)".to_owned() } else { names.join(", ") };
    writeln!(f, "-----> Discovering process types\n       Procfile declares types -> {names}")
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;

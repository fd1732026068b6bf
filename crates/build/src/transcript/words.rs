//! Why there is no slug, in words: what happened, what was found, what to do next.

use model::id::BuildId;
use oci::container::{Exit, Status};
use slug::archive::UnpackError;
use slug::runtime::{Request, Version};

use super::diagnosis;
use crate::buildpack::ChoiceError;
use crate::failure::Failure;
use crate::python::packages::{Manager, PackagesError};
use crate::python::version::{MINORS, Origin, VersionError};

/// Heroku indents what follows a message by this much.
const HINT_INDENT: &str = "                         ";

/// The end of the transcript of a build that the developer can mend.
pub(super) fn failure(failure: &Failure) -> String {
    let compile = |text: String| format!("\n{text}\n !     Push rejected, failed to compile Python app.\n\n");
    let told = match failure {
        Failure::Archive(error) => format!("\n{}\n", error_block(&archive(error))),
        Failure::Choice(error) => choice(error),
        Failure::Version(error) => compile(error_block(&version(error))),
        Failure::Unavailable { request, origin, available } => compile(error_block(&[
            "Error: The requested Python version isn't available.".to_owned(),
            format!(
                "Python {request} ({origin}) cannot be had on this platform.\n{}",
                there_is(request, available)
            ),
        ])),
        Failure::Packages(error) => compile(error_block(&packages(error))),
        Failure::Install { installer, said } => compile(error_block(&with_advice(
            format!("Error: Unable to install dependencies using {}.", installer.name()),
            diagnosis::install(said),
        ))),
        Failure::Collectstatic { said } => compile(error_block(&collectstatic(said))),
        Failure::Hook { name, exit } => compile(error_block(&[format!(
            "Error: The bin/{name} hook failed ({}). The output above says why.",
            ended(*exit)
        )])),
        Failure::Step { exit } => {
            compile(error_block(&[format!("Error: The build was ended from within ({}).", ended(*exit))]))
        }
        Failure::OutOfMemory { bytes } => compile(error_block(&[
            "Error: The build ran out of memory.".to_owned(),
            format!("A build may use {} here, files that it writes included.", slug::size::display(*bytes)),
        ])),
        Failure::TimedOut { limit } => {
            format!("\n !     Build timed out: it took longer than {} minutes.\n\n", limit.as_secs() / 60)
        }
        Failure::TooLarge { bytes } => format!(
            " !     Compiled slug size: {} is too large (max is {}).\n\
             \x20!     Leave files out with a .slugignore, and large assets out of the repository.\n\n",
            slug::size::display(*bytes),
            slug::size::display(slug::manifest::SLUG_BYTES_MAX),
        ),
    };
    format!("{told} !     Push failed\n")
}

/// The end of the transcript of a build that only the operator can mend.
pub(super) fn platform_failure(build: BuildId) -> String {
    let paragraphs = [
        "Error: The platform could not finish this build. Your code is not the cause.".to_owned(),
        format!(
            "Push again; if it stays so, tell whoever runs this platform the number of the build: {build}"
        ),
    ];
    format!("\n{}\n !     Push failed\n", error_block(&paragraphs))
}

/// Paragraphs behind `!`, an empty line between them.
fn error_block(paragraphs: &[String]) -> String {
    let mut block = String::new();
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            block.push_str(" !\n");
        }
        for line in paragraph.lines() {
            block.push_str(if line.is_empty() { " !" } else { " !     " });
            block.push_str(line);
            block.push('\n');
        }
    }
    block
}

fn with_advice(title: String, advice: Option<String>) -> Vec<String> {
    let mut paragraphs = vec![title, "See the log output above for more information.".to_owned()];
    paragraphs.extend(advice);
    paragraphs
}

fn archive(error: &UnpackError) -> Vec<String> {
    let detail = match error {
        UnpackError::TooLarge { what, max } => format!("It has more than {max} {what}."),
        other => format!("What was found: {other}."),
    };
    vec!["Error: The source could not be unpacked.".to_owned(), detail]
}

fn choice(error: &ChoiceError) -> String {
    match error {
        ChoiceError::NothingDetected => format!(
            " !     No default language could be detected for this app.\n\
             {HINT_INDENT}HINT: This occurs when Hokku cannot detect the buildpack to use for this application \
             automatically.\n\
             {HINT_INDENT}A Python app has a requirements.txt in the root of its repository.\n\n"
        ),
        ChoiceError::Unsupported { name } => format!(
            "{}\n",
            error_block(&[
                format!("Error: The buildpack {name} is not supported yet."),
                "Only heroku/python is. To have the language detected instead:\n\
                 hokku buildpacks:clear"
                    .to_owned(),
            ])
        ),
        ChoiceError::Several { names } => format!(
            "{}\n",
            error_block(&[
                format!(
                    "Error: Several buildpacks are set, which is not supported yet: {}.",
                    names.join(", ")
                ),
                "To use heroku/python alone:\n\
                 hokku buildpacks:set heroku/python"
                    .to_owned(),
            ])
        ),
        ChoiceError::NotCompatible { listing } => format!(
            "-----> App not compatible with buildpack: heroku/python\n       \n{}\n",
            error_block(&[
                "Error: Your app is configured to use the Python buildpack, but we couldn't find any supported \
                 Python project files."
                    .to_owned(),
                "A Python app must have a requirements.txt or uv.lock in the root of its source code."
                    .to_owned(),
                contains(listing),
            ])
        ),
    }
}

fn contains(listing: &[String]) -> String {
    let names = if listing.is_empty() { "(nothing)".to_owned() } else { listing.join("\n") };
    format!("Currently the root directory of your app contains:\n\n{names}")
}

fn there_is(request: &Request, available: &[Version]) -> String {
    let usable: Vec<&Version> =
        available.iter().filter(|it| it.major == 3 && MINORS.contains(&it.minor)).collect();
    let same_series = usable.iter().find(|it| it.minor == request.minor);
    let Some(advised) = same_series.or(usable.last()) else {
        return "There is no Python at all; whoever runs the platform has to provide one.".to_owned();
    };
    let versions: Vec<String> = usable.iter().map(|it| it.to_string()).collect();
    format!(
        "There is: {}.\nName one of them, or only its series: {}.{}.",
        versions.join(", "),
        advised.major,
        advised.minor
    )
}

fn version(error: &VersionError) -> Vec<String> {
    let wants = format!("Supported are Python 3.{} to 3.{}.", MINORS.start(), MINORS.end());
    let found = |text: &str| format!("The following file contents were found, which aren't valid:\n\n{text}");
    match error {
        VersionError::BadRuntimeTxt { found: text } => vec![
            "Error: Invalid Python version in runtime.txt.".to_owned(),
            found(text),
            "It must be one line such as:\npython-3.12".to_owned(),
        ],
        VersionError::BadVersionFile { found: text } => vec![
            "Error: Invalid Python version in .python-version.".to_owned(),
            found(text),
            "It must be one line such as:\n3.12".to_owned(),
        ],
        VersionError::EmptyVersionFile => vec![
            "Error: Invalid Python version in .python-version.".to_owned(),
            "No Python version was found in your .python-version file.\nIt must be one line such as:\n3.12"
                .to_owned(),
        ],
        VersionError::SeveralVersions { found } => vec![
            "Error: Invalid Python version in .python-version.".to_owned(),
            format!("Multiple versions were found:\n\n{}\n\nKeep only one of them.", found.join("\n")),
        ],
        VersionError::BadPipfileLock { found } => vec![
            "Error: Invalid Python version in Pipfile.lock.".to_owned(),
            format!("What was found: {found}"),
        ],
        VersionError::Misspelt { name } => vec![
            format!("Error: The file '{name}' is probably misspelt."),
            "It is ignored under this name. The Python version is read from a file called:\n.python-version"
                .to_owned(),
        ],
        VersionError::EndOfLife { request, origin } => vec![
            "Error: The requested Python version has reached end-of-life.".to_owned(),
            format!(
                "Python {}.{} ({origin}) no longer receives security updates, so it is no longer\n\
                 supported. {wants}",
                request.major, request.minor
            ),
        ],
        VersionError::Unknown { request, origin } => vec![
            "Error: The requested Python version isn't recognised.".to_owned(),
            format!("Python {}.{} ({origin}) is not known here.\n{wants}", request.major, request.minor),
        ],
        VersionError::UvNeedsVersionFile => vec![
            "Error: No Python version was specified.".to_owned(),
            "With uv the version must be in a file called .python-version, one line such as:\n3.12"
                .to_owned(),
        ],
        VersionError::UvIgnoresRuntimeTxt => vec![
            format!("Error: The {} file isn't supported when using uv.", Origin::RuntimeTxt),
            "Delete it and put the version into a file called .python-version, one line such as:\n3.12"
                .to_owned(),
        ],
    }
}

fn packages(error: &PackagesError) -> Vec<String> {
    let file = |manager: &Manager| format!("{} ({})", manager.file(), manager.name());
    match error {
        PackagesError::Several { managers } => vec![
            "Error: Multiple Python package manager files were found.".to_owned(),
            format!(
                "Exactly one package manager file should be present in your app's\n\
                 source code, however, several were found:\n\n{}",
                managers.iter().map(file).collect::<Vec<_>>().join("\n")
            ),
            "Decide which package manager you want to use with your app, and\n\
             then delete the file(s) and any config from the others."
                .to_owned(),
        ],
        PackagesError::PipfileWithoutLock => vec![
            "Error: No 'Pipfile.lock' found!".to_owned(),
            "Pipenv is not supported yet in any case. Run\n\
             `pipenv requirements > requirements.txt`, delete the Pipfile, commit and push again."
                .to_owned(),
        ],
        PackagesError::OnlySetupPy => vec![
            "Error: Couldn't find any supported Python package manager files.".to_owned(),
            "Your app has a setup.py only, whose packages are no longer installed by\nthemselves. Add a \
             requirements.txt with the one line:\n."
                .to_owned(),
        ],
        PackagesError::None { listing } => vec![
            "Error: Couldn't find any supported Python package manager files.".to_owned(),
            "A Python app must have either a 'requirements.txt' or a 'uv.lock' package\n\
             manager file in the root directory of its source code."
                .to_owned(),
            contains(listing),
            "If your app already has a package manager file, check that it:\n\n\
             1. Is in the top level directory (not a subdirectory).\n\
             2. Has the correct spelling (the filenames are case-sensitive).\n\
             3. Isn't listed in '.gitignore' or '.slugignore'.\n\
             4. Has been added to the Git repository using 'git add --all'\n\
             \x20  and then committed using 'git commit'."
                .to_owned(),
        ],
        PackagesError::Unsupported { manager } => vec![
            format!("Error: {} is not supported yet.", manager.name()),
            format!(
                "Instead of {}, commit a requirements.txt:\n{}",
                manager.file(),
                match manager {
                    Manager::Poetry => "poetry export --without-hashes -o requirements.txt",
                    _ => "pipenv requirements > requirements.txt",
                }
            ),
            format!("Then delete {}, commit and push again.", manager.file()),
        ],
        PackagesError::BadInstaller { value } => vec![
            format!("Error: The config var HOKKU_PACKAGE_INSTALLER is '{value}'."),
            "It may be 'uv' (the default) or 'pip'.".to_owned(),
        ],
        PackagesError::HasPythonDir => vec![
            "Error: Existing '.heroku/python/' directory found.".to_owned(),
            "It is where the build puts Python. Remove it from your repository.".to_owned(),
        ],
        PackagesError::HasVenv { dir } => vec![
            format!("Error: Existing '{dir}/' directory found."),
            format!(
                "A virtual environment must not be committed: it only works on the machine it was made on.\n\
                 Run `git rm -r --cached {dir}/`, add {dir}/ to .gitignore, commit and push again."
            ),
        ],
    }
}

fn collectstatic(said: &str) -> Vec<String> {
    let title = "Error: Unable to generate Django static files.".to_owned();
    let lead = "The 'python manage.py collectstatic --noinput' Django management command failed.\n\
                See the traceback above for details."
        .to_owned();
    let mut paragraphs = vec![title, lead];
    paragraphs.extend(diagnosis::collectstatic(said));
    paragraphs.push(
        "You may need to update application code to resolve this error, or, if your app has no static\nfiles \
         to collect, disable this step:\nhokku config:set DISABLE_COLLECTSTATIC=1"
            .to_owned(),
    );
    paragraphs
}

fn ended(exit: Exit) -> String {
    match exit.status {
        Status::Code(code) => format!("exit status {code}"),
        Status::Signal(signal) => format!("killed by signal {signal}"),
    }
}

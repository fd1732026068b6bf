//! The Python buildpack: a version, its packages, the app.

pub(crate) mod kit;
pub(crate) mod packages;
pub(crate) mod requirements;
pub(crate) mod version;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::config_var::ConfigVars;
use oci::container::Exit;
use oci::spec::Bind;
use slug::pack::PackOptions;
use slug::runtime::{PythonError, Request, Version};
use slug::{Digest, LayerRef};

use crate::act::{Job, blocking};
use crate::buildpack::Root;
use crate::cache::Dependencies;
use crate::failure::{Failure, PlatformError, Stop, file};
use crate::machine::read_only;
use crate::python::packages::{Installer, Manager};
use crate::python::requirements::Requirements;
use crate::python::version::{Choice, Origin};
use crate::source::{self, Source};
use crate::step::{self, Step, StepEnd};
use crate::transcript::{Say, Transcript};

/// What the buildpack calls its language.
pub(crate) const LANGUAGE: &str = "Python";
/// Time after which a developer is told that a Python is being prepared.
const PREPARING_AFTER: Duration = Duration::from_secs(2);
/// The overlay's upper folder of packages that become a layer of their own.
const PACKAGES_UPPER: &str = "packages";
/// Where containers see requirements without the rest of the source.
const REQUIREMENTS_INSIDE: &str = "/hokku/requirements";
/// Where containers see the account's stores of wheels.
const STORES_INSIDE: &str = "/hokku/store";
/// Config vars that hooks and `manage.py` do not get, since they would break the build's own tools.
const WITHHELD: [&str; 7] =
    ["PATH", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME"];
/// The one config var that installers get.
const EXTRA_INDEX: &str = "PIP_EXTRA_INDEX_URL";
/// Most bytes of a `uv.lock`.
const LOCK_BYTES_MAX: u64 = 16 << 20;
/// What a `uv.lock` says of packages that come from folders or repositories, or are the project itself.
const LOCKED_ELSEWHERE: [&str; 4] = ["editable = ", "directory = ", "path = ", "git = "];
const DISABLE_COLLECTSTATIC: &str = "DISABLE_COLLECTSTATIC";

/// What an app will be built with.
#[derive(Debug)]
pub(crate) struct Python {
    pub(crate) version: Version,
    layer: LayerRef,
    installer: Installer,
}

/// Builds the app; its layers, lowest first.
pub(crate) async fn build(
    job: &Job,
    source: &Source,
    transcript: &mut Transcript,
) -> Result<(Python, Vec<LayerRef>), Stop> {
    let python = choose(job, &source.root, transcript).await?;
    pre_compile(job, &python, source, transcript).await?;
    let packages = install(job, &python, source, transcript).await?;
    let below: Vec<LayerRef> = [python.layer.clone()].into_iter().chain(packages).collect();
    make_ready(job, &below, source, transcript).await?;
    Ok((python, below))
}

/// Finds out the version and the package manager, and gets the runtime.
async fn choose(job: &Job, root: &Root, transcript: &mut Transcript) -> Result<Python, Stop> {
    let manager = packages::choose(root).map_err(Failure::Packages)?;
    let installer = packages::installer(manager, &job.config).map_err(Failure::Packages)?;
    let last = job.cache.last_python(job.app.id);
    let (request, origin) = match version::choose(root, manager, last).map_err(Failure::Version)? {
        Choice::Named(request, origin) => (request, origin),
        Choice::Unnamed => {
            let runtimes = job.cx.runtimes.clone();
            (version::default(&blocking(move || runtimes.available()).await?), Origin::Default)
        }
    };
    let (version, layer) = runtime(job, request, origin, transcript).await?;
    transcript.say(&Say::PythonVersion { version, origin })?;
    let is_same = job.previous.as_ref().is_some_and(|manifest| manifest.layers.contains(&layer));
    transcript.say(&if is_same {
        Say::CachedPython { version }
    } else {
        Say::InstallingPython { version }
    })?;
    Ok(Python { version, layer, installer })
}

async fn runtime(
    job: &Job,
    request: Request,
    origin: Origin,
    transcript: &mut Transcript,
) -> Result<(Version, LayerRef), Stop> {
    let (runtimes, stack) = (job.cx.runtimes.clone(), job.stack.clone());
    let mut making = std::pin::pin!(blocking(move || runtimes.python(&request, &stack)));
    let made = match tokio::time::timeout(PREPARING_AFTER, &mut making).await {
        Ok(made) => made,
        Err(_elapsed) => {
            transcript.say(&Say::PreparingPython { request })?;
            making.await
        }
    };
    match made? {
        Ok(runtime) => Ok((runtime.version, runtime.layer)),
        Err(PythonError::Unavailable { request, available, .. }) => {
            Err(Failure::Unavailable { request, origin, available }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Runs the app's `bin/pre_compile`, which may still change anything in the source.
async fn pre_compile(
    job: &Job,
    python: &Python,
    source: &Source,
    transcript: &mut Transcript,
) -> Result<(), Stop> {
    if !source.root.has("bin/pre_compile") {
        return Ok(());
    }
    let step = Step {
        script: "pre_compile.sh",
        arguments: Vec::new(),
        layers: vec![job.cx.blobs.path(&python.layer.digest)],
        upper: source::UPPER,
        variables: config_variables(&job.config),
        binds: Vec::new(),
    };
    check(step::run(job, step, transcript).await?)
}

/// What is to be installed, and from where.
#[derive(Debug)]
struct Wanted {
    /// Files that say it, by their path in the source.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Whether more of the source has to be there.
    needs_source: bool,
    /// Whether the wheel store may answer without an index being asked.
    is_exact: bool,
}

/// Installs the packages, or finds the layer that has them. `None` when there is nothing to add as a layer.
async fn install(
    job: &Job,
    python: &Python,
    source: &Source,
    transcript: &mut Transcript,
) -> Result<Option<LayerRef>, Stop> {
    let installer = python.installer;
    let Some(wanted) = wanted(installer, source) else {
        transcript.say(&Say::InstallingPackages { installer })?;
        transcript.say(&Say::NoPackages)?;
        return Ok(None);
    };
    if wanted.needs_source {
        // They may be changed by any change of the source, so they go into the app's layer.
        install_step(job, python, &wanted, transcript).await?;
        return Ok(None);
    }
    let key = key(job, python, &wanted)?;
    if let Some(found) = job.cache.dependencies(&key).filter(|found| job.cx.blobs.exists(&found.layer.digest))
    {
        transcript.say(&Say::CachedPackages { packages: found.packages })?;
        return Ok(Some(found.layer));
    }
    let packages = install_step(job, python, &wanted, transcript).await?;
    let layer = pack(job, PACKAGES_UPPER, PackOptions::app()).await?;
    job.cache.remember_dependencies(&key, &Dependencies { layer: layer.clone(), packages })?;
    Ok(Some(layer))
}

fn wanted(installer: Installer, source: &Source) -> Option<Wanted> {
    let read = |path: &Path, bytes_max| slug::archive::read_inside(&source.tree, path, bytes_max).ok();
    if installer != Installer::UvSync {
        let found = requirements::read(|path| read(path, requirements::FILE_BYTES_MAX));
        let Requirements { files, packages, needs_source, all_pinned } = found;
        let files = files.into_iter().collect();
        return (packages > 0 || needs_source).then_some(Wanted {
            files,
            needs_source,
            is_exact: all_pinned,
        });
    }
    let names = ["pyproject.toml", Manager::Uv.file(), ".python-version"].map(PathBuf::from);
    let files: Vec<(PathBuf, Vec<u8>)> =
        names.into_iter().filter_map(|name| read(&name, LOCK_BYTES_MAX).map(|bytes| (name, bytes))).collect();
    let lock = files.iter().find(|(name, _)| name.as_os_str() == Manager::Uv.file());
    let lock = lock.map(|(_, bytes)| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let needs_source = LOCKED_ELSEWHERE.iter().any(|source| lock.contains(source));
    Some(Wanted { files, needs_source, is_exact: false })
}

/// Everything that decides what is in a layer of packages.
fn key(job: &Job, python: &Python, wanted: &Wanted) -> Result<Digest, PlatformError> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut part = |bytes: &[u8]| parts.push([&(bytes.len() as u64).to_le_bytes(), bytes].concat());
    let uv = fs::metadata(&job.cx.uv).map_err(file("look at", &job.cx.uv))?;
    part(kit::install_recipe().as_bytes());
    // The stack's images lie in a folder named after the recipe that made them.
    for layer in &job.stack.build_layers {
        let recipe = layer.parent().and_then(Path::file_name).unwrap_or_default();
        part(recipe.as_encoded_bytes());
    }
    part(python.layer.digest.to_string().as_bytes());
    part(python.installer.name().as_bytes());
    part(format!("{} {}", uv.size(), uv.mtime()).as_bytes());
    for (name, value) in install_variables(job, python.installer) {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    for (path, bytes) in &wanted.files {
        part(path.as_os_str().as_encoded_bytes());
        part(bytes);
    }
    Ok(Digest::of(&parts.concat()))
}

/// Runs the installer; how many packages it installed.
async fn install_step(
    job: &Job,
    python: &Python,
    wanted: &Wanted,
    transcript: &mut Transcript,
) -> Result<usize, Stop> {
    let installer = python.installer;
    transcript.say(&Say::InstallingPackages { installer })?;
    let store = |name: &str| -> Result<Bind, PlatformError> {
        let target = PathBuf::from(STORES_INSIDE).join(name);
        Ok(Bind { source: job.cache.store(name)?, target, read_only: false, mapped: true })
    };
    let mut binds = vec![read_only(&job.cx.uv, "/usr/local/bin/uv"), store("uv")?, store("pip")?];
    let (folder, upper) = if wanted.needs_source {
        ("/app", source::UPPER)
    } else {
        let dir = job.work.folder("requirements")?;
        write_files(&dir, &wanted.files).map_err(file("write", &dir))?;
        binds.push(Bind { mapped: true, read_only: false, ..read_only(&dir, REQUIREMENTS_INSIDE) });
        (REQUIREMENTS_INSIDE, PACKAGES_UPPER)
    };
    let first = if wanted.is_exact { "offline" } else { "index" };
    let step = Step {
        script: "packages.sh",
        arguments: [installer.name(), first, folder].map(str::to_owned).into(),
        layers: vec![job.cx.blobs.path(&python.layer.digest)],
        upper,
        variables: install_variables(job, installer),
        binds,
    };
    let end = step::run(job, step, transcript).await?;
    if end.failed.is_some() {
        return Err(Failure::Install { installer, said: end.said }.into());
    }
    let packages = end.installed;
    check(end)?;
    if installer != Installer::Pip {
        transcript.say(&Say::InstalledPackages { packages })?; // pip says so itself
    }
    Ok(packages)
}

/// Settings of `uv` and `pip`, and where else the app's packages come from.
fn install_variables(job: &Job, installer: Installer) -> Vec<(String, String)> {
    let python = slug::runtime::PYTHON_HOME;
    let mut variables: Vec<(String, String)> = vec![
        ("UV_CACHE_DIR".to_owned(), format!("{STORES_INSIDE}/uv")),
        ("PIP_CACHE_DIR".to_owned(), format!("{STORES_INSIDE}/pip")),
        ("UV_PYTHON".to_owned(), format!("{python}/bin/python")),
        ("UV_PROJECT_ENVIRONMENT".to_owned(), python.to_owned()),
    ];
    let fixed = [
        ("UV_LINK_MODE", "copy"),
        ("UV_NO_PROGRESS", "1"),
        ("UV_BREAK_SYSTEM_PACKAGES", "1"),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("NO_COLOR", "1"),
    ];
    variables.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if installer == Installer::UvPip {
        variables.push(("UV_NO_CONFIG".to_owned(), "1".to_owned()));
    }
    if let Some((_, value)) = job.config.iter().find(|(key, _)| key.as_str() == EXTRA_INDEX) {
        for name in [EXTRA_INDEX, "UV_EXTRA_INDEX_URL"] {
            variables.push((name.to_owned(), value.expose_secret().to_owned()));
        }
    }
    variables
}

/// Writes requirements under their names in the source; the paths were checked to stay inside.
fn write_files(dir: &Path, files: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
    let (uid, gid) = slug::pack::APP_OWNER;
    std::os::unix::fs::lchown(dir, Some(uid), Some(gid))?;
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Byte code, static files, the boot scripts, the app's `bin/post_compile`: all in one container.
async fn make_ready(
    job: &Job,
    below: &[LayerRef],
    source: &Source,
    transcript: &mut Transcript,
) -> Result<(), Stop> {
    let disabled = job.config.iter().any(|(key, value)| {
        key.as_str() == DISABLE_COLLECTSTATIC && !matches!(value.expose_secret(), "" | "0")
    });
    let disabled_by_file = source.root.has(".heroku/collectstatic_disabled");
    if disabled_by_file {
        transcript.say(&Say::CollectstaticDisabledByFile)?;
    } else if disabled {
        transcript.say(&Say::CollectstaticDisabled)?;
    }
    let collectstatic = if disabled || disabled_by_file { "no" } else { "yes" };
    let step = Step {
        script: "app.sh",
        arguments: vec![collectstatic.to_owned()],
        layers: below.iter().map(|layer| job.cx.blobs.path(&layer.digest)).collect(),
        upper: source::UPPER,
        variables: config_variables(&job.config),
        binds: Vec::new(),
    };
    let end = step::run(job, step, transcript).await?;
    if end.failed.as_deref() == Some("collectstatic") {
        return Err(Failure::Collectstatic { said: end.said }.into());
    }
    check(end)
}

/// The config vars for hooks and `manage.py`, and the list of their names for those who want files.
fn config_variables(config: &ConfigVars) -> Vec<(String, String)> {
    let given = config.iter().filter(|(key, _)| !WITHHELD.contains(&key.as_str()));
    let mut variables: Vec<(String, String)> =
        given.map(|(key, value)| (key.to_string(), value.expose_secret().to_owned())).collect();
    let keys: Vec<&str> = variables.iter().map(|(key, _)| key.as_str()).collect();
    variables.push(("HOKKU_CONFIG_KEYS".to_owned(), keys.join(" ")));
    variables
}

/// A step that did not end well, and whose end nobody else explained.
fn check(end: StepEnd) -> Result<(), Stop> {
    let StepEnd { exit, failed, .. } = end;
    let hook = failed.as_deref().and_then(|what| what.strip_prefix("hook "));
    let hook = hook.and_then(|name| ["pre_compile", "post_compile"].into_iter().find(|known| *known == name));
    match (hook, exit) {
        (Some(name), exit) => Err(Failure::Hook { name, exit }.into()),
        (None, exit) if is_success(exit) => Ok(()),
        (None, exit) => Err(Failure::Step { exit }.into()),
    }
}

fn is_success(exit: Exit) -> bool {
    exit.status.shell_code() == 0
}

/// Makes a layer of what a step wrote below `/app`.
pub(crate) async fn pack(job: &Job, upper: &str, options: PackOptions) -> Result<LayerRef, Stop> {
    let (blobs, tree) = (job.cx.blobs.clone(), job.work.join(upper).join("upper"));
    let entries = fs::read_dir(&tree).map_err(file("read", &tree))?;
    let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
    let exclude = names.filter(|name| name.as_os_str() != "app").collect();
    let options = PackOptions { exclude, overlay_upper: true, ..options };
    Ok(blocking(move || blobs.pack(&tree, &options)).await??)
}

//! The stack base: the Debian system under every slug, made once per machine.
//!
//! Two images: the run base, which every dyno has, and the build layer, which adds compilers and headers on
//! top of it while a slug is built. A stack is stored under a hash of its recipe, so that a changed recipe
//! is a new stack beside the old one, whose dynos go on. It is not refreshed for security updates by
//! itself: [`Stacks::remove`] it and ensure it again.
//!
//! Servers on one machine may share a cache: a file lock makes all but one of them wait. The images appear
//! under their name by one rename; what a killed builder leaves is removed by the next one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::pack::{self, PackError, PackOptions};
use crate::tools::{self, ToolError};

mod apt;
mod recipe;

pub use recipe::NAMES;
use recipe::Recipe;

/// The longest that making either tree may take: a slow mirror needs minutes.
const TREE_LIMIT: Duration = Duration::from_secs(45 * 60);

const RUN_IMAGE: &str = "run.erofs";
const BUILD_IMAGE: &str = "build.erofs";

/// The stacks of a machine, in a cache directory that several servers may share.
#[derive(Debug, Clone)]
pub struct Stacks {
    dir: PathBuf,
}

/// A stack that is ready: images to mount, lowest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its name, as `hokku-12`.
    pub name: String,
    /// Under a dyno.
    pub run_layers: Vec<PathBuf>,
    /// Under a build: the run layers and, on top, compilers and headers.
    pub build_layers: Vec<PathBuf>,
}

/// Why a stack is not there.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No stack of that name.
    #[error("there is no stack `{name}`; there is: {}", NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A file of the cache could not be made or read.
    #[error("could not use the stack cache at {path}")]
    Cache {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The machine's own apt could not be asked for its settings.
    #[error("could not read this machine's apt settings")]
    AptSettings(#[source] ToolError),
    /// A tree could not be made.
    #[error("could not make the {tree} tree of the stack")]
    Tree {
        /// `run` or `build`.
        tree: &'static str,
        /// What failed and what it said.
        #[source]
        cause: ToolError,
    },
    /// A tree could not be packed.
    #[error("could not pack the {tree} tree of the stack")]
    Pack {
        /// `run` or `build`.
        tree: &'static str,
        /// Why.
        #[source]
        cause: PackError,
    },
}

impl Stacks {
    /// Opens the cache and makes its directory if need be.
    pub fn open(cache: &Path) -> Result<Self, StackError> {
        let dir = cache.join("stacks");
        fs::create_dir_all(&dir).map_err(|cause| StackError::Cache { path: dir.clone(), cause })?;
        Ok(Self { dir })
    }

    /// The stack of that name, if it is there already.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Stack> {
        let dir = self.place(Recipe::of(name)?);
        let (run, build) = (dir.join(RUN_IMAGE), dir.join(BUILD_IMAGE));
        dir.is_dir().then(|| Stack {
            name: name.to_owned(),
            run_layers: vec![run.clone()],
            build_layers: vec![run, build],
        })
    }

    /// The stack of that name, built first if it is not there: some minutes, most of them downloads and
    /// packing. `progress` gets a line at every step. Root only.
    pub fn ensure(&self, name: &str, progress: &mut dyn FnMut(&str)) -> Result<Stack, StackError> {
        let recipe = Recipe::of(name).ok_or_else(|| StackError::Unknown { name: name.to_owned() })?;
        if let Some(stack) = self.get(name) {
            return Ok(stack);
        }
        let _builder = self.lock(progress)?;
        if self.get(name).is_none() {
            self.build(recipe, progress)?;
        }
        self.get(name).ok_or_else(|| StackError::Cache {
            path: self.place(recipe),
            cause: io::ErrorKind::NotFound.into(),
        })
    }

    /// Removes the stack of that name, so that the next [`Stacks::ensure`] builds it anew from today's
    /// packages. Mounted images stay readable until they are unmounted.
    pub fn remove(&self, name: &str) -> Result<(), StackError> {
        let recipe = Recipe::of(name).ok_or_else(|| StackError::Unknown { name: name.to_owned() })?;
        let _builder = self.lock(&mut |_| {})?;
        let (place, doomed) = (self.place(recipe), self.unfinished());
        if place.exists() {
            remove_tree(&doomed)?;
            fs::rename(&place, &doomed).map_err(cache(&place))?;
            remove_tree(&doomed)?;
        }
        Ok(())
    }

    fn place(&self, recipe: &Recipe) -> PathBuf {
        self.dir.join(recipe.id())
    }

    /// Where the builder, who holds the lock, works.
    fn unfinished(&self) -> PathBuf {
        self.dir.join("unfinished")
    }

    fn lock(&self, progress: &mut dyn FnMut(&str)) -> Result<Flock<File>, StackError> {
        let path = self.dir.join("lock");
        let open = || File::options().create(true).append(true).open(&path).map_err(cache(&path));
        match Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(lock),
            Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
                progress("Waiting for another server to finish building the stack");
                Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| cache(&path)(errno.into()))
            }
            Err((_, errno)) => Err(cache(&path)(errno.into())),
        }
    }

    fn build(&self, recipe: &Recipe, progress: &mut dyn FnMut(&str)) -> Result<(), StackError> {
        let work = self.unfinished();
        remove_tree(&work)?;
        let images = work.join("images");
        fs::create_dir_all(&images).map_err(cache(&images))?;
        write_apt_settings(&work, recipe)?;

        progress(&format!("Building the {} stack: installing the run base", recipe.name));
        self.make_tree("run", recipe::RUN_SCRIPT, &[recipe.suite, &recipe.run_packages.join(" ")])?;
        progress("Installing compilers and headers");
        self.make_tree("build", recipe::BUILD_SCRIPT, &[&recipe.build_packages.join(" ")])?;
        progress("Compressing the run base");
        pack_tree("run", &work.join("run"), &images.join(RUN_IMAGE), false)?;
        progress("Compressing the compilers and headers");
        pack_tree("build", &work.join("build"), &images.join(BUILD_IMAGE), true)?;

        let place = self.place(recipe);
        fs::rename(&images, &place).map_err(cache(&place))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(cache(&self.dir))?;
        progress("The stack is ready");
        remove_tree(&work)
    }

    /// Runs a script that makes a tree, in namespaces of its own.
    fn make_tree(&self, tree: &'static str, script: &str, arguments: &[&str]) -> Result<(), StackError> {
        let mut command = tools::command("unshare", TREE_LIMIT);
        command.args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]);
        command.args(["sh", "-c", script, tree]).arg(self.unfinished()).args(arguments);
        // A fixed time for what is written by tools that honour it, e.g. the day of `useradd` in
        // /etc/shadow.
        command.env("SOURCE_DATE_EPOCH", pack::DEFAULT_MTIME.to_string());
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let program = format!("{tree}.sh");
        tools::output(&program, &mut command).map(drop).map_err(|cause| StackError::Tree { tree, cause })
    }
}

fn pack_tree(tree: &'static str, from: &Path, image: &Path, overlay_upper: bool) -> Result<(), StackError> {
    let options = PackOptions { overlay_upper, ..PackOptions::stack() };
    pack::erofs(from, image, &options).map_err(|cause| StackError::Pack { tree, cause })?;
    File::open(image).and_then(|file| file.sync_all()).map_err(cache(image))
}

/// Writes down where this machine gets its packages, for the scripts.
fn write_apt_settings(work: &Path, recipe: &Recipe) -> Result<(), StackError> {
    let settings = apt::settings().map_err(StackError::AptSettings)?;
    let sources = apt::sources(recipe.suite);
    for (name, text) in [("apt.conf", settings), ("sources", sources)] {
        let path = work.join(name);
        fs::write(&path, text).map_err(cache(&path))?;
    }
    Ok(())
}

fn remove_tree(path: &Path) -> Result<(), StackError> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cache(path)(cause)),
        _ => Ok(()),
    }
}

fn cache(path: &Path) -> impl Fn(io::Error) -> StackError + use<> {
    let path = path.to_path_buf();
    move |cause| StackError::Cache { path: path.clone(), cause }
}

#[cfg(test)]
pub(crate) mod tests;

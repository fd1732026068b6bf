//! The source, unpacked where the build's container will see it as `/app`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::path::{Path, PathBuf};

use doctor::{Around, Finding, Folder};
use slug::archive::{self, Limits, UnpackError};
use slug::ignore;

use crate::buildpack::Root;
use crate::failure::{Failure, Stop, file};
use crate::work::Work;

/// The overlay's upper folder of the app, and the source in it.
pub(crate) const UPPER: &str = "app";
const TREE: &str = "app/upper/app";

/// What came out of the archive.
#[derive(Debug)]
pub(crate) struct Source {
    /// The source's root on this machine.
    pub(crate) tree: PathBuf,
    /// What is in the root.
    pub(crate) root: Root,
    /// How many paths `.slugignore` removed, if there is one.
    pub(crate) ignored: Option<u64>,
    /// Symbolic links that were left out since they lead out of the source.
    pub(crate) left_out: Vec<PathBuf>,
    /// What the doctor noticed, before anything was removed.
    pub(crate) findings: Vec<Finding>,
}

/// Unpacks the archive; `owner` is the host's id of the user that will own the files. Blocks.
pub(crate) fn unpack(archive: &Path, work: &Work, owner: u32, around: &Around) -> Result<Source, Stop> {
    let tree = work.join(TREE);
    let unpacked_at = work.folder("unpacked")?;
    let bytes = File::open(archive).map_err(file("open", archive))?;
    let unpacked = archive::unpack(bytes, &unpacked_at, &Limits::default()).map_err(|error| match error {
        UnpackError::Write { path, cause } => Stop::from(file("unpack", &path)(cause)),
        bad => Failure::Archive(bad).into(),
    })?;
    let root_at = archive::source_root(&unpacked_at).map_err(file("read", &unpacked_at))?;
    if let Some(parent) = tree.parent() {
        make(parent).map_err(file("make", parent))?;
    }
    fs::rename(&root_at, &tree).map_err(file("move", &root_at))?;
    // Nothing of the app has run yet, so nobody changes the files meanwhile.
    let findings = doctor::examine(&Folder::walk(&tree), around);
    let ignored = ignore::apply(&tree).map_err(|error| file("clean", &error.path)(error.cause))?;
    own(&tree, owner).map_err(file("give away", &tree))?;
    let root = Root::look(&tree).map_err(file("read", &tree))?;
    Ok(Source { tree, root, ignored, left_out: unpacked.left_out, findings })
}

fn make(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// Gives the whole tree to the container's user.
fn own(tree: &Path, owner: u32) -> io::Result<()> {
    lchown(tree, Some(owner), Some(owner))?;
    let mut pending = vec![tree.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            lchown(entry.path(), Some(owner), Some(owner))?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

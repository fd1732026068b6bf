//! An object on its way in: kept in memory while it is small, then in a temporary file, hashed as it comes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::incoming::{Hashed, Hashes};
use crate::object::{self, Meta, Sums};

/// Bytes held in memory before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Bytes that arrive. Dropped unfinished, it leaves nothing.
pub(crate) struct Draft {
    buffer: Vec<u8>,
    file: Option<NamedTempFile>,
    hashes: Hashes,
    size: u64,
}

/// All bytes are there and hashed.
pub(crate) struct Received {
    file: NamedTempFile,
    /// How many.
    pub(crate) size: u64,
    /// Their MD5, and the checksums asked for.
    pub(crate) hashed: Hashed,
}

impl Draft {
    pub(crate) fn new(hashes: Hashes) -> Self {
        Self { buffer: Vec::new(), file: None, hashes, size: 0 }
    }

    /// Takes bytes into memory; [`Draft::flush`] when it [is full](Draft::is_full).
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= BUFFER_BYTES
    }

    /// How many bytes have come.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Hashes and writes what is in memory; blocks.
    pub(crate) fn flush(&mut self, temporary: &Path) -> io::Result<()> {
        self.hashes.update(&self.buffer);
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(NamedTempFile::new_in(temporary)?),
        };
        file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest; blocks.
    pub(crate) fn finish(mut self, temporary: &Path) -> io::Result<Received> {
        self.flush(temporary)?;
        let file = self.file.ok_or_else(|| io::Error::other("a draft without a file"))?;
        Ok(Received { file, size: self.size, hashed: self.hashes.finish() })
    }
}

impl Received {
    /// Makes an object of bytes that are in other files already; blocks. The kernel copies them.
    pub(crate) fn joined(
        temporary: &Path,
        parts: impl Iterator<Item = io::Result<(File, u64)>>,
    ) -> io::Result<Self> {
        let mut file = NamedTempFile::new_in(temporary)?;
        let mut size = 0;
        for part in parts {
            let (part, bytes) = part?;
            let copied = io::copy(&mut io::Read::take(part, bytes), file.as_file_mut())?;
            if copied != bytes {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a part is shorter than it was"));
            }
            size += bytes;
        }
        Ok(Self { file, size, hashed: Hashed { md5: [0; 16], sums: Sums::default() } })
    }

    /// Appends the description and syncs: from here on only a rename is missing. Blocks.
    pub(crate) fn describe(mut self, meta: &Meta) -> io::Result<Ready> {
        object::describe(self.file.as_file_mut(), meta)?;
        self.file.as_file().sync_data()?;
        Ok(Ready(self.file))
    }
}

/// A whole file beside its place.
pub(crate) struct Ready(NamedTempFile);

impl Ready {
    /// Puts the file in its place, over what was there. It will still be there after a power cut once the folder is
    /// [synced](sync_folder).
    pub(crate) fn put(self, place: &Path) -> io::Result<()> {
        self.0.persist(place).map(drop).map_err(|error| error.error)
    }
}

/// Makes renames in a folder last; blocks.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes a small file in one step, readable by its owner alone; blocks.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(dir)
}

/// Empties a folder of what a killed process left; blocks.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?
        } else {
            fs::remove_file(entry.path())?
        }
    }
    Ok(())
}

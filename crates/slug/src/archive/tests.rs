use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::{any, prop, prop_assert, proptest};
use tar::{Builder, EntryType, Header};

use super::{Limits, UnpackError, Unpacked, read_inside, source_root, unpack};

/// Builds an archive without any of the checks that a well-meaning writer makes.
struct Raw(Builder<Vec<u8>>);

impl Raw {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, path: &str, link: &str, data: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o6755);
        header.set_cksum();
        self.0.append(&header, data).expect("written");
        self
    }

    fn file(self, path: &str, data: &[u8]) -> Self {
        self.entry(EntryType::Regular, path, "", data)
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, b"")
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("finished")
    }
}

fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<Unpacked, UnpackError>) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let result = unpack(bytes, &dir.path().join("."), &Limits::default());
    (dir, result)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

#[test]
fn git_archives_unpack_with_and_without_gzip() {
    let repo = tempfile::tempdir().expect("temporary directory");
    let long = format!("{}/{}.txt", "d".repeat(120), "f".repeat(180));
    let git = |args: &[&str]| {
        let output =
            std::process::Command::new("git").current_dir(repo.path()).args(args).output().expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    git(&["init", "-q"]);
    fs::write(repo.path().join("manage.py"), "#!/usr/bin/env python").expect("write");
    fs::set_permissions(repo.path().join("manage.py"), fs::Permissions::from_mode(0o755)).expect("chmod");
    fs::create_dir(repo.path().join("d".repeat(120))).expect("mkdir");
    fs::write(repo.path().join(&long), "long").expect("write");
    symlink("manage.py", repo.path().join("link")).expect("link");
    git(&["add", "."]);
    git(&["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "x"]);
    let tar = git(&["archive", "HEAD"]);
    for bytes in [gzip(&tar), tar] {
        let (dir, result) = unpacked(&bytes);
        assert_eq!(result.expect("unpacked"), Unpacked { files: 2, bytes: 25, left_out: Vec::new() });
        assert_eq!(fs::read_to_string(dir.path().join(&long)).expect("there"), "long");
        assert_eq!(fs::read_link(dir.path().join("link")).expect("there"), Path::new("manage.py"));
        let mode = fs::metadata(dir.path().join("manage.py")).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
}

#[test]
fn paths_out_of_the_archive_are_refused() {
    for bytes in [
        Raw::new().file("../evil", b"x").bytes(),
        Raw::new().file("a/../../evil", b"x").bytes(),
        Raw::new().file("/etc/evil", b"x").bytes(),
        Raw::new().link("d", "/app/x").file("d/evil", b"x").bytes(),
        Raw::new().link("d", ".").file("d/evil", b"x").bytes(),
        Raw::new().file("a", b"x").entry(EntryType::Link, "b", "../../etc/passwd", b"").bytes(),
        Raw::new().link("d", ".").entry(EntryType::Link, "b", "d/../x", b"").bytes(),
        Raw::new().link("d", "/app/..").entry(EntryType::Link, "b", "d/etc/passwd", b"").bytes(),
        Raw::new().file("f", b"x").file("f/below", b"x").bytes(),
    ] {
        let (dir, result) = unpacked(&bytes);
        assert!(result.is_err(), "{result:?}");
        let parent = dir.path().parent().expect("has a parent");
        assert!(!parent.join("evil").exists() && !Path::new("/etc/evil").exists());
    }
}

#[test]
fn a_hard_link_does_not_move_a_symbolic_link() {
    let bytes = Raw::new().link("a/b/up", "../..").entry(EntryType::Link, "up", "a/b/up", b"").bytes();
    let (dir, result) = unpacked(&bytes);
    assert!(matches!(result, Err(UnpackError::UnsafePath { .. })), "{result:?}");
    assert!(fs::symlink_metadata(dir.path().join("up")).is_err());
}

#[test]
fn long_names_of_both_kinds_are_obeyed_and_bounded() {
    let name = format!("{}/f", "d".repeat(150));
    let gnu =
        Raw::new().entry(EntryType::GNULongName, "@", "", format!("{name}\0").as_bytes()).file("short", b"x");
    let pax = Raw::new()
        .entry(EntryType::XHeader, "@", "", format!("162 path={name}\n").as_bytes())
        .file("short", b"x");
    for bytes in [gnu.bytes(), pax.bytes()] {
        let (dir, result) = unpacked(&bytes);
        result.expect("unpacked");
        assert!(dir.path().join(&name).exists() && !dir.path().join("short").exists());
    }
    let evil = Raw::new().entry(EntryType::GNULongName, "@", "", b"../evil\0").file("short", b"x").bytes();
    assert!(matches!(unpacked(&evil).1, Err(UnpackError::UnsafePath { .. })));
    let huge = Raw::new().entry(EntryType::XHeader, "@", "", &[b'1'; 70_000]).file("short", b"x").bytes();
    assert!(matches!(unpacked(&huge).1, Err(UnpackError::TooLarge { what: "bytes in a header", .. })));
}

proptest! {
    /// Whatever a few bytes of a good archive are changed into, nothing is written outside and nothing
    /// panics.
    #[test]
    fn damaged_archives_stay_inside(damage in prop::collection::vec((0usize..6000, any::<u8>()), 1..12)) {
        let mut bytes = Raw::new()
            .file("dir/file", &[1; 700])
            .link("dir/link", "../file")
            .entry(EntryType::GNULongName, "@", "", b"a/long/name\0")
            .file("short", b"x")
            .entry(EntryType::Link, "hard", "dir/file", b"")
            .bytes();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let dir = tempfile::tempdir().expect("temporary directory");
        let inner = dir.path().join("a/b/c");
        fs::create_dir_all(&inner).expect("mkdir");
        let _ = unpack(bytes.as_slice(), &inner, &Limits::default());
        for (outer, only) in [("", "a"), ("a", "b"), ("a/b", "c")] {
            let names: Vec<_> = fs::read_dir(dir.path().join(outer)).expect("read").flatten().collect();
            prop_assert!(names.len() == 1 && names[0].file_name() == only);
        }
    }
}

#[test]
fn links_that_lead_out_are_left_out_and_named() {
    let bytes = Raw::new()
        .link("venv/bin/python", "/usr/bin/python3")
        .link("up", "../..")
        .link("sneaky", "a/../../b")
        .link("ok", "venv/../x")
        .link("current", "/app/releases/1")
        .link("app-up", "/app/../etc")
        .file("after", b"x")
        .bytes();
    let (dir, result) = unpacked(&bytes);
    let left_out = result.expect("unpacked").left_out;
    assert_eq!(left_out, ["venv/bin/python", "up", "sneaky", "app-up"].map(Path::new));
    assert!(fs::symlink_metadata(dir.path().join("up")).is_err());
    assert!(fs::symlink_metadata(dir.path().join("ok")).is_ok_and(|meta| meta.is_symlink()));
    assert!(fs::symlink_metadata(dir.path().join("current")).is_ok());
    assert!(dir.path().join("after").exists());
}

#[test]
fn special_files_and_special_bits_are_dropped() {
    let bytes = Raw::new()
        .entry(EntryType::Char, "device", "", b"")
        .entry(EntryType::Fifo, "pipe", "", b"")
        .file("set-uid", b"x")
        .file("set-uid", b"later wins")
        .bytes();
    let (dir, result) = unpacked(&bytes);
    result.expect("unpacked");
    assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
    let mode = fs::metadata(dir.path().join("set-uid")).expect("there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(fs::read(dir.path().join("set-uid")).expect("read"), b"later wins");
}

#[test]
fn every_limit_holds() {
    let dir = || tempfile::tempdir().expect("temporary directory");
    let with = |limits: Limits, bytes: &[u8]| unpack(bytes, dir().path(), &limits).expect_err("too large");
    let two = Raw::new().file("a", &[0; 600]).file("b", &[0; 600]).bytes();
    let limits = Limits::default();
    for (limits, what) in [
        (Limits { bytes_max: 1199, ..limits }, "bytes"),
        (Limits { entries_max: 1, ..limits }, "entries"),
        (Limits { path_bytes_max: 0, ..limits }, "bytes in a path"),
    ] {
        assert!(matches!(with(limits, &two), UnpackError::TooLarge { what: found, .. } if found == what));
    }
    unpack(two.as_slice(), dir().path(), &Limits { bytes_max: 1200, entries_max: 2, path_bytes_max: 1 })
        .expect("just fits");

    // A bomb: 64 MiB of zeros in some 64 KiB, against a limit of 1 MiB.
    let bomb = gzip(&Raw::new().file("zeros", &vec![0; 64 << 20]).bytes());
    let limits = Limits { bytes_max: 1 << 20, ..Limits::default() };
    assert!(matches!(with(limits, &bomb), UnpackError::TooLarge { what: "bytes", .. }));
}

#[test]
fn a_truncated_or_foreign_archive_is_malformed() {
    let whole = Raw::new().file("a", &[7; 5000]).bytes();
    for bytes in
        [&whole[..1000], &gzip(&whole)[..40], b"PK\x03\x04 this is a zip, not a tar".repeat(40).as_slice()]
    {
        let (_dir, result) = unpacked(bytes);
        assert!(matches!(result, Err(UnpackError::Malformed(_) | UnpackError::Write { .. })), "{result:?}");
    }
}

#[test]
fn a_blob_with_one_directory_starts_there() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_dir(dir.path().join("repo-abc")).expect("mkdir");
    assert_eq!(source_root(dir.path()).expect("read"), dir.path().join("repo-abc"));
    fs::write(dir.path().join("Procfile"), "").expect("write");
    assert_eq!(source_root(dir.path()).expect("read"), dir.path());
}

#[test]
fn reading_stays_inside_whatever_links_say() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("etc")).expect("mkdir");
    fs::write(dir.path().join("secret"), "secret").expect("write");
    fs::write(tree.join("etc/passwd"), "the tree's own").expect("write");
    symlink("/etc/passwd", tree.join("Procfile")).expect("link");
    symlink("../secret", tree.join("up")).expect("link");
    symlink("/proc/self/environ", tree.join("environ")).expect("link");
    let read = |path: &str| read_inside(&tree, Path::new(path), 8);
    assert_eq!(read("Procfile").expect("inside"), b"the tree");
    for path in ["up", "environ", "etc", "absent", "../secret"] {
        assert!(read(path).is_err(), "{path}");
    }
}

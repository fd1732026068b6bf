use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use model::time::Timestamp;

use super::{Blobs, Corrupt};
use crate::digest::Digest;
use crate::pack::{Compression, Owner, PackOptions};

fn blobs() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let blobs = Blobs::open(dir.path()).expect("opened");
    (dir, blobs)
}

fn tree(text: &str) -> tempfile::TempDir {
    let tree = tempfile::tempdir().expect("temporary directory");
    let app = tree.path().join("app");
    fs::create_dir_all(app.join("static")).expect("mkdir");
    fs::write(app.join("manage.py"), text).expect("write");
    fs::set_permissions(app.join("manage.py"), fs::Permissions::from_mode(0o755)).expect("chmod");
    for n in 0..50 {
        fs::write(app.join(format!("static/{n}.css")), "body{}".repeat(n * 100)).expect("write");
    }
    symlink("manage.py", app.join("link")).expect("link");
    tree
}

/// Shows the tree of an image, mounted in namespaces of its own.
fn show(image: &Path, script: &str) -> String {
    let at = tempfile::tempdir().expect("temporary directory");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-euc"])
        .arg(format!("mount -t erofs -o ro,loop \"$1\" \"$2\"; cd \"$2\"; {script}"))
        .arg("sh")
        .arg(image)
        .arg(at.path())
        .output()
        .expect("unshare runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn equal_trees_are_one_layer_and_other_trees_are_others() {
    let (_dir, blobs) = blobs();
    let first = blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    let again = blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    assert_eq!(first, again, "neither time nor place nor inode numbers show");
    let small = PackOptions { compression: Compression::Lz4Hc, ..PackOptions::app() };
    assert!(blobs.pack(tree("a").path(), &small).expect("packed").bytes <= first.bytes);
    assert_ne!(blobs.pack(tree("b").path(), &PackOptions::app()).expect("packed").digest, first.digest);
    let later = PackOptions { mtime: 1_700_000_000, ..PackOptions::app() };
    assert_ne!(blobs.pack(tree("a").path(), &later).expect("packed").digest, first.digest);

    assert!(blobs.exists(&first.digest));
    assert_eq!(fs::metadata(blobs.path(&first.digest)).expect("there").len(), first.bytes);
    blobs.verify(&first.digest).expect("whole");
}

#[test]
fn files_belong_to_the_dynos_user_and_carry_one_time() {
    let (_dir, blobs) = blobs();
    let options = PackOptions { exclude: vec!["app/static".into()], ..PackOptions::app() };
    let layer = blobs.pack(tree("a").path(), &options).expect("packed");
    let shown =
        show(&blobs.path(&layer.digest), "find . | sort | xargs stat -c '%n %u:%g %A %Y'; readlink app/link");
    insta::assert_snapshot!(shown, @r"
    . 1000:1000 drwxr-xr-x 315532801
    ./app 1000:1000 drwxr-xr-x 315532801
    ./app/link 1000:1000 lrwxrwxrwx 315532801
    ./app/manage.py 1000:1000 -rwxr-xr-x 315532801
    manage.py
    ");
}

#[test]
fn an_overlays_deletions_survive_and_its_notes_do_not() {
    let (_dir, blobs) = blobs();
    let upper = tempfile::tempdir().expect("temporary directory");
    let make = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-euc"])
        .arg(
            "cd \"$1\"; mkdir t; mount -t tmpfs tmpfs t; cd t; mkdir -p low/app/dir low/app/kept up work m
             echo 1 > low/app/gone; echo 1 > low/app/dir/below; echo 1 > low/app/kept/f; echo 1 > low/app/edited
             mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work m
             rm m/app/gone; rm -r m/app/dir; mkdir m/app/dir; echo 2 > m/app/dir/new; echo 2 >> m/app/edited; touch m/app/kept
             cp -a up \"$1/up\"",
        )
        .arg("sh")
        .arg(upper.path())
        .status()
        .expect("unshare runs");
    assert!(make.success());
    let up = upper.path().join("up");
    xattr::set(up.join("app/kept"), "trusted.overlay.origin", b"a file handle").expect("set");
    xattr::set(up.join("app/kept"), "user.kept", b"yes").expect("set");

    let options = PackOptions { owner: Owner::Keep, overlay_upper: true, ..PackOptions::app() };
    let layer = blobs.pack(&up, &options).expect("packed");
    let image = blobs.path(&layer.digest);
    let low = tempfile::tempdir().expect("temporary directory");
    for dir in ["app/dir", "app/kept"] {
        fs::create_dir_all(low.path().join(dir)).expect("mkdir");
    }
    for file in ["app/gone", "app/dir/below", "app/kept/f", "app/edited"] {
        fs::write(low.path().join(file), "1\n").expect("write");
    }
    let merge = format!(
        "mkdir /tmp/m-$$ && trap 'umount /tmp/m-$$; rmdir /tmp/m-$$' EXIT
         mount -t overlay overlay -o \"lowerdir=$PWD:{}\" /tmp/m-$$; (cd /tmp/m-$$; find . -type f | sort; cat app/edited)",
        low.path().display()
    );
    insta::assert_snapshot!(show(&image, &merge), @r"
    ./app/dir/new
    ./app/edited
    ./app/kept/f
    1
    2
    ");
    assert_eq!(show(&image, "stat -c '%F %t,%T' app/gone"), "character special file 0,0\n");
    let names: Vec<_> = xattr::list(up.join("app/kept")).expect("list").collect();
    assert_eq!(names, ["user.kept"], "notes are removed before packing");
}

#[test]
fn a_damaged_or_missing_layer_is_noticed() {
    let (_dir, blobs) = blobs();
    let layer = blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    let path = blobs.path(&layer.digest);
    let mut bytes = fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("write");
    assert!(matches!(blobs.verify(&layer.digest), Err(Corrupt::Mismatch { .. })));
    let absent = Digest::of(b"absent");
    assert!(matches!(blobs.verify(&absent), Err(Corrupt::Unreadable { .. })));
    assert!(!blobs.exists(&absent));
}

#[test]
fn garbage_is_what_is_neither_live_nor_fresh() {
    let (dir, blobs) = blobs();
    let pack = |text| blobs.pack(tree(text).path(), &PackOptions::app()).expect("packed");
    let (live, dead) = (pack("live"), pack("dead"));
    fs::write(dir.path().join("layers/README"), "not ours").expect("write");
    let made = fs::metadata(blobs.path(&dead.digest)).expect("there");
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let keep = HashSet::from([live.digest]);

    let early = blobs.collect_garbage(&keep, at(made.mtime() - 10)).expect("collected");
    assert_eq!(early.layers, 0, "just made: its slug may not be recorded yet");
    let late = blobs.collect_garbage(&keep, at(made.mtime() + 10)).expect("collected");
    assert_eq!((late.layers, late.bytes), (1, dead.bytes));
    assert!(blobs.exists(&live.digest) && !blobs.exists(&dead.digest));
    assert!(dir.path().join("layers/README").exists());
}

#[test]
fn packing_what_is_there_makes_it_fresh_again() {
    let (_dir, blobs) = blobs();
    let layer = blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    let path = blobs.path(&layer.digest);
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(&path).and_then(|file| file.set_modified(old)).expect("made old");
    blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    let collected = blobs.collect_garbage(&HashSet::new(), Timestamp::from_micros(1_500_000_000_000_000));
    assert_eq!(collected.expect("collected").layers, 0);
}

#[test]
fn what_a_killed_process_left_is_removed_and_layers_stay() {
    let (dir, blobs) = blobs();
    let layer = blobs.pack(tree("a").path(), &PackOptions::app()).expect("packed");
    let left = dir.path().join("unfinished/layer-abc");
    fs::write(&left, "half").expect("write");
    let blobs = Blobs::open(dir.path()).expect("opened again");
    assert!(!left.exists());
    blobs.verify(&layer.digest).expect("whole");
    assert_eq!(fs::read_dir(dir.path().join("unfinished")).expect("read").count(), 0);
}

#[test]
fn a_failed_packing_says_why_and_leaves_nothing() {
    let (dir, blobs) = blobs();
    let failed = blobs.pack(Path::new("/nonexistent-tree"), &PackOptions::app()).expect_err("no such tree");
    let cause = std::error::Error::source(&failed).expect("has a cause").to_string();
    assert!(cause.contains("mkfs.erofs") && cause.contains("No such file"), "{cause}");
    assert_eq!(fs::read_dir(dir.path().join("unfinished")).expect("read").count(), 0);
    assert_eq!(fs::read_dir(dir.path().join("layers")).expect("read").count(), 0);
}

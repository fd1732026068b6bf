use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Owner, Place, PlaceError, SOCKET_NAME, SOCKET_PATH_BYTES_MAX, short_enough};

fn me() -> Owner {
    let name = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("read").expect("me").name;
    Owner::of(&name).expect("I exist")
}

#[test]
fn socket_paths_fit_and_differ() {
    let short = PathBuf::from("/srv/hokku/postgres/run");
    assert_eq!(short_enough(short.clone()), short);
    let longest = PathBuf::from(format!("/{}", "x".repeat(SOCKET_PATH_BYTES_MAX - SOCKET_NAME.len() - 2)));
    assert_eq!(short_enough(longest.clone()), longest);
    let (one, two) = (longest.join("a"), longest.join("b"));
    let (short_one, short_two) = (short_enough(one.clone()), short_enough(two));
    assert_ne!(short_one, short_two);
    assert_eq!(short_one, short_enough(one), "the same at each start");
    assert!(short_one.as_os_str().len() < 40);
}

#[test]
fn a_file_is_written_only_when_it_changes_and_over_what_a_kill_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let owner = me();
    let place = Place::prepare(&dir.path().join("pg"), &owner).expect("prepared");
    fs::write(place.etc.join("a.new"), "half").expect("left by a kill");
    assert!(place.write("a", b"one", &owner).expect("written"));
    assert!(!place.write("a", b"one", &owner).expect("seen"));
    assert!(place.write("a", b"two", &owner).expect("written"));
    assert_eq!(place.read("a").as_deref(), Some("two"));
    assert!(!place.etc.join("a.new").exists());
}

#[test]
fn a_link_in_place_of_a_folder_is_not_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (pg, other) = (dir.path().join("pg"), dir.path().join("other"));
    fs::create_dir_all(&pg).expect("a folder");
    fs::create_dir(&other).expect("a folder");
    symlink(&other, pg.join("run")).expect("a link");
    let refused = Place::prepare(&pg, &me());
    assert!(matches!(refused, Err(PlaceError::Prepare { path, .. }) if path.ends_with(Path::new("pg/run"))));
}

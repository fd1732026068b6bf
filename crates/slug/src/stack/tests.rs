use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Stack, StackError, Stacks};

/// Where tests keep what takes minutes to make.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("HOKKU_CACHE_DIR").map_or_else(|| PathBuf::from("/var/cache/hokku"), PathBuf::from)
}

/// The stack of this machine, built if it is not there yet: the real one, shared by all tests.
pub(crate) fn stack() -> Stack {
    let stacks = Stacks::open(&cache()).expect("the cache can be used");
    stacks.ensure(model::slug::STACK, &mut |_| {}).expect("the stack can be had")
}

/// Runs a shell script in a root made of `layers` (lowest first) under a writable layer, as `user`, in
/// namespaces of its own. Returns what it printed; panics if it fails.
pub(crate) fn inside(layers: &[PathBuf], user: &str, script: &str) -> String {
    const MOUNT: &str = r#"set -eu
        at=$1 user=$2 script=$3; shift 3; mount -t tmpfs tmpfs "$at"; mkdir "$at/upper" "$at/work" "$at/root"
        lower=; n=0
        for image; do n=$((n+1)); mkdir "$at/$n"; mount -t erofs -o ro,loop "$image" "$at/$n"; lower="$at/$n${lower:+:$lower}"; done
        mount -t overlay overlay -o "lowerdir=$lower,upperdir=$at/upper,workdir=$at/work" "$at/root"
        mount -t proc proc "$at/root/proc"; mount --rbind /dev "$at/root/dev"
        exec chroot --userspec=$user "$at/root" env -i HOME=/app PATH=/usr/local/bin:/usr/bin:/bin bash -euc "$script""#;
    let at = tempfile::tempdir().expect("temporary directory");
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            MOUNT,
            "inside",
        ])
        .arg(at.path())
        .args([user, script])
        .args(layers)
        .output()
        .expect("unshare runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[test]
fn a_dyno_finds_what_it_needs_on_the_run_base() {
    let out = inside(
        &stack().run_layers,
        "1000:1000",
        r#"id; echo "$(stat -c '%u %a' / /app /tmp /etc)"; cat /etc/hokku-stack; LC_ALL=en_US.UTF-8 locale charmap
           for tool in bash curl psql openssl jq less tini nano zip unzip xz zstd file ps wget ssh; do
               command -v $tool > /dev/null || echo "no $tool"; done
           for tool in python3 gcc git; do ! command -v $tool || echo "has $tool"; done
           TZ=Asia/Tokyo date -d @0 +%H"#,
    );
    insta::assert_snapshot!(out, @r"
    uid=1000(app) gid=1000(app) groups=1000(app)
    0 755
    1000 755
    0 1777
    0 755
    Hokku-12
    UTF-8
    09
    ");
}

#[test]
fn the_images_tell_nothing_of_this_machine() {
    let out = inside(
        &stack().run_layers,
        "0:0",
        "cat /etc/machine-id /etc/resolv.conf /etc/hosts /etc/hostname; ls /var/lib/apt/lists /var/cache/apt /var/log /root /tmp; \
         ls -d /usr/share/man/man1/* /usr/share/doc/*/changelog* /usr/share/locale/de 2> /dev/null || true; \
         find / -xdev -mindepth 1 -newermt 1980-01-02 -not -path '/proc*' -not -path '/dev*' 2> /dev/null || true",
    );
    insta::assert_snapshot!(out, @r"
    localhost
    /root:

    /tmp:

    /var/cache/apt:

    /var/lib/apt/lists:

    /var/log:
    ");
}

#[test]
fn a_build_finds_compilers_and_headers() {
    let out = inside(
        &stack().build_layers,
        "1000:1000",
        r#"cd /tmp; echo '#include <libpq-fe.h>' > a.c; echo 'int main() { return PQlibVersion() > 0 ? 42 : 1; }' >> a.c
           gcc a.c -o a $(pkg-config --cflags --libs libpq); ./a || echo $?
           for tool in g++ make cmake git patchelf pg_config strip python3 perl; do command -v $tool > /dev/null || echo "no $tool"; done
           pg_config --includedir; ls /var/lib/apt/lists /var/log"#,
    );
    insta::assert_snapshot!(out, @r"
    42
    /usr/include/postgresql
    /var/lib/apt/lists:

    /var/log:
    ");
}

#[test]
fn an_unknown_stack_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let stacks = Stacks::open(dir.path()).expect("opened");
    let refused = stacks.ensure("heroku-99", &mut |_| {}).expect_err("unknown");
    assert!(matches!(refused, StackError::Unknown { .. }));
    insta::assert_snapshot!(refused.to_string(), @"there is no stack `heroku-99`; there is: hokku-12");
    assert_eq!(stacks.get("hokku-12"), None, "an empty cache has none");
    assert!(!Path::new(dir.path()).join("stacks/unfinished").exists());
}

#[test]
fn a_second_server_waits_for_the_first_and_builds_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let stacks = Stacks::open(dir.path()).expect("opened");
    let builder = stacks.lock(&mut |_| {}).expect("nobody else");
    let (said, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn({
        let stacks = stacks.clone();
        move || stacks.ensure("hokku-12", &mut |line| said.send(line.to_owned()).expect("the test listens"))
    });
    assert_eq!(told.recv().expect("says so"), "Waiting for another server to finish building the stack");
    // What a builder does at its end.
    let place = stacks.place(super::Recipe::of("hokku-12").expect("known"));
    std::fs::create_dir(&place).expect("mkdir");
    drop(builder);
    let stack = waiting.join().expect("no panic").expect("found");
    assert_eq!(stack.run_layers, [place.join("run.erofs")]);
    assert_eq!(stack.build_layers, [place.join("run.erofs"), place.join("build.erofs")]);
    assert_eq!(told.recv().ok(), None, "no further step was taken");

    stacks.remove("hokku-12").expect("removed");
    assert_eq!(stacks.get("hokku-12"), None);
}

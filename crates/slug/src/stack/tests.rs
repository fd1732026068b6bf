use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Stack, StackError, Stacks};

/// The stack of this machine, built if it is not there yet: the real one, shared by all tests.
pub(crate) fn stack() -> Stack {
    let cache = std::env::var_os("HOKKU_CACHE_DIR").map_or_else(|| PathBuf::from("/var/cache/hokku"), PathBuf::from);
    let stacks = Stacks::open(&cache).expect("the cache can be used");
    stacks.ensure(model::slug::STACK, &mut |_| {}).expect("the stack can be had")
}

/// Runs a shell script in a root made of `layers` (lowest first) under a writable layer, in namespaces of its own.
/// Returns what it printed; panics if it fails.
pub(crate) fn inside(layers: &[PathBuf], script: &str) -> String {
    const MOUNT: &str = r#"set -eu
        at=$1 script=$2; shift 2; mount -t tmpfs tmpfs "$at"; mkdir "$at/upper" "$at/work" "$at/root"
        lower=; n=0
        for image; do n=$((n+1)); mkdir "$at/$n"; mount -t erofs -o ro,loop "$image" "$at/$n"; lower="$at/$n${lower:+:$lower}"; done
        mount -t overlay overlay -o "lowerdir=$lower,upperdir=$at/upper,workdir=$at/work" "$at/root"
        mount -t proc proc "$at/root/proc"; mount --rbind /dev "$at/root/dev"
        exec chroot --userspec=1000:1000 "$at/root" env -i HOME=/app PATH=/usr/local/bin:/usr/bin:/bin bash -euc "$script""#;
    let at = tempfile::tempdir().expect("temporary directory");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", MOUNT, "inside"])
        .arg(at.path())
        .arg(script)
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
        r#"id; echo "$(stat -c '%u %a' / /app /tmp /etc)"; cat /etc/hokku-stack; LC_ALL=en_US.UTF-8 locale charmap
           for tool in bash curl psql openssl jq less nano-tiny tini zip unzip xz zstd file ps wget ssh; do
               command -v $tool > /dev/null || test $tool = nano-tiny -a -x /bin/nano-tiny || echo "no $tool"; done
           for tool in python3 gcc git; do ! command -v $tool || echo "has $tool"; done
           date --date=@0 TZ=Europe/Berlin > /dev/null; getent hosts localhost || true; TZ=Asia/Tokyo date -d @0 +%H"#,
    );
    insta::assert_snapshot!(out, @"");
}

#[test]
fn the_images_tell_nothing_of_this_machine() {
    let out = inside(
        &stack().run_layers,
        "cat /etc/machine-id /etc/resolv.conf /etc/hosts /etc/hostname; ls /var/lib/apt/lists /var/cache/apt /var/log /root /tmp; \
         ls -d /usr/share/man/man1/* /usr/share/doc/*/changelog* /usr/share/locale/de 2> /dev/null || true; \
         find / -xdev -newermt 1980-01-02 -not -path '/proc*' -not -path '/dev*' 2> /dev/null || true",
    );
    insta::assert_snapshot!(out, @"");
}

#[test]
fn a_build_finds_compilers_and_headers() {
    let out = inside(
        &stack().build_layers,
        r#"cd /tmp; printf '#include <libpq-fe.h>\n#include <stdio.h>\nint main(){printf("%d\\n", PQlibVersion() > 0);}' > a.c
           gcc a.c -o a $(pkg-config --cflags --libs libpq); ./a
           for tool in g++ make cmake git patchelf pg_config strip python3 perl; do command -v $tool > /dev/null || echo "no $tool"; done
           pg_config --includedir; ls /var/lib/apt/lists /var/log"#,
    );
    insta::assert_snapshot!(out, @"");
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

//! What is in a stack. The packages follow Heroku's base images where Debian 12 has them, without the ones
//! that are only there for other languages' old gems or that weigh much for few (ImageMagick).

use crate::digest::Digest;
use crate::pack;

/// Raised when something that the text of a recipe does not show has changed, e.g. how trees are packed.
const REVISION: u32 = 1;

/// The names of the stacks that can be had.
pub const NAMES: [&str; 1] = [model::slug::STACK];

/// Makes the run tree.
pub(super) const RUN_SCRIPT: &str = include_str!("run.sh");

/// Makes the build layer over it.
pub(super) const BUILD_SCRIPT: &str = include_str!("build.sh");

/// How a stack is made.
pub(super) struct Recipe {
    pub(super) name: &'static str,
    /// The code name of the Debian release.
    pub(super) suite: &'static str,
    /// Names of Debian packages, separated by spaces.
    pub(super) run_packages: &'static [&'static str],
    /// As `run_packages`, installed over them.
    pub(super) build_packages: &'static [&'static str],
}

const HOKKU_12: Recipe = Recipe {
    name: model::slug::STACK,
    suite: "bookworm",
    run_packages: &[
        // What people and scripts expect in a dyno.
        "bash bzip2 ca-certificates coreutils curl file gettext-base gnupg jq less locales nano \
         netbase netcat-openbsd openssh-client openssl postgresql-client procps rsync socat tini \
         tzdata unzip wget xz-utils zip zstd",
        // The libraries that a CPython needs.
        "libbz2-1.0 libdb5.3 libexpat1 libffi8 libgdbm-compat4 libgdbm6 liblzma5 libncursesw6 \
         libreadline8 libsqlite3-0 libssl3 libuuid1 zlib1g",
        // The libraries that packages built from source link to.
        "libcurl4 libev4 libevent-2.1-7 libfreetype6 libgmp10 libgssapi-krb5-2 libicu72 \
         libjpeg62-turbo liblcms2-2 libldap-2.5-0 libmagic1 libmariadb3 libmemcached11 libonig5 \
         libopenjp2-7 libpng16-16 libpq5 libsasl2-2 libsodium23 libtiff6 libuv1 libwebp7 libxml2 \
         libxslt1.1 libyaml-0-2 libzip4",
    ],
    build_packages: &[
        "autoconf automake bison build-essential cmake gettext git libtool patchelf pkg-config \
         python3 libbz2-dev libcurl4-openssl-dev libev-dev libevent-dev libexpat1-dev libffi-dev \
         libfreetype-dev libgdbm-dev libgmp-dev libicu-dev libjpeg-dev libkrb5-dev liblcms2-dev \
         libldap2-dev liblzma-dev libmagic-dev libmariadb-dev libmemcached-dev libncurses-dev \
         libonig-dev libopenjp2-7-dev libpng-dev libpq-dev libreadline-dev libsasl2-dev \
         libsodium-dev libsqlite3-dev libssl-dev libtiff-dev libuv1-dev libwebp-dev libxml2-dev \
         libxslt1-dev libyaml-dev libzip-dev uuid-dev zlib1g-dev",
    ],
};

impl Recipe {
    /// The recipe of the stack called `name`.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        (name == HOKKU_12.name).then_some(&HOKKU_12)
    }

    /// The name of the recipe's place in the cache: changes with everything that goes into the stack.
    pub(super) fn id(&self) -> String {
        let Self { name, suite, run_packages, build_packages } = self;
        let mtime = pack::DEFAULT_MTIME;
        let text = format!(
            "{REVISION} {name} {suite} {run_packages:?} {build_packages:?} {mtime} {RUN_SCRIPT} {BUILD_SCRIPT}"
        );
        format!("{name}-{}", &Digest::of(text.as_bytes()).to_string()[..12])
    }
}

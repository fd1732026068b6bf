# Makes the run tree of the stack: run.sh WORK SUITE PACKAGES; apt sources in WORK/sources, apt settings in WORK/apt.conf.
# Runs as pid 1 of its own pid and mount namespace, so that whatever it mounts or starts ends with it.
set -eu
work=$1 suite=$2 packages=$3
tree=$work/run

mmdebstrap --quiet --mode=root --format=directory --variant=minbase --include="$(echo "$packages" | tr " " ,)" \
    --aptopt="$work/apt.conf" --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' --dpkgopt='path-exclude=/usr/share/bash-completion/*' \
    "$suite" "$tree" "$work/sources"

# C.UTF-8 comes with libc; en_US.UTF-8 is the default of Heroku's Python apps.
chroot "$tree" localedef --no-archive -i en_US -f UTF-8 en_US.UTF-8
rm -rf "$tree/usr/share/i18n"

# --no-log-init: no sparse faillog; the home is the slug's place and must exist, empty, for it to be mounted over.
chroot "$tree" useradd --no-log-init --uid 1000 --user-group --home-dir /app --shell /bin/bash app
mkdir "$tree/app"
chroot "$tree" chown app:app /app
echo 'Hokku-12' > "$tree/etc/hokku-stack"

# The engine that runs a dyno puts its own files here.
rm -f "$tree/etc/resolv.conf"
: > "$tree/etc/resolv.conf"
: > "$tree/etc/hosts"
echo localhost > "$tree/etc/hostname"
: > "$tree/etc/machine-id"

# Where to get more packages from, without this machine's passwords for it.
sed -E 's#(://)[^/@[:space:]]*@#\1#' "$work/sources" > "$tree/etc/apt/sources.list"
rm -rf "$tree"/etc/apt/sources.list.d/* "$tree/etc/apt/apt.conf.d/99mmdebstrap" "$tree"/etc/apt/auth.conf.d/*

# Links to what was left out above.
find "$tree/usr/share/man" "$tree/usr/share/doc" ! -type d ! -name copyright -delete

# What differs from run to run, or tells of this machine, has no place in the image.
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/cache/debconf/*-old "$tree"/var/cache/ldconfig/* \
    "$tree"/var/log/* "$tree"/tmp/* "$tree"/run/* "$tree"/var/lib/dpkg/*-old "$tree/etc/.pwd.lock" \
    "$tree/etc/passwd-" "$tree/etc/group-" "$tree/etc/shadow-" "$tree/etc/gshadow-" "$tree/etc/subuid-" "$tree/etc/subgid-"

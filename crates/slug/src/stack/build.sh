# Makes the build layer: build.sh WORK PACKAGES. Installs over the run tree in an overlay and leaves the difference in
# WORK/build. apt runs outside of the tree, with the machine's network, certificates and proxy; dpkg runs inside.
# Runs as pid 1 of its own pid and mount namespace, so that whatever it mounts or starts ends with it.
set -eu
work=$1 packages=$2
tree=$work/merged

mkdir "$work/build" "$work/overlay-work" "$tree"
mount -t overlay overlay -o "lowerdir=$work/run,upperdir=$work/build,workdir=$work/overlay-work" "$tree"
mkdir -p "$tree/var/log/apt" "$tree/var/cache/apt/archives/partial" "$tree/var/lib/apt/lists/partial"
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"

{
    cat "$work/apt.conf"
    echo "Dir \"$tree\"; DPkg::Chroot-Directory \"$tree\"; APT::Architecture \"$(dpkg --print-architecture)\";"
    echo "Dir::Etc::SourceList \"$work/sources\"; Dir::Etc::SourceParts \"/dev/null\"; Dir::Etc::Parts \"/dev/null\";"
    echo 'Acquire::Languages "none"; APT::Install-Recommends "false"; APT::Sandbox::User "root"; Dpkg::Use-Pty "false";'
} > "$work/apt-build.conf"
export APT_CONFIG=$work/apt-build.conf DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get -qq update
# shellcheck disable=SC2086 # a list of words
apt-get -qq --yes install $packages > /dev/null

umount --recursive "$tree/dev" "$tree/proc"
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/cache/debconf/*-old "$tree"/var/cache/ldconfig/* \
    "$tree"/var/log/* "$tree"/tmp/* "$tree"/run/* "$tree"/var/lib/dpkg/*-old
umount "$tree"

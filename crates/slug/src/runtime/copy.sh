# Copies an interpreter and adapts it: copy.sh WORK PREFIX VERSION HOME ADAPT TRY RUN_LAYERS IMAGE...
# ADAPT and TRY are scripts; the first RUN_LAYERS images are the run base, all of them are for builds. Leaves WORK/tree.
# Runs as pid 1 of its own pid and mount namespace, so that whatever it mounts or starts ends with it.
set -eu
work=$1 prefix=$2 version=$3 home=$4 adapt=$5 try=$6 run_layers=$7
shift 7
series=${version%.*}
place=$work/tree$home

# Only what is Python's: a prefix such as /usr/local holds other things as well.
mkdir -p "$place/bin" "$place/lib/pkgconfig" "$place/include"
cp -L "$prefix/bin/python$series" "$place/bin/"
for file in "$prefix/bin/python$series-config" "$prefix/lib/libpython$series"*.so* "$prefix/lib/libpython3.so" \
    "$prefix/lib/python$series" "$prefix/include/python$series" "$prefix/lib/pkgconfig/python-$series"*.pc; do
    ! test -e "$file" || cp -R --no-dereference --preserve=mode,links "$file" "$place/${file#"$prefix"/}"
done
library=$place/lib/python$series
find "$work/tree" -name __pycache__ -prune -exec rm -rf {} +
find "$library" -type d \( -name test -o -name tests -o -name idle_test -o -name idlelib -o -name turtledemo -o -name tkinter \) \
    -prune -exec rm -rf {} +
# The last one makes pip refuse to install; uv writes it.
rm -rf "$library/site-packages" "$library/turtle.py" "$library/EXTERNALLY-MANAGED"
mkdir "$library/site-packages"
rm -f "$library"/lib-dynload/_test*.so "$library"/lib-dynload/_ctypes_test*.so "$library"/lib-dynload/_xx*.so \
    "$library"/lib-dynload/xx*.so "$library"/lib-dynload/_tkinter*.so
# The static library is only for embedding where there is no shared one.
! test -e "$place/lib/libpython$series.so" || find "$library" -path "*/config-*" \( -name '*.a' -o -name '*.o' \) -delete

# Settings that name the old place: where it is, where a link led to, where it was built for.
built=$(sed -nE "s#^ *['\"]prefix['\"]: *['\"]([^'\"]+)['\"].*#\1#p" "$library"/_sysconfigdata*.py)
for old in "$prefix" "$(realpath "$prefix")" $built; do
    grep -rlIF "$old" "$place/bin" "$place/lib/pkgconfig" "$library"/_sysconfigdata* "$library"/config-* 2> /dev/null |
        xargs -r sed -i -E "s#$old([/'\" :,)]|\$)#$home\1#g"
done

mkdir "$work/images"
lower= count=0
for image; do
    count=$((count + 1))
    mkdir "$work/images/$count"
    mount -t erofs -o ro,loop "$image" "$work/images/$count"
    lower=$work/images/$count${lower:+:$lower}
    test $count != "$run_layers" || run=$lower
done

# Runs a script in a root made of LOWER, in which only the tree's /app and /tmp can be written.
within() {
    root=$work/$1
    mkdir -p "$work/empty" "$root"
    mount -t overlay overlay -o "lowerdir=$work/empty:$2" "$root"
    mount --bind "$work/tree/app" "$root/app"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 PYTHONHASHSEED=0 PIP_ROOT_USER_ACTION=ignore \
        PIP_DISABLE_PIP_VERSION_CHECK=1 chroot "$root" sh -euc "$3" "$1" "$home" "$version"
}
within adapt "$lower" "$adapt"
within try "$run" "$try"

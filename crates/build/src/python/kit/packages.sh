# Installs the app's packages: packages.sh MARK INSTALLER FIRST FOLDER, with FIRST "offline" if the wheel store may be
# asked alone before an index is, and FOLDER that of the requirements.
set -eu
mark=$1 installer=$2 first=$3 python=/app/.heroku/python/bin/python
cd "$4"
site=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
started=$(mktemp)

uv_pip() { uv pip install "$@" --requirement requirements.txt; }

case $installer in
    "uv pip")
        # Asking an index about each package takes seconds; what is pinned and in the store needs no asking.
        if [ "$first" = offline ] && uv_pip --offline > /tmp/offline.log 2>&1; then
            cat /tmp/offline.log
        else
            uv_pip
        fi ;;
    "uv sync")
        uv sync --locked --no-default-groups --inexact ;;
    pip)
        "$python" -m pip install -r requirements.txt --exists-action=w --no-input --progress-bar off \
            --src=/app/.heroku/python/src ;;
esac || { echo "${mark}failed install"; exit 1; }

# Byte code for what is new. It is trusted unseen: layers give every file one time, so the usual check by time would fail.
find "$site" -cnewer "$started" -name '*.py' > /tmp/new.list
"$python" -I -m compileall -q -q -j 0 --invalidation-mode unchecked-hash -i /tmp/new.list || true

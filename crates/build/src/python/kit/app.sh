# Makes the app's source ready to run: app.sh MARK COLLECTSTATIC, with COLLECTSTATIC "yes" or "no".
set -eu
mark=$1 python=/app/.heroku/python/bin/python
cd /app
. /hokku/kit/hooks.sh

mkdir -p .profile.d
cp /hokku/kit/profile.d/*.sh .profile.d/

# Byte code, beside collectstatic, which writes none. Unlike the packages' it is checked against the source's content,
# since somebody may edit a file in a one-off dyno. Files that are no valid Python are their own business.
compile() { "$python" -I -m compileall -q -q -x '/(\.heroku|node_modules)/' --invalidation-mode checked-hash . || true; }
compile &

collectstatic() {
    for django in /app/.heroku/python/lib/python3*/site-packages/django /app/django; do
        [ -d "$django" ] && break
    done
    [ -d "$django" ] || return 0
    local manage
    manage=$(find . -maxdepth 3 -type f -name manage.py -printf '%d\t%P\n' | sort -n | head -n 1 | cut -f 2)
    if [ -z "$manage" ]; then
        echo "${mark}no manage.py"
        return 0
    fi
    echo "${mark}collectstatic"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=${PYTHONPATH:-.} "$python" "$manage" collectstatic --noinput --traceback ||
        { echo "${mark}failed collectstatic"; exit 1; }
}
[ "$2" = no ] || collectstatic
wait

if [ -f bin/post_compile ]; then
    run_hook post_compile
    compile
fi

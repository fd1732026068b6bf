# How many workers a web server may start, by memory and cores: one for each 256 MB, at most 2 * cores + 1.
hokku_limit=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2> /dev/null)
if [ -z "$hokku_limit" ]; then
    [ "${DYNO%%.*}" != web ] || echo "Python buildpack: Couldn't determine available memory. Skipping automatic configuration of WEB_CONCURRENCY." >&2
else
    hokku_mb=$((hokku_limit / 1048576)) hokku_cores=$(nproc)
    export DYNO_RAM=$hokku_mb
    if [ -z "${WEB_CONCURRENCY:-}" ]; then
        hokku_workers=$((hokku_mb / 256)) hokku_most=$((2 * hokku_cores + 1))
        [ "$hokku_workers" -le "$hokku_most" ] || hokku_workers=$hokku_most
        [ "$hokku_workers" -ge 1 ] || hokku_workers=1
        export WEB_CONCURRENCY=$hokku_workers WEB_CONCURRENCY_SET_BY=heroku/python
        if [ "${DYNO%%.*}" = web ]; then
            echo "Python buildpack: Detected $hokku_mb MB available memory and $hokku_cores CPU cores." >&2
            echo "Python buildpack: Defaulting WEB_CONCURRENCY to $hokku_workers based on the available memory." >&2
        fi
    fi
    unset hokku_mb hokku_cores hokku_workers hokku_most
fi
unset hokku_limit

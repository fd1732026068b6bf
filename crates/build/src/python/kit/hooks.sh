# For hooks: what classic buildpacks hand to theirs. The config vars are in the environment already.
run_hook() {
    [ -f "bin/$1" ] || return 0
    export BUILD_DIR=/app CACHE_DIR=/tmp/cache ENV_DIR=/tmp/env
    mkdir -p "$CACHE_DIR" "$ENV_DIR"
    for key in ${HOKKU_CONFIG_KEYS:-}; do printf '%s' "${!key}" > "$ENV_DIR/$key"; done
    echo "${mark}hook $1"
    chmod +x "bin/$1"
    "bin/$1" || { status=$?; echo "${mark}failed hook $1"; exit "$status"; }
}

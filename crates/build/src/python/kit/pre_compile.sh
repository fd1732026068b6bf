# Runs the app's own hook before anything else: pre_compile.sh MARK.
set -eu
mark=$1
cd /app
. /hokku/kit/hooks.sh
run_hook pre_compile

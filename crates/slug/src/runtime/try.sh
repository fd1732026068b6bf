# Tries an adapted interpreter as a dyno will have it, on the run base: try.sh HOME VERSION.
home=$1 version=$2
python=$home/bin/python
library=$home/lib/python${version%.*}

# Modules whose libraries the stack does not have (e.g. nis) would only fail later and stranger.
for module in "$library"/lib-dynload/*.so; do
    ! ldd "$module" | grep -q 'not found' || rm "$module"
done

"$python" -I -c "
import sys
assert '%d.%d.%d' % sys.version_info[:3] == '$version', sys.version
assert sys.prefix == sys.base_prefix == '$home', sys.prefix
import bz2, ctypes, decimal, hashlib, lzma, readline, sqlite3, ssl, uuid, venv, zlib, zoneinfo
ssl.create_default_context()
import sysconfig
assert sysconfig.get_config_var('prefix') == '$home', sysconfig.get_config_var('prefix')
"
"$python" -I -m pip --version > /dev/null
"$home/bin/pip" --version > /dev/null

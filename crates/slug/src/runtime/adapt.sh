# Adapts a copied interpreter, inside the build layers: adapt.sh HOME VERSION.
home=$1 version=$2
series=${version%.*}
library=$home/lib/python$series
python=$home/bin/python$series

# Strip first: patchelf moves what strip would not find again.
find "$home" -type f \( -name '*.so' -o -name '*.so.*' -o -path "$python" \) -exec strip --strip-unneeded {} +
find "$library" -type f -name '*.a' -exec strip --strip-debug {} +

# Find the shared library from wherever the tree is, unless it is built to do so already.
for file in "$python" "$home"/lib/libpython*.so* "$library"/lib-dynload/*.so; do
    test -f "$file" -a ! -L "$file" || continue
    case $(patchelf --print-rpath "$file") in
        '' | '$ORIGIN'*) ;;
        *)
            case $file in
                "$home"/bin/*) patchelf --set-rpath '$ORIGIN/../lib' "$file" ;;
                "$home"/lib/lib*) patchelf --set-rpath '$ORIGIN' "$file" ;;
                *) patchelf --set-rpath '$ORIGIN/../..' "$file" ;;
            esac ;;
    esac
done

ln -s "python$series" "$home/bin/python3"
ln -s "python$series" "$home/bin/python"
# A pristine pip, from the wheel that comes with the standard library; its scripts name this interpreter.
"$python" -I -m ensurepip --default-pip > /dev/null
# Layers give every file one time, so byte code must not be judged by it: it is trusted.
"$python" -I -m compileall -q -f -j 0 --invalidation-mode unchecked-hash "$library"

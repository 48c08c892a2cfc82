#!/usr/bin/env bash
# Builds the development library and writes the generated side of every binding from it.
#
#   bindings/generate.sh          writes the files in place
#   bindings/generate.sh --check  writes them elsewhere and fails if they differ from the ones that are committed
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -n "${SOTAY_BUILT:-}" ]]; then
    built="$SOTAY_BUILT" # somebody built both already
else
    # Two builds, not one: together, the generator's features would enter the library and everything below it.
    cargo build --locked -p sotay-ffi
    cargo build --locked -p sotay-uniffi-bindgen
    target="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')"
    built="$target/debug"
fi
case "$(uname -s)" in
    Darwin) library="$built/libsotay_ffi.dylib" ;;
    *) library="$built/libsotay_ffi.so" ;;
esac
bindgen="$built/uniffi-bindgen"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

for language in kotlin swift python; do
    "$bindgen" generate "$library" --language "$language" --config bindings/uniffi.toml --no-format --out-dir "$scratch/$language"
done
python3 bindings/api.py "$scratch/python/sotay_ffi.py" > "$scratch/api.txt"

# Every pair: where the generator wrote it, where it is kept.
pairs() {
    echo "$scratch/kotlin/vn/sotay/sotay_ffi.kt bindings/kotlin/sotay/src/main/kotlin/generated/vn/sotay/sotay_ffi.kt"
    echo "$scratch/swift/SotayFFI.swift bindings/swift/Sources/SotayFFI/generated/SotayFFI.swift"
    echo "$scratch/swift/sotay_ffiFFI.h bindings/swift/Sources/sotay_ffiFFI/generated/sotay_ffiFFI.h"
    echo "$scratch/python/sotay_ffi.py bindings/python/sotay/generated/sotay_ffi.py"
    echo "$scratch/api.txt bindings/ffi/api.txt"
}

if [[ "${1:-}" == "--check" ]]; then
    stale=0
    while read -r new kept; do
        diff -u "$kept" "$new" > "$scratch/diff" || { echo "stale: $kept"; head -40 "$scratch/diff"; stale=1; }
    done < <(pairs)
    [[ $stale == 0 ]] && echo "generated code is up to date" || { echo "run bindings/generate.sh and review the difference"; exit 1; }
else
    while read -r new kept; do
        mkdir -p "$(dirname "$kept")"
        cp "$new" "$kept"
    done < <(pairs)
    wc -l $(pairs | cut -d' ' -f2)
fi

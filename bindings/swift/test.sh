#!/usr/bin/env bash
# Builds and tests the Swift package, and the phone built on it, against the development library: with the machine's own Swift,
# or in the root of root.sh. Further words go to `swift test`. Ends with 77 when there is no Swift here.
#
#   cargo build -p sotay-ffi -p sotay-relay && bindings/swift/test.sh
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd -P)"
phone="$(cd "$here/../../examples/swift-phone" && pwd -P)"
export SOTAY_LIBRARY_DIR="${SOTAY_LIBRARY_DIR:-$here/../../target/debug}"
[[ -e "$SOTAY_LIBRARY_DIR/libsotay_ffi.so" || -e "$SOTAY_LIBRARY_DIR/libsotay_ffi.dylib" ]] || { echo "build the library first: cargo build -p sotay-ffi -p sotay-relay" >&2; exit 1; }
SOTAY_LIBRARY_DIR="$(cd "$SOTAY_LIBRARY_DIR" && pwd -P)"
if command -v swift > /dev/null; then
    run=()
elif "$here/root.sh" has; then
    run=("$here/root.sh" run)
    export SOTAY_SHOW="$SOTAY_LIBRARY_DIR"
else
    echo "not run: swift (bindings/swift/root.sh make installs it beside this system)"
    exit 77
fi
# A folder of its own for every checkout: build products remember absolute paths.
scratch="/tmp/sotay-swift-build-$(printf %s "$here" | cksum | cut -d' ' -f1)"
# Not named `swift`, or it would call itself.
swiftly() { "${run[@]}" swift "$1" --package-path "$2" --scratch-path "$scratch/$(basename "$2")" "${@:3}"; }

swiftly test "$here" --disable-swift-testing "$@"
swiftly test "$phone" --disable-swift-testing "$@"

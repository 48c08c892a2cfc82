# Sourced by test.sh and phone.sh: finds Swift (the machine's own, or that of root.sh) and the development library.
# Gives `swiftly COMMAND PACKAGE...` and `within COMMAND...`; ends the script with 77 when there is no Swift here.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
phone="$(cd "$here/../../examples/swift-phone" && pwd -P)"
export SOTAY_LIBRARY_DIR="${SOTAY_LIBRARY_DIR:-$here/../../target/debug}"
if [[ ! -e "$SOTAY_LIBRARY_DIR/libsotay_ffi.so" && ! -e "$SOTAY_LIBRARY_DIR/libsotay_ffi.dylib" ]]; then
    echo "build the library first: cargo build -p sotay-ffi -p sotay-relay" >&2
    exit 1
fi
SOTAY_LIBRARY_DIR="$(cd "$SOTAY_LIBRARY_DIR" && pwd -P)"
if command -v swift > /dev/null; then
    within() { "$@"; }
elif "$here/root.sh" has; then
    export SOTAY_SHOW="${SOTAY_SHOW:-} $SOTAY_LIBRARY_DIR"
    within() { "$here/root.sh" run "$@"; }
else
    echo "not run: swift (bindings/swift/root.sh make installs it beside this system)" >&2
    exit 77
fi
# A folder of its own for every checkout: build products remember absolute paths.
scratch="/tmp/sotay-swift-build-$(printf %s "$here" | cksum | cut -d' ' -f1)"
swiftly() { within swift "$1" --package-path "$2" --scratch-path "$scratch/$(basename "$2")" "${@:3}"; }

#!/usr/bin/env bash
# Builds SotayFFI.xcframework (device, simulator, Mac) as static libraries with flat headers, zips it and prints its checksum for
# Package.swift. Needs a Mac with Xcode and the Rust targets.
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ "$(uname -s)" == Darwin ]] || { echo "an XCFramework is made on a Mac" >&2; exit 1; }
. bindings/mobile.sh
out=target/xcframework
rm -rf "$out"
mkdir -p "$out/headers/sotay_ffiFFI"
cp bindings/swift/Sources/sotay_ffiFFI/generated/sotay_ffiFFI.h "$out/headers/sotay_ffiFFI/"
# A folder of its own, so that the module map of another framework does not overwrite it; no `link`, the library is inside.
printf 'module sotay_ffiFFI {\n    header "sotay_ffiFFI.h"\n    export *\n}\n' > "$out/headers/sotay_ffiFFI/module.modulemap"
build() {
    IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0 \
        cargo rustc "${mobile[@]}" staticlib --target "$1"
}
for target in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin; do build "$target"; done
mkdir -p "$out/simulator" "$out/mac"
library() { echo "target/$1/release-mobile/libsotay_ffi.a"; }
lipo -create "$(library aarch64-apple-ios-sim)" "$(library x86_64-apple-ios)" -output "$out/simulator/libsotay_ffi.a"
lipo -create "$(library aarch64-apple-darwin)" "$(library x86_64-apple-darwin)" -output "$out/mac/libsotay_ffi.a"
xcodebuild -create-xcframework \
    -library "$(library aarch64-apple-ios)" -headers "$out/headers" \
    -library "$out/simulator/libsotay_ffi.a" -headers "$out/headers" \
    -library "$out/mac/libsotay_ffi.a" -headers "$out/headers" \
    -output "$out/SotayFFI.xcframework"
(cd "$out" && zip -qry SotayFFI.xcframework.zip SotayFFI.xcframework)
swift package compute-checksum "$out/SotayFFI.xcframework.zip"

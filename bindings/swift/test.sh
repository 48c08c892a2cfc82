#!/usr/bin/env bash
# Builds and tests the Swift package, and the phone built on it, against the development library. Further words go to `swift test`.
#
#   cargo build -p sotay-ffi -p sotay-relay && bindings/swift/test.sh
set -euo pipefail
source "$(dirname "$0")/tools.sh"
swiftly test "$here" --disable-swift-testing "$@"
swiftly test "$phone" --disable-swift-testing "$@"

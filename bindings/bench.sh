#!/usr/bin/env bash
# Prints what the bridge costs with the library as it ships: 10,000 changes through a listener, and the view of a full meeting,
# from Kotlin (`bench:` lines). Run bindings/size.sh before it, which builds that library, and
# `cargo build -p sotay-relay`; other work on the machine makes the figures worse.
set -euo pipefail
cd "$(dirname "$0")/.."
directory="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')"
built="${SOTAY_BUILT:-$directory/release-mobile}"
[[ -f "$built/libsotay_ffi.so" ]] || { echo "no library in $built: run bindings/size.sh" >&2; exit 1; }
export SOTAY_RELAY="${SOTAY_RELAY:-$directory/debug/sotay-relay}"
mvn -B -ntp -q -f bindings/kotlin/pom.xml -pl sotay test -Dtest=DocumentsTest -Dsotay.target="$built" | grep '^bench:'

#!/usr/bin/env bash
# Builds examples/kotlin-phone and runs it: FOLDER LABEL, then a command in every line; `help` lists them.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd -P)"
command -v mvn > /dev/null || { echo "not run: Maven" >&2; exit 77; }
library="${SOTAY_LIBRARY_DIR:-$here/../../target/debug}"
mvn -B -q -ntp -f "$here/pom.xml" process-classes >&2
phone="$here/../../examples/kotlin-phone/target"
exec java -Djna.library.path="$library" -cp "$phone/classes:$(cat "$phone/classpath.txt")" vn.sotay.phone.MainKt "$@"

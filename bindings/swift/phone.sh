#!/usr/bin/env bash
# Builds examples/swift-phone and runs it: FOLDER LABEL, then a command in every line; `help` lists them.
set -euo pipefail
mkdir -p "$1"
SOTAY_SHOW="$(cd "$1" && pwd -P)"
source "$(dirname "$0")/tools.sh"
swiftly build "$phone" >&2
within "$scratch/swift-phone/debug/swift-phone" "$(cd "$1" && pwd -P)" "$2"

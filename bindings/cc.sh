#!/usr/bin/env bash
# The linker of the library as it ships: `cc`, or what SOTAY_LINKER names, told to export only what the generated code calls.
# What the generators read (UNIFFI_META_…) they read in a development build; unexported, it is left out: docs/decisions/0181.
set -euo pipefail
for argument in "$@"; do
    case "$argument" in
        -Wl,--version-script=*) sed -i '/UNIFFI_META_/d' "${argument#-Wl,--version-script=}" ;;
    esac
done
exec "${SOTAY_LINKER:-cc}" "$@"

#!/usr/bin/env bash
# Builds the library as it ships inside apps and prints its size. Takes minutes: the whole program is optimised at once.
#
#   bindings/size.sh [TARGET]     e.g. aarch64-linux-android; this machine's own if none is given
set -euo pipefail
cd "$(dirname "$0")/.."

limit=6000000 # bytes, stripped, one ABI: docs/EMBEDDING.md
target=(); folder=""; linker=(-C linker="$PWD/bindings/cc.sh")
# Another target has a linker of its own.
if [[ $# -gt 0 ]]; then target=(--target "$1"); folder="$1/"; linker=(); fi
. bindings/mobile.sh
# Identical functions are folded into one, and relocations packed: docs/decisions/0093.
cargo rustc "${mobile[@]}" cdylib "${target[@]}" -- \
    "${linker[@]}" -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs
directory="$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')"
library="$directory/${folder}release-mobile/libsotay_ffi.so"
stripped="$(mktemp)"
trap 'rm -f "$stripped" "$stripped.gz"' EXIT
strip --strip-all -o "$stripped" "$library"
bytes="$(stat -c %s "$stripped")"
gzip -9 -k -c "$stripped" > "$stripped.gz"
readelf --sections --wide "$stripped" | sed 's/^ *\[ *[0-9]*\] *//' | awk '
    $1 == ".text" { code = $5 } $1 == ".rodata" { data = $5 } $1 == ".eh_frame" { unwind = $5 } $1 == ".gcc_except_table" { pads = $5 }
    END { print "code 0x" code ", constants 0x" data ", tables for unwinding 0x" unwind " and 0x" pads }'
echo "libsotay_ffi.so: $bytes bytes stripped, $(stat -c %s "$stripped.gz") gzipped, limit $limit"
[[ $bytes -le $limit ]] || { echo "over the limit"; exit 1; }

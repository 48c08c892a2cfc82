#!/usr/bin/env bash
# Builds the library for Android's four ABIs into the AAR module of examples/android, stripped, and checks that the pages of 64-bit
# libraries are 16 KB. Needs cargo-ndk, the Rust targets and an NDK, r28 or newer.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v cargo-ndk > /dev/null || { echo "cargo-ndk is missing: cargo install cargo-ndk" >&2; exit 1; }
: "${ANDROID_NDK_HOME:?names no NDK}"
out=examples/android/sotay/src/main/jniLibs
. bindings/mobile.sh
for pair in aarch64-linux-android:arm64-v8a armv7-linux-androideabi:armeabi-v7a x86_64-linux-android:x86_64 i686-linux-android:x86; do
    target="${pair%%:*}"; abi="${pair##*:}"
    # Identical functions are folded; relocations are packed in the form that Android reads since API 23 (0185).
    cargo ndk --platform 26 --target "$abi" rustc "${mobile[@]}" cdylib -- \
        -C link-arg=-Wl,--icf=all -C link-arg=-Wl,--pack-dyn-relocs=android
    library="target/$target/release-mobile/libsotay_ffi.so"
    mkdir -p "$out/$abi"
    "$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin/llvm-strip --strip-all -o "$out/$abi/libsotay_ffi.so" "$library"
    case "$abi" in
        arm64-v8a | x86_64)
            if readelf -lW "$out/$abi/libsotay_ffi.so" | awk '$1 == "LOAD" && strtonum($NF) < 0x4000 { bad = 1 } END { exit !bad }'; then
                echo "$abi: pages under 16 KB" >&2
                exit 1
            fi
            ;;
    esac
    stat -c "$abi: %s bytes" "$out/$abi/libsotay_ffi.so"
done

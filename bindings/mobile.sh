# Sourced by the scripts that build the library as it ships: what does not fit into a cargo profile. docs/decisions/0181.

# Tables for unwinding are a tenth of the library; with frame pointers they are two thirds as large. Panics go on unwinding.
export RUSTFLAGS="-C force-frame-pointers=yes ${RUSTFLAGS:-}"
# Nothing stands after a call that never returns. What else LLVM can do for size, and what it costs: docs/decisions/0185.
RUSTFLAGS+=" -C llvm-args=-no-trap-after-noreturn"
# Panics name source files, but not the folders of whoever built the library.
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
    RUSTFLAGS+=" --remap-path-prefix=$sources="
done
# C code: nothing unwinds through it. zstd decodes by one way instead of several; no wire format depends on it.
export CFLAGS="-fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections \
-DSQLITE_OMIT_JSON -DSQLITE_OMIT_LOAD_EXTENSION \
-DZSTD_STRIP_ERROR_STRINGS=1 -DHUF_FORCE_DECOMPRESS_X1=1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT=1 -DZSTD_NO_INLINE=1 -DDYNAMIC_BMI2=0 \
${CFLAGS:-}"
# Only this crate type: cargo does no link-time optimisation for a crate that is also built as an rlib.
mobile=(--locked -p sotay-ffi --no-default-features --features mobile --lib --profile release-mobile --crate-type)

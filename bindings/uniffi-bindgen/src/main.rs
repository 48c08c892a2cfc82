//! Writes the Kotlin, Swift and Python side of `sotay-ffi` from a built library; called by `bindings/generate.sh`.

fn main() {
    uniffi::uniffi_bindgen_main();
}

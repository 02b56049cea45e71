//! Reads what `bindings/ffi` exports out of the built library, and writes it down in another language.

fn main() {
    uniffi::uniffi_bindgen_main();
}

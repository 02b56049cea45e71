#!/bin/sh
# Makes parlour_ffiFFI.xcframework for iOS, its simulator and macOS, beside Package.swift. On macOS, with Xcode and
# Rust's targets; it has never been run by this project's tests, which have no Mac.
set -eu
cd "$(dirname "$0")/.."
root=$(cd ../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

for triple in aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin x86_64-apple-darwin; do
    rustup target add "$triple"
    cargo rustc --manifest-path "$root/bindings/ffi/Cargo.toml" --release --lib --crate-type staticlib --target "$triple"
done
(cd "$root" && cargo xtask swift)

headers=$(mktemp -d)
cp Sources/parlour_ffiFFI/parlour_ffiFFI.h "$headers/"
# Without `link`: the library is the framework's own.
printf 'module parlour_ffiFFI {\n    header "parlour_ffiFFI.h"\n    export *\n}\n' > "$headers/module.modulemap"
mkdir -p "$target/macos"
lipo -create -output "$target/macos/libparlour_ffi.a" \
    "$target/aarch64-apple-darwin/release/libparlour_ffi.a" "$target/x86_64-apple-darwin/release/libparlour_ffi.a"
rm -rf parlour_ffiFFI.xcframework
xcodebuild -create-xcframework -output parlour_ffiFFI.xcframework \
    -library "$target/aarch64-apple-ios/release/libparlour_ffi.a" -headers "$headers" \
    -library "$target/aarch64-apple-ios-sim/release/libparlour_ffi.a" -headers "$headers" \
    -library "$target/macos/libparlour_ffi.a" -headers "$headers"
rm -r "$headers"

//! The Swift client: what uniffi writes of it, made to pass a cancellation on, and its tests against a
//! server that was built already.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, args::Args, python, shell, tools};

pub(crate) const HELP: &str = "\
usage: cargo xtask swift

Puts what is generated of the Swift client into its package, on a release build of the library, so that
`swift build` in bindings/swift builds it. On Apple's systems scripts/xcframework.sh there goes on from it.";

/// Why something of Swift's wasn't done.
pub(crate) const MISSING: &str = "no swift in $SWIFT_HOME/usr/bin or on the path";

const PACKAGE: &str = "bindings/swift";
/// For its tests and whatever there is to build for them.
const TESTS_SECONDS_MAX: &str = "1200";
const LIBRARY: &str =
    if cfg!(target_os = "macos") { "libparlour_ffi.dylib" } else { "libparlour_ffi.so" };

pub(crate) fn run(args: Args) -> Outcome {
    args.finish()?;
    let library = shell::build(&["parlour-ffi"], true)?.join(LIBRARY);
    generate(&library)?;
    let folder = library.parent().unwrap_or(&library).display().to_string();
    println!("build it with: swift build -Xlinker -L{folder} -Xlinker -rpath -Xlinker {folder}");
    Ok(())
}

/// Its tests, with a library and a server of the dev profile that are there. `false` where there is no Swift.
pub(crate) fn tests() -> Outcome<bool> {
    let Some(swift) = compiler() else { return Ok(false) };
    let bins = shell::target_dir().join("debug");
    generate(&bins.join(LIBRARY))?;
    let mut test = within(TESTS_SECONDS_MAX, &swift);
    test.args(["test", "--quiet"]);
    with_library(&mut test, &swift, &bins)?;
    shell::run(test.env("PARLOUR_BIN", bins.join("parlour")))?;
    Ok(true)
}

/// The program that the benchmark `languages` runs, on a release build, as a command. Nothing without Swift.
pub(crate) fn figures() -> Outcome<Option<String>> {
    let Some(swift) = compiler() else { return Ok(None) };
    let bins = shell::build(&["parlour-ffi"], true)?;
    generate(&bins.join(LIBRARY))?;
    let words = ["build", "--quiet", "--configuration", "release", "--product", "figures"];
    let mut build = shell::program(&swift, &words);
    with_library(&mut build, &swift, &bins)?;
    shell::run(&mut build)?;
    Ok(Some(format!("'{}'", scratch().join("release/figures").display())))
}

/// Has a command of Swift's build the package with the library in that folder.
fn with_library(command: &mut Command, swift: &Path, bins: &Path) -> Outcome {
    let mut folder = OsString::from("-L");
    folder.push(bins);
    for flag in [&*folder, "-rpath".as_ref(), bins.as_os_str()] {
        command.arg("-Xlinker").arg(flag);
    }
    command.arg("--scratch-path").arg(scratch()).current_dir(package());
    with_path(command, swift)
}

/// The conformance kit's driver of the client, which the tests have built, as a command. Nothing without Swift.
pub(crate) fn driver() -> Outcome<Option<String>> {
    let program = scratch().join("debug/conformance-driver");
    if compiler().is_none() {
        return Ok(None);
    }
    match program.is_file() {
        true => Ok(Some(format!("'{}'", program.display()))),
        false => Err(format!("{} isn't there: its tests build it", program.display())),
    }
}

/// A program that is ended when it takes longer: XCTest waits for ever for a test that hangs.
fn within(seconds: &str, program: &Path) -> Command {
    if !tools::on_path("timeout") {
        return shell::program(program, &[]);
    }
    let mut command = shell::program("timeout", &["--kill-after=10", seconds]);
    command.arg(program);
    command
}

/// Where Swift builds to.
fn scratch() -> PathBuf {
    shell::target_dir().join("swift")
}

/// `swift` of the toolchain that is named, or on the path.
fn compiler() -> Option<PathBuf> {
    let named =
        std::env::var_os("SWIFT_HOME").map(|home| PathBuf::from(home).join("usr/bin/swift"));
    let named = named.filter(|program| program.is_file());
    named.or_else(|| {
        shell::works(&mut shell::program("swift", &["--version"])).then(|| "swift".into())
    })
}

/// Swift's own programs find each other on the path.
fn with_path(command: &mut Command, swift: &Path) -> Outcome {
    let Some(folder) = swift.parent().filter(|folder| folder.is_absolute()) else { return Ok(()) };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).map_err(|error| error.to_string())?);
    Ok(())
}

/// Puts what is generated from that library where the package looks.
fn generate(library: &Path) -> Outcome {
    let made = shell::target_dir().join("tmp/swift-generated");
    let words = ["generate", "--no-format", "--language", "swift", "--out-dir"];
    let mut bindgen = shell::program(python::bindgen()?.join("uniffi-bindgen"), &words);
    shell::run(bindgen.arg(&made).arg(library))?;
    let text = read(&made.join("parlour_ffi.swift"))?;
    let sources = package().join("Sources");
    write(&sources.join("Parlour/Generated/parlour_ffi.swift"), &cancellable(text)?)?;
    let header = read(&made.join("parlour_ffiFFI.h"))?;
    write(&sources.join("parlour_ffiFFI/parlour_ffiFFI.h"), &header)
}

/// How uniffi waits for Rust, and how it has to.
const WAITING: &[(&str, &str)] = &[
    ("fatalError(\"Cancellation not supported yet\")", "throw CancellationError()"),
    (
        "    freeFunc: (UInt64) -> (),\n",
        "    freeFunc: (UInt64) -> (),\n    cancelFunc: @escaping @Sendable (UInt64) -> (),\n",
    ),
    (
        "        pollResult = await withUnsafeContinuation {\n            pollFunc(",
        "        pollResult = await withTaskCancellationHandler { await withUnsafeContinuation {\n            pollFunc(",
    ),
    (
        "uniffiContinuationHandleMap.insert(obj: $0)\n            )\n        }\n",
        "uniffiContinuationHandleMap.insert(obj: $0)\n            )\n        } } onCancel: { cancelFunc(rustFuture) }\n",
    ),
];

/// What can't throw answers `false` when it is cancelled.
const OR_FALSE: &str = "
fileprivate func uniffiRustCallAsyncOrFalse<F>(
    rustFutureFunc: () -> UInt64,
    pollFunc: (UInt64, @escaping UniffiRustFutureContinuationCallback, UInt64) -> (),
    completeFunc: (UInt64, UnsafeMutablePointer<RustCallStatus>) -> F,
    freeFunc: (UInt64) -> (),
    cancelFunc: @escaping @Sendable (UInt64) -> (),
    liftFunc: (F) throws -> Bool,
    errorHandler: ((RustBuffer) throws -> Swift.Error)?
) async -> Bool {
    let answer = try? await uniffiRustCallAsync(
        rustFutureFunc: rustFutureFunc, pollFunc: pollFunc, completeFunc: completeFunc, freeFunc: freeFunc,
        cancelFunc: cancelFunc, liftFunc: liftFunc, errorHandler: errorHandler)
    return answer ?? false
}
";

/// Makes a task that is cancelled end its call in Rust, which uniffi 0.32 doesn't for Swift.
fn cancellable(mut text: String) -> Outcome<String> {
    for (from, to) in WAITING {
        if text.matches(from).count() != 1 {
            return Err(format!("uniffi writes something else for Swift now: no single {from:?}"));
        }
        text = text.replace(from, to);
    }
    let free = "freeFunc: ffi_parlour_ffi_rust_future_free_";
    let lines = text.lines().flat_map(|line| {
        let kind = line.trim_start().strip_prefix(free);
        let cancel = kind.map(cancelled);
        [Some(line.to_owned()), cancel].into_iter().flatten()
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(text.replace("try!  await uniffiRustCallAsync(", "await uniffiRustCallAsyncOrFalse(")
        + OR_FALSE)
}

/// How a future of that kind is cancelled, where `kind` ends in the comma between arguments.
fn cancelled(kind: &str) -> String {
    let kind = kind.trim_end_matches(',');
    format!("cancelFunc: {{ ffi_parlour_ffi_rust_future_cancel_{kind}($0) }},")
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    // What hasn't changed isn't built again.
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        Ok(())
    } else {
        fs::write(path, text).map_err(failed)
    }
}

fn package() -> PathBuf {
    shell::root().join(PACKAGE)
}

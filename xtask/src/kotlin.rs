//! The Kotlin client: what uniffi writes of it, its jar with the library inside, and its tests against
//! a server that was built already.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Outcome, args::Args, python, shell, tools};

pub(crate) const HELP: &str = "\
usage: cargo xtask kotlin

Builds the Kotlin client on a release build of the library, and installs its jar in the local Maven
repository as dev.parlour:parlour-client. The jar has the library of this system only.
Needs a JDK 11 or newer and Maven, which Debian's packages bring.";

const PACKAGE: &str = "bindings/kotlin";

/// Where JNA looks for the library of this system, and what it is called.
fn native() -> Outcome<(String, &'static str)> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    match std::env::consts::OS {
        "linux" => Ok((format!("linux-{architecture}"), "libparlour_ffi.so")),
        "macos" => Ok((format!("darwin-{architecture}"), "libparlour_ffi.dylib")),
        "windows" => Ok((format!("win32-{architecture}"), "parlour_ffi.dll")),
        other => Err(format!("no Kotlin client for {other}")),
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    args.finish()?;
    let library = shell::build(&["parlour-ffi"], true)?;
    generate(&library)?;
    maven(&["install", "-DskipTests"], None)
}

/// Its tests, with a library and a server of the dev profile that are there.
pub(crate) fn tests() -> Outcome {
    let bins = shell::target_dir().join("debug");
    generate(&bins)?;
    maven(&["package"], Some(&bins.join("parlour")))
}

/// The conformance kit's driver of the client, which the tests have built, as a command. A program that lives for a
/// moment doesn't want the compiler that makes it faster later.
pub(crate) fn driver() -> Outcome<String> {
    java("-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", "conformance.DriverKt")
}

/// The program that the benchmark `languages` runs, on a release build, as a command. Of a small heap more of what
/// doesn't belong there shows.
pub(crate) fn figures() -> Outcome<String> {
    let library = shell::build(&["parlour-ffi"], true)?;
    generate(&library)?;
    maven(&["package", "-DskipTests"], None)?;
    java("-XX:+UseSerialGC -Xmx48m", "figures.FiguresKt")
}

/// A program among the tests, as a command.
fn java(options: &str, class: &str) -> Outcome<String> {
    let built = package().join("target");
    let listed = built.join("classpath");
    let others = fs::read_to_string(&listed).map_err(|e| format!("{}: {e}", listed.display()))?;
    let path = format!("{0}/classes:{0}/test-classes:{1}", built.display(), others.trim());
    Ok(format!("java {options} -cp '{path}' dev.parlour.{class}"))
}

/// Puts what is generated from the library in that folder, and the library, where the build looks.
fn generate(bins: &Path) -> Outcome {
    let (folder, name) = native()?;
    let (generated, library) = (package().join("generated"), bins.join(name));
    // Neither an earlier version's file nor its classes are to be found beside the new ones.
    for old in [&generated, &package().join("target")] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|error| format!("{}: {error}", old.display()))?;
        }
    }
    let words = ["generate", "--no-format", "--language", "kotlin", "--out-dir"];
    let mut bindgen = shell::program(python::bindgen()?.join("uniffi-bindgen"), &words);
    shell::run(bindgen.arg(generated.join("kotlin")).arg(&library))?;
    let natives = generated.join("natives").join(folder);
    fs::create_dir_all(&natives).map_err(|error| format!("{}: {error}", natives.display()))?;
    let copied = fs::copy(&library, natives.join(name));
    copied.map(drop).map_err(|error| format!("{}: {error}", library.display()))
}

fn maven(words: &[&str], server: Option<&Path>) -> Outcome {
    tools::maven()?;
    let mut command = shell::program("mvn", &["--quiet", "--batch-mode"]);
    command.args(words).current_dir(package());
    if let Some(server) = server {
        command.env("PARLOUR_BIN", server);
    }
    shell::run(&mut command)
}

fn package() -> PathBuf {
    shell::root().join(PACKAGE)
}

//! Takes the files of the web client into the program, where they were built (`web/dist`): a server without
//! them is one all the same.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    // The folder above: one that isn't there would be looked at as changed each time. By its name, and by its
    // place: a target folder may be shared by several copies of the project, whose files aren't the same.
    println!("cargo:rerun-if-changed=web");
    println!("cargo:rerun-if-changed={}", here.join("web").display());
    let dist = here.join("web/dist");
    let mut found = vec![];
    if dist.is_dir() {
        find(&dist, &mut found)?;
    }
    found.sort();
    let mut table = fs::File::create(out.join("web_files.rs"))?;
    writeln!(table, "&[")?;
    for path in found.iter().filter(|path| path.extension().is_none_or(|ending| ending != "gz")) {
        write_row(&mut table, &dist, path, &out.join("web"))?;
    }
    writeln!(table, "]")
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Keeps a copy beside the table: what is compiled later is what was listed, whatever became of the folder.
fn write_row(table: &mut fs::File, dist: &Path, path: &Path, kept: &Path) -> io::Result<()> {
    let name = path.strip_prefix(dist).expect("it was found there");
    let name = name.to_str().expect("the build names files in ASCII").replace('\\', "/");
    let mut hash = DefaultHasher::new();
    fs::read(path)?.hash(&mut hash);
    fs::create_dir_all(kept.join(&name).parent().expect("it is in a folder"))?;
    fs::copy(path, kept.join(&name))?;
    let bytes = |name: &str| {
        format!("include_bytes!(concat!(env!(\"OUT_DIR\"), {:?}))", format!("/web/{name}"))
    };
    let small = PathBuf::from(format!("{}.gz", path.display()));
    let gzip = match small.is_file() {
        true => {
            fs::copy(&small, kept.join(format!("{name}.gz")))?;
            format!("Some({})", bytes(&format!("{name}.gz")))
        }
        false => "None".to_owned(),
    };
    writeln!(
        table,
        "File {{ path: {:?}, media_type: {:?}, etag: \"\\\"{:016x}\\\"\", bytes: {}, gzip: {gzip} }},",
        format!("/{name}"),
        media_type(path),
        hash.finish(),
        bytes(&name),
    )
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

//! Libraries to preload, compiled when they are needed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles one with the system's C compiler.
pub(crate) fn compile(folder: &Path, name: &str, source: &str) -> Result<PathBuf, String> {
    let (file, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    std::fs::write(&file, source).map_err(|error| error.to_string())?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-fPIC", "-shared", "-o"]).arg(&library).arg(&file).arg("-ldl");
    match compiler.status() {
        Ok(status) if status.success() => Ok(library),
        Ok(status) => Err(format!("cc: {status}")),
        Err(error) => Err(format!("cc: {error}")),
    }
}

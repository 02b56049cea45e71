//! What stands on the disk, whoever wrote it.

use std::{fs, path::Path};

/// The files below a folder in which that stands.
pub fn holding(folder: &Path, secret: &str) -> Vec<String> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(holding(&path, secret));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

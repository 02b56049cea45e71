//! The files of the web client, as they were when the program was built.

/// One of them.
#[derive(Debug)]
pub(crate) struct File {
    /// As it is asked for, such as `/index.html`.
    pub(crate) path: &'static str,
    pub(crate) media_type: &'static str,
    /// Another for other bytes (RFC 9110 section 8.8.3).
    pub(crate) etag: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same compressed, where that is worth it.
    pub(crate) gzip: Option<&'static [u8]>,
}

/// None where the web client wasn't built.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

const START: &str = "/index.html";
/// What has its content's hash in its name never changes.
const HASHED: &str = "/assets/";

impl File {
    /// How long browsers may keep it without asking (RFC 9111).
    pub(crate) fn cache_control(&self) -> &'static str {
        match self.path.starts_with(HASHED) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        }
    }
}

/// The file at that path. Places within the client are told apart by the client itself, so a path that
/// looks like no file's is its start.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    let exact = |path: &str| FILES.iter().find(|file| file.path == path);
    exact(path).or_else(|| {
        let last = path.rsplit('/').next().unwrap_or_default();
        (!last.contains('.')).then(|| exact(START)).flatten()
    })
}

/// Whether the program has them.
pub(crate) fn are_there() -> bool {
    !FILES.is_empty()
}

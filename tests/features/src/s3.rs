//! A real S3 server in a process of its own: s3s-fs, which checks signatures and keeps objects as files.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The key's id that it knows.
pub const ACCESS_KEY: &str = "AKPARLOURTEST";
/// The key.
pub const SECRET_KEY: &str = "a-secret-of-this-test-only";

/// Where the program is: where `PARLOUR_S3S_FS` says, on the path, or where `cargo xtask test` installs it.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PARLOUR_S3S_FS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("s3s-fs"));
    // Test programs lie in `deps` of a profile's folder.
    let test = std::env::current_exe().ok();
    let target = test.as_deref().and_then(|test| test.ancestors().nth(3));
    let installed = target.map(|target| target.join("tools/bin/s3s-fs"));
    named.into_iter().chain(on_path).chain(installed).find(|program| program.is_file())
}

/// One of a test's own, with its buckets in a folder. Dropping it kills it; the folder stays.
#[derive(Debug)]
pub struct S3 {
    program: PathBuf,
    root: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl S3 {
    /// Starts one with an empty bucket of that name.
    pub fn start(program: &Path, root: &Path, bucket: &str) -> S3 {
        fs::create_dir_all(root.join(bucket)).expect("a folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let mut s3 = S3 { program: program.into(), root: root.into(), address, child: None };
        s3.run();
        s3
    }

    /// Starts it again, where it was.
    pub fn run(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .args(["--host", "127.0.0.1", "--port", &self.address.port().to_string()])
            .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
            .arg(&self.root)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().expect("s3s-fs starts"));
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let child = self.child.as_mut().expect("it was started");
            assert!(
                child.try_wait().expect("it can be asked").is_none()
                    && began.elapsed() < Duration::from_secs(60),
                "s3s-fs doesn't listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it, as a machine that fails would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The names of all objects in a bucket, sorted.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        let root = self.root.join(bucket);
        let mut found = files(&root);
        found.sort();
        let below = |file: PathBuf| file.strip_prefix(&root).map(|path| path.display().to_string());
        found.into_iter().flat_map(below).collect()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.kill();
    }
}

/// All files below a folder, but hidden ones.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        match path.is_dir() {
            _ if is_hidden => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

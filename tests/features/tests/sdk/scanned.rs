//! Attachments under a scanner's eyes: a real clamd, with a signature of this test's own; and what
//! ffmpeg finds in sound. Where the host has neither, that is said.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::clients::client;
use parlour::{TransferError, protocol::wire::ErrorReason};
use parlour_features::server::{Options, ROOMY, Server};

/// What the signature finds.
const WORM: &[u8] = b"PARLOUR-TEST-WORM-NOT-A-VIRUS";

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A clamd of one's own; it ends with the test.
struct Clamd {
    child: Child,
    socket: PathBuf,
}

impl Clamd {
    fn start(program: &Path, folder: &Path) -> Clamd {
        let (database, socket) = (folder.join("db"), folder.join("clamd.sock"));
        fs::create_dir_all(&database).expect("a folder");
        let hex: String = WORM.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(database.join("test.ndb"), format!("Parlour.Test.Worm:0:*:{hex}\n"))
            .expect("a signature");
        let user = String::from_utf8_lossy(
            &Command::new("id").arg("-un").output().expect("id runs").stdout,
        )
        .trim()
        .to_owned();
        let config = folder.join("clamd.conf");
        let text = format!(
            "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nUser {user}\n\
             LogFile {}\nStreamMaxLength 10M\n",
            socket.display(),
            database.display(),
            folder.join("clamd.log").display(),
        );
        fs::write(&config, text).expect("a configuration");
        let mut command = Command::new(program);
        command.arg("--config-file").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("clamd starts");
        let mut clamd = Clamd { child, socket };
        let began = Instant::now();
        while UnixStream::connect(&clamd.socket).is_err() {
            let ended = clamd.child.try_wait().expect("it can be asked");
            assert!(
                ended.is_none() && began.elapsed() < Duration::from_secs(60),
                "{}",
                clamd.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        clamd
    }

    fn log(&self) -> String {
        fs::read_to_string(self.socket.with_file_name("clamd.log")).unwrap_or_default()
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_the_scanner_refuses_is_never_kept() {
    let Some(clamd) = program("clamd") else {
        eprintln!("SKIPPED: clamd is not on this host; `apt-get install clamav-daemon`");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let clamd = Clamd::start(&clamd, folder.path());
    let config = format!("{ROOMY}[blobs]\nscanner = \"{}\"\n", clamd.socket.display());
    let server = Server::start(Options::config(config));
    let alice = client(&server, "alice").connect().await.unwrap();
    let clean = alice.upload(b"nothing to see here".to_vec()).named("a.txt").await.unwrap();
    assert_eq!(clean.media_type, "text/plain");
    let mut bad = b"some words before ".to_vec();
    bad.extend(WORM);
    let refused = alice.upload(bad.clone()).named("b.txt").await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::BlobInfected), "{refused}");
    // Nothing of it is anywhere.
    let mut folders = vec![server.data().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                assert!(!bytes.windows(WORM.len()).any(|part| part == WORM), "{path:?}");
            }
        }
    }
    // While nobody can say, nothing is kept either; it waits, and can be tried again.
    drop(clamd);
    let upload = alice.upload(b"who knows".to_vec()).into_future();
    let waits = tokio::time::timeout(Duration::from_secs(3), upload).await;
    let waits = waits.map(|done| done.map_err(|error| matches!(error, TransferError::Refused(_))));
    assert!(matches!(waits, Err(_) | Ok(Err(true))), "{waits:?}");
}

#[tokio::test]
async fn sound_has_a_length_and_a_shape() {
    let Some(ffmpeg) = program("ffmpeg").filter(|_| program("ffprobe").is_some()) else {
        eprintln!("SKIPPED: ffmpeg is not on this host; `apt-get install ffmpeg`");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("memo.ogg");
    let made = Command::new(ffmpeg)
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=3",
            "-c:a",
            "libopus",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let server = Server::roomy();
    let alice = client(&server, "alice").connect().await.unwrap();
    let memo = alice.upload(path.as_path()).voice().await.unwrap();
    assert_eq!((memo.media_type.as_str(), memo.is_voice), ("audio/ogg", true));
    assert!((2900..3200).contains(&memo.duration_ms), "{}", memo.duration_ms);
    assert!(memo.waveform.len() > 100, "{}", memo.waveform.len());
    let loud = memo.waveform.iter().filter(|peak| **peak > 10).count();
    assert!(loud > 90, "{:?}", memo.waveform);
}

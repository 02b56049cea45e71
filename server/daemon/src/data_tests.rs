//! The data folder: permissions, the lock, files that appear whole.

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn the_folder_and_what_is_in_it_belong_to_the_owner() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(&dir.path().join("a/b")).expect("data");
    assert_eq!(mode(data.root()), 0o700);
    assert!(!data.is_open_to_others().expect("mode"));
    read_or_create(&data.token_key(), || b"secret".to_vec()).expect("key");
    assert_eq!((mode(&data.keys()), mode(&data.token_key())), (0o700, 0o600));
    fs::set_permissions(data.root(), fs::Permissions::from_mode(0o755)).expect("chmod");
    assert!(data.is_open_to_others().expect("mode"));
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("folder");
    let data = DataFolder::open(dir.path()).expect("data");
    let lock = data.lock().expect("first");
    assert!(matches!(data.lock(), Err(DataError::InUse { .. })));
    drop(lock);
    assert!(data.lock().is_ok());
}

#[test]
fn what_was_created_first_stays() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("k");
    assert_eq!(read_or_create(&path, || b"one".to_vec()).expect("made"), b"one");
    assert_eq!(read_or_create(&path, || b"two".to_vec()).expect("kept"), b"one");
    write_private(&path, b"three").expect("replaced");
    assert_eq!(fs::read(&path).expect("read"), b"three");
    assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1, "nothing left over");
}

#[test]
fn racing_creators_agree() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("k");
    let got: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let make = |i: u8| {
            let path = &path;
            scope.spawn(move || read_or_create(path, || vec![i; 32]).expect("key"))
        };
        let threads: Vec<_> = (0..16).map(make).collect();
        threads.into_iter().map(|thread| thread.join().expect("thread")).collect()
    });
    assert!(got.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_folder_that_can_not_be_made_is_an_error() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("file");
    fs::write(&file, b"").expect("file");
    assert!(matches!(DataFolder::open(&file.join("x")), Err(DataError::Io { .. })));
}

//! The file of a login.

use super::*;

#[test]
fn what_is_kept_comes_back_and_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.login");
    let mut keeper = Keeper::new(Some(path.clone()));
    assert_eq!(keeper.load().unwrap(), Kept::default());
    let kept = Kept { login: vec![1; 48], secret: vec![2; 32], next: vec![], server: "a:1".into() };
    keeper.save(&kept).unwrap();
    keeper.save(&kept).unwrap();
    assert_eq!(Keeper::new(Some(path.clone())).load().unwrap(), kept);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    keeper.remove().unwrap();
    keeper.remove().unwrap();
    assert_eq!(keeper.load().unwrap(), Kept::default());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn another_file_is_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, "what somebody wrote").unwrap();
    assert_eq!(Keeper::new(Some(path)).load().unwrap(), Kept::default());
    let missing = folder.path().join("no folder").join("x");
    assert!(Keeper::new(Some(missing)).save(&Kept::default()).is_err());
}

//! Tests of what a second process is started from, and of its end.

use std::process::Command;

use super::myself;

/// Set in the copy of this program that has removed its own file.
const COPY: &str = "PARLOUR_XTASK_COPY";

/// A build has another program where this one was: `current_exe` names nothing then.
#[test]
fn a_program_whose_file_is_gone_starts_itself_again() {
    if let Some(copy) = std::env::var_os(COPY) {
        std::fs::remove_file(copy).unwrap();
        let again = Command::new(myself().unwrap()).arg("--list").output().unwrap();
        assert!(again.status.success());
        return;
    }
    let copy = std::env::temp_dir().join(format!("xtask-copy-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let words = ["--exact", "second::tests::a_program_whose_file_is_gone_starts_itself_again"];
    let output = Command::new(&copy).args(words).env(COPY, &copy).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!copy.exists());
}

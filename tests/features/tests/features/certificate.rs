//! The development certificate: pinned by its hash, kept over restarts.

use std::fs;

use parlour_features::{
    raw::{Door, Lost},
    server::Server,
    world::join,
};

#[tokio::test]
async fn clients_pin_the_printed_hash_and_refuse_another() {
    let server = Server::roomy();
    let ready = server.ready();
    let file = fs::read_to_string(server.data().join("certificate.sha256")).expect("it is there");
    // The next one's hash stands there as well, so that clients can pin it in time.
    assert_eq!(file.lines().next(), Some(&ready.sha256[..]));
    let wrong: String = ready.sha256.chars().rev().collect();
    let refused = Door::to(ready.quic, &wrong).handshake().await;
    assert!(matches!(refused, Err(Lost::Transport(_))), "{refused:?}");
    join(&server, "ada").await;
}

#[tokio::test]
async fn the_certificate_outlives_a_restart_and_is_the_servers_own() {
    let mut server = Server::roomy();
    let before = server.ready().sha256.clone();
    server.kill();
    server.run().expect("it starts again");
    assert_eq!(server.ready().sha256, before);
    assert_ne!(Server::roomy().ready().sha256, before);
}

#[test]
fn keys_and_data_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::roomy();
    let mut folders = vec![server.data()];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).expect("a folder").permissions().mode();
        // The data folder keeps everybody out of what is in it.
        assert!(folder != server.data() || mode & 0o077 == 0, "{mode:o}");
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mode = entry.metadata().expect("metadata").permissions().mode();
            if name.contains("key") || name.ends_with(".sock") {
                assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
            }
        }
    }
}

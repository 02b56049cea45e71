//! The operator's line, both ends.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::*;

struct Echo;

impl AdminService for Echo {
    fn handle(&self, request: Request) -> Task<'_, Response> {
        Box::pin(async move {
            match request {
                Request::Status => Response::Status(Status::default()),
                Request::Revoke { .. } => Response::Revoked { closed: 3 },
                other => Response::Failed { why: format!("{other:?}") },
            }
        })
    }
}

#[tokio::test]
async fn requests_are_answered_and_refusals_are_errors() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("admin.sock");
    assert!(matches!(ask(&path, &Request::Status).await, Err(AdminError::NotRunning)));
    let server = AdminServer::start(&path, Arc::new(Echo)).expect("listening");
    let mode = fs::metadata(&path).expect("socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = ask(&path, &Request::Status).await.expect("answered");
    assert_eq!(status, Response::Status(Status::default()));
    let revoke = Request::Revoke { org: "acme".into(), what: Revoked::Subject("ada".into()) };
    assert_eq!(ask(&path, &revoke).await.expect("answered"), Response::Revoked { closed: 3 });
    assert!(matches!(ask(&path, &Request::Drain).await, Err(AdminError::Refused(_))));
    drop(server);
    assert!(matches!(ask(&path, &Request::Status).await, Err(AdminError::NotRunning)));
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    assert!(matches!(ask(&path, &Request::Status).await, Err(AdminError::NotRunning)));
    let _server = AdminServer::start(&path, Arc::new(Echo)).expect("listening");
    assert!(ask(&path, &Request::Status).await.is_ok());
}

#[tokio::test]
async fn a_long_path_works_as_well() {
    let dir = tempfile::tempdir().expect("folder");
    let deep = dir.path().join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).expect("folders");
    let path = deep.join("admin.sock");
    let _server = AdminServer::start(&path, Arc::new(Echo)).expect("listening");
    assert!(ask(&path, &Request::Status).await.is_ok());
}

#[tokio::test]
async fn nonsense_is_answered_and_bounded() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("admin.sock");
    let _server = AdminServer::start(&path, Arc::new(Echo)).expect("listening");
    for nonsense in [b"{}\n".to_vec(), b"\xff\xfe\n".to_vec(), vec![b'x'; 200_000]] {
        let mut stream = UnixStream::connect(&path).await.expect("connected");
        let _ = stream.write_all(&nonsense).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.len() < 200);
    }
    assert!(ask(&path, &Request::Status).await.is_ok());
}

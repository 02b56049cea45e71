//! The server's end of the operator's line.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};

use super::{AdminService, Request, Response, short_path};
use crate::limits;

/// A listening socket; gone when dropped.
#[derive(Debug)]
pub struct AdminServer {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl AdminServer {
    /// Listens at `path`. Whoever calls this owns the data folder, so a socket that is there
    /// was left by a server that is no more.
    pub fn start(path: &Path, service: Arc<dyn AdminService>) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (short, _folder) = short_path(path)?;
        let listener = UnixListener::bind(short)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let task = tokio::spawn(serve(listener, service));
        Ok(AdminServer { path: path.into(), task })
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve(listener: UnixListener, service: Arc<dyn AdminService>) {
    let permits = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS_MAX));
    loop {
        let permit = permits.clone().acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: they come back.
            tokio::time::sleep(limits::ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = answer(stream, &*service).await {
                tracing::debug!(error = %error.kind(), "operator's connection failed");
            }
        });
    }
}

async fn answer(mut stream: UnixStream, service: &dyn AdminService) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(limits::ADMIN_LINE_BYTES_MAX));
    timeout(limits::ADMIN_REQUEST_WITHIN, reader.read_line(&mut line)).await??;
    let response = match serde_json::from_str::<Request>(&line) {
        Ok(request) => service.handle(request).await,
        Err(_) => Response::Failed { why: "the request is not understood".into() },
    };
    let mut text = serde_json::to_string(&response)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await?;
    writer.shutdown().await
}

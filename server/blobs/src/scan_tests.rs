//! The scanner's words, from a server that speaks as clamd does. A real clamd is asked by the
//! feature tests.

use std::{future::Future, net::SocketAddr};

use parlour_core::ports::blobs::BlobError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::Scanner;

/// Answers one question, and returns what was asked.
async fn clamd(answer: &'static [u8]) -> (SocketAddr, impl Future<Output = Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut asked = vec![0; 10 + 4 + 10 + 4];
        stream.read_exact(&mut asked).await.expect("read");
        stream.write_all(answer).await.expect("written");
        asked
    });
    (address, async move { asked.await.expect("asked") })
}

#[tokio::test]
async fn only_a_clear_answer_lets_a_file_through() {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), b"some bytes").expect("written");
    for (answer, outcome) in [
        (&b"stream: OK\0"[..], Ok(())),
        (b"stream: Eicar-Test-Signature FOUND\0", Err(BlobError::Infected)),
        (b"INSTREAM size limit exceeded. ERROR\0", Err(BlobError::Unavailable)),
        (b"", Err(BlobError::Unavailable)),
    ] {
        let (address, asked) = clamd(answer).await;
        assert_eq!(Scanner::Tcp(address).scan(file.path()).await, outcome);
        assert_eq!(asked.await, b"zINSTREAM\0\0\0\0\x0asome bytes\0\0\0\0");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let gone = listener.local_addr().expect("address");
    drop(listener);
    assert_eq!(Scanner::Tcp(gone).scan(file.path()).await, Err(BlobError::Unavailable));
}

#[test]
fn addresses_and_paths() {
    let tcp = "127.0.0.1:3310".parse().expect("address");
    assert_eq!(Scanner::parse("127.0.0.1:3310"), Some(Scanner::Tcp(tcp)));
    let path = "/var/run/clamav/clamd.ctl";
    assert_eq!(Scanner::parse(path), Some(Scanner::Unix(path.into())));
    assert_eq!(Scanner::parse("clamd"), None);
}

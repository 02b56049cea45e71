//! Parlour in forty lines: says hello to somebody and prints what comes back.
//!
//! `hello HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT`, as `parlour serve` and `parlour token` give
//! them.

use std::error::Error;

use futures_util::StreamExt;
use parlour::{Client, Diff, Item, Trust};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, token, subject] = &arguments[..] else {
        return Err("hello HOST:PORT CERTIFICATE-SHA256 TOKEN SUBJECT".into());
    };
    let trust = Trust::parse_sha256(certificate).ok_or("not a SHA-256 hash")?;
    let client =
        Client::builder().address(address).token(token.as_str()).trust(trust).connect().await?;

    let room = client.open_direct(subject.as_str()).await?;
    let mut timeline = room.timeline().await?;
    room.send("Hello!").await?;

    while let Some(diff) = timeline.next().await {
        if let Diff::Insert { item: Item::Message(message), .. } = diff
            && message.sender != client.me()
        {
            show(&message.text);
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a program in the terminal is for")]
fn show(text: &str) {
    println!("{text}");
}

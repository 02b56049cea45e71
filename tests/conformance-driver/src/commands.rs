//! The kit's commands, each by the client's own means.

use std::{net::UdpSocket, path::PathBuf, sync::Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parlour::{Attachment, Client, Draft, Focus, Room, RoomId, Trust, UserId, presence::Activity};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    lines::{Failure, file_line, message_line},
    lock,
    tokens::Tokens,
    watch::{Timelines, watch_client, watch_news},
};

const DOWNLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;

type Answer = Result<Value, Value>;

/// The client under test, and what is kept for it.
pub(crate) struct Driver {
    pub(crate) tokens: Tokens,
    client: Mutex<Option<Client>>,
    timelines: Timelines,
    uploaded: Mutex<Vec<Attachment>>,
    folder: TempDir,
    caches: Mutex<u32>,
    /// A port on which nobody answers, for a client that shall come over WebSocket.
    silent: UdpSocket,
}

impl Driver {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Driver {
            tokens: Tokens::default(),
            client: Mutex::new(None),
            timelines: Timelines::default(),
            uploaded: Mutex::new(Vec::new()),
            folder: tempfile::tempdir()?,
            caches: Mutex::new(0),
            silent: UdpSocket::bind("127.0.0.1:0")?,
        })
    }

    /// Does a command; its answer, or why it failed.
    pub(crate) async fn obey(&self, command: &Value) -> Answer {
        let what = command["do"].as_str().unwrap_or_default();
        match what {
            "connect" => self.connect(command).await,
            "close" => self.close().await,
            "open" | "shut" | "older" => self.look(what, command).await,
            "send" => self.send(command).await,
            "edit" | "delete" | "react" | "pin" => self.change(what, command).await,
            "read" | "unread" | "typing" => self.mark(what, command).await,
            "notify" => watch_news(&self.client()?).await.map(nothing).map_err(line),
            "presence" => self.presence(command).await,
            "retry" | "discard" => self.unsent(what, command).await,
            "open_direct" | "create_group" => self.make_room(what, command).await,
            "upload" => self.upload(command).await,
            "download" => self.download(command).await,
            "search" => self.search(command).await,
            "network_changed" => self.client().map(|client| client.network_changed()).map(nothing),
            "reconnect" => self.client().map(|client| client.reconnect()).map(nothing),
            _ => Err(Failure::of("no such command").into_line()),
        }
    }

    async fn connect(&self, command: &Value) -> Answer {
        let text = |name: &str| command[name].as_str().unwrap_or_default();
        let trust = Trust::parse_sha256(text("certificate"))
            .ok_or_else(|| Failure::of("no certificate").into_line())?;
        let silent = || self.silent.local_addr().map(|address| address.to_string());
        let address = match text("carrier") {
            "websocket" => silent().map_err(|_| Failure::of("no port").into_line())?,
            _ => text("quic").to_owned(),
        };
        let mut builder = Client::builder()
            .address(address)
            .trust(trust)
            .token(self.tokens.source())
            .cache(self.cache(text("cache") == "kept"))
            .agent("conformance");
        if text("carrier") != "quic" {
            let url = text("url").replacen("http", "ws", 1);
            builder = builder.websocket(format!("{url}/parlour/v1/ws"));
        }
        if text("focus") == "focused" {
            builder = builder.focus(Focus::Focused);
        }
        let client = builder.start().await.map_err(line)?;
        watch_client(&client);
        *lock(&self.client) = Some(client);
        Ok(json!({}))
    }

    /// Where the client keeps what it knows: a new place, or that of the one before.
    fn cache(&self, kept: bool) -> PathBuf {
        let mut caches = lock(&self.caches);
        if !kept || *caches == 0 {
            *caches += 1;
        }
        self.folder.path().join(format!("cache-{caches}"))
    }

    async fn close(&self) -> Answer {
        self.timelines.shut_all();
        let client = lock(&self.client).take();
        if let Some(client) = client {
            client.disconnect().await;
        }
        Ok(json!({}))
    }

    fn client(&self) -> Result<Client, Value> {
        lock(&self.client).clone().ok_or_else(|| Failure::of("closed").into_line())
    }

    fn room(&self, command: &Value) -> Result<Room, Value> {
        Ok(self.client()?.room(room_id(command)?))
    }

    // Looking.

    async fn look(&self, what: &str, command: &Value) -> Answer {
        let (id, root) = (room_id(command)?, number(command, "root"));
        match what {
            "open" => {
                let room = self.room(command)?;
                let timeline = match root {
                    0 => room.timeline().await,
                    root => room.thread(root).timeline().await,
                };
                self.timelines.watch(timeline.map_err(line)?, root);
            }
            "shut" => self.timelines.shut(id, root),
            _ => {
                let limit = u32::try_from(number(command, "limit")).unwrap_or(u32::MAX);
                let more = self.timelines.older(id, root, limit).await.map_err(line)?;
                return Ok(json!({"more": more}));
            }
        }
        Ok(json!({}))
    }

    async fn search(&self, command: &Value) -> Answer {
        let words = command["text"].as_str().unwrap_or_default();
        let found = self.client()?.search(words).await.map_err(line)?;
        let hits: Vec<Value> = found.hits.iter().map(|hit| message_line(&hit.message)).collect();
        Ok(json!({"hits": hits}))
    }

    // Saying.

    async fn send(&self, command: &Value) -> Answer {
        let room = self.room(command)?;
        let mentions = list(command, "mentions");
        let uploaded = lock(&self.uploaded).clone();
        let named = |file: &Value| {
            let hash = file["hash"].as_str().unwrap_or_default();
            uploaded.iter().find(|one| one.hash.to_string() == hash).cloned()
        };
        let draft = Draft {
            text: command["text"].as_str().unwrap_or_default().to_owned(),
            mentions: mentions.iter().filter_map(|user| user.parse::<UserId>().ok()).collect(),
            mentions_everyone: command["everyone"] == true,
            reply_to: command["reply_to"].as_u64(),
            thread_root: command["root"].as_u64(),
            attachments: command["files"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(named)
                .collect(),
            ..Draft::default()
        };
        let sent = room.send(draft).await.map_err(line)?;
        Ok(json!({"seq": sent.seq}))
    }

    async fn change(&self, what: &str, command: &Value) -> Answer {
        let (room, seq) = (self.room(command)?, number(command, "seq"));
        let text = |name: &str| command[name].as_str().unwrap_or_default();
        let off = command["off"] == true;
        match (what, off) {
            ("edit", _) => {
                let sent = room.edit(seq, text("text")).await.map_err(line)?;
                return Ok(json!({"seq": sent.seq}));
            }
            ("delete", _) => {
                let sent = room.delete(seq).await.map_err(line)?;
                return Ok(json!({"seq": sent.seq}));
            }
            ("react", false) => room.react(seq, text("emoji")).await,
            ("react", true) => room.unreact(seq, text("emoji")).await,
            (_, false) => room.pin(seq).await,
            (_, true) => room.unpin(seq).await,
        }
        .map(nothing)
        .map_err(line)
    }

    async fn mark(&self, what: &str, command: &Value) -> Answer {
        let (room, seq) = (self.room(command)?, number(command, "seq"));
        match what {
            "read" => room.mark_read(seq).await.map_err(line)?,
            "unread" => room.mark_unread(seq).await.map_err(line)?,
            _ => room.typing(command["active"] == true),
        }
        Ok(json!({}))
    }

    async fn presence(&self, command: &Value) -> Answer {
        let activity = match command["activity"].as_str() {
            Some("active") => Activity::Active,
            Some("idle") => Activity::Idle,
            Some("invisible") => Activity::Invisible,
            _ => Activity::Background,
        };
        self.client()?.presence().set_activity(activity).await.map(nothing).map_err(line)
    }

    async fn unsent(&self, what: &str, command: &Value) -> Answer {
        let item = self.timelines.of_ref(command["ref"].as_str().unwrap_or_default());
        let message = item.as_ref().and_then(|item| item.message());
        let message = message.ok_or_else(|| Failure::of("not shown").into_line())?;
        let done = if what == "retry" { message.retry().await } else { message.discard().await };
        done.map(nothing).map_err(line)
    }

    async fn make_room(&self, what: &str, command: &Value) -> Answer {
        let client = self.client()?;
        let room = if what == "open_direct" {
            client.open_direct(command["subject"].as_str().unwrap_or_default()).await
        } else {
            let name = command["name"].as_str().unwrap_or_default();
            client.create_group(name, list(command, "subjects")).await
        };
        Ok(json!({"room": room.map_err(line)?.id().to_string()}))
    }

    // Files.

    async fn upload(&self, command: &Value) -> Answer {
        let bytes = STANDARD
            .decode(command["bytes"].as_str().unwrap_or_default())
            .map_err(|_| Failure::of("no base64").into_line())?;
        let upload = self.client()?.upload(bytes);
        let upload = upload.named(command["name"].as_str().unwrap_or_default());
        let upload = match command["media_type"].as_str() {
            Some(media_type) => upload.media_type(media_type),
            None => upload,
        };
        let file = upload.await.map_err(line)?;
        let told = json!({"file": file_line(&file)});
        lock(&self.uploaded).push(file);
        Ok(told)
    }

    async fn download(&self, command: &Value) -> Answer {
        let (room, seq) = (self.room(command)?, number(command, "seq"));
        let hash = command["hash"].as_str().unwrap_or_default();
        let file = self.timelines.file(room.id(), seq, hash);
        let file = file.ok_or_else(|| Failure::of("not shown").into_line())?;
        let bytes = room.download(seq, &file).bytes(DOWNLOAD_BYTES_MAX).await.map_err(line)?;
        Ok(json!({"bytes": STANDARD.encode(bytes)}))
    }
}

fn nothing((): ()) -> Value {
    json!({})
}

fn line(error: impl Into<Failure>) -> Value {
    error.into().into_line()
}

fn room_id(command: &Value) -> Result<RoomId, Value> {
    let text = command["room"].as_str().unwrap_or_default();
    text.parse().map_err(|_| Failure::of("no room").into_line())
}

fn number(command: &Value, name: &str) -> u64 {
    command[name].as_u64().unwrap_or_default()
}

fn list<'a>(command: &'a Value, name: &str) -> Vec<&'a str> {
    command[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

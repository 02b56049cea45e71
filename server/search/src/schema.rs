//! What the index keeps of a message, and how text becomes words.

use parlour_core::{
    ports::search::Entry,
    search::words::{self, tokens},
};
use parlour_protocol::ids::RoomId;
use tantivy::{
    IndexSettings, IndexSortByField, Order, TantivyDocument, Term,
    schema::{
        BytesOptions, FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema,
        TextFieldIndexing, TextOptions,
    },
    tokenizer::{Token, TokenStream, Tokenizer},
};

/// Another number whenever the index would be another one: of another make, or of other words.
pub(crate) const VERSION: u32 = 1;
/// The tokenizer's name in the index.
pub(crate) const WORDS: &str = "parlour-words";

/// Values of the field `has`.
pub(crate) const LINK: u64 = 1;
pub(crate) const FILE: u64 = 2;

/// The fields of a message. Of a room's mark there are `key`, the room alone, `room` and `upto`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// room ‖ seq.
    pub(crate) key: Field,
    pub(crate) room: Field,
    pub(crate) seq: Field,
    pub(crate) upto: Field,
    pub(crate) at_ms: Field,
    pub(crate) sender: Field,
    pub(crate) thread: Field,
    pub(crate) has: Field,
    pub(crate) text: Field,
}

/// Names of the columns that are read beside what was found.
pub(crate) mod column {
    pub(crate) const ROOM: &str = "room";
    pub(crate) const SEQ: &str = "seq";
    pub(crate) const UPTO: &str = "upto";
    pub(crate) const AT_MS: &str = "at_ms";
}

/// By time, the newest first: see `top.rs`, which relies on it.
pub(crate) fn settings() -> IndexSettings {
    let newest_first = IndexSortByField { field: column::AT_MS.to_owned(), order: Order::Desc };
    IndexSettings { sort_by_field: Some(newest_first), ..IndexSettings::default() }
}

/// The schema and its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let indexed = || BytesOptions::default().set_indexed();
    let number: NumericOptions = INDEXED.into();
    // Positions for phrases; the text itself is in the log.
    let words = TextFieldIndexing::default()
        .set_tokenizer(WORDS)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let fields = Fields {
        key: schema.add_bytes_field("key", indexed()),
        room: schema.add_bytes_field(column::ROOM, indexed().set_fast()),
        seq: schema.add_u64_field(column::SEQ, FAST),
        upto: schema.add_u64_field(column::UPTO, FAST),
        at_ms: schema.add_u64_field(column::AT_MS, FAST),
        sender: schema.add_bytes_field("sender", indexed()),
        thread: schema.add_u64_field("thread", number.clone()),
        has: schema.add_u64_field("has", number),
        text: schema.add_text_field("text", TextOptions::default().set_indexing_options(words)),
    };
    (schema.build(), fields)
}

impl Fields {
    /// A message as the index keeps it.
    pub(crate) fn document(&self, entry: &Entry) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_bytes(self.key, &key(entry.room, entry.seq));
        document.add_bytes(self.room, entry.room.as_bytes());
        document.add_u64(self.seq, entry.seq);
        document.add_u64(self.upto, entry.upto);
        document.add_u64(self.at_ms, entry.at_ms);
        document.add_bytes(self.sender, entry.sender.as_bytes());
        if entry.thread_root > 0 {
            document.add_u64(self.thread, entry.thread_root);
        }
        for (has, what) in [(entry.has_link, LINK), (entry.has_file, FILE)] {
            if has {
                document.add_u64(self.has, what);
            }
        }
        document.add_text(self.text, &entry.text);
        document
    }

    /// That a room was read up to there. No search finds it: it has no words, no sender, nothing.
    pub(crate) fn mark(&self, room: RoomId, upto: u64) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_bytes(self.key, room.as_bytes());
        document.add_bytes(self.room, room.as_bytes());
        document.add_u64(self.seq, 0);
        document.add_u64(self.upto, upto);
        document.add_u64(self.at_ms, 0);
        document
    }

    /// Names a message.
    pub(crate) fn key_term(&self, room: RoomId, seq: u64) -> Term {
        Term::from_field_bytes(self.key, &key(room, seq))
    }

    /// Names a room's mark.
    pub(crate) fn mark_term(&self, room: RoomId) -> Term {
        Term::from_field_bytes(self.key, room.as_bytes())
    }
}

fn key(room: RoomId, seq: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(room.as_bytes());
    key[16..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The core's words for tantivy.
#[derive(Clone, Default)]
pub(crate) struct Words;

/// See [`Words`].
pub(crate) struct WordStream {
    words: std::vec::IntoIter<words::Token>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream {
        WordStream { words: tokens(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for WordStream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        (self.token.offset_from, self.token.offset_to) = (word.start, word.end);
        self.token.text = word.text;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

//! The Rust SDK against a real server, a file for each feature. One program: to link one for each file
//! would take longer than to run them.

mod accounts;
mod apps;
mod attachments;
mod bots;
mod bucket;
mod clients;
mod connection;
mod directory;
mod erasure;
mod export;
mod fallback;
mod groups;
mod intents;
mod interactions;
mod kept;
mod later;
mod messages;
mod moderation;
mod own;
mod people;
mod pictures;
mod polls;
mod presence;
mod previews;
mod quotas;
mod retention;
mod scanned;
mod search;
mod threads;

//! The server's core as its sessions see it, a file for each feature. One program: to link one for each
//! file would take longer than to run them.

#![allow(missing_docs, clippy::unwrap_used)]

mod access;
mod accounts;
mod accounts_swept;
mod asking;
mod attachments;
mod chains;
mod chat;
mod clock;
mod directory;
mod drafts;
mod edits;
mod erased;
mod erasure;
mod erasure_again;
mod expiry;
mod followed;
mod gather;
mod inbox;
mod intents;
mod interactions;
mod invites;
mod keys;
mod mention_groups;
mod moderation;
mod node_rooms;
mod pace;
mod people;
mod pictures;
mod pins;
#[path = "../../../../tests/features/src/png.rs"]
#[allow(unreachable_pub, reason = "it is another crate's")]
mod png;
mod polls;
mod polls_shown;
mod presence;
mod previews;
mod private_rooms;
mod quotas;
mod reactions;
mod receipts;
mod reminders;
mod retention;
mod room_life;
mod saved;
mod scheduled;
mod search;
mod slow_readers;
mod thread_counts;
mod threads;
mod unread;
mod webhooks;
mod webhooks_turns;

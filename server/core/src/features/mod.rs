//! The features: one file each, none knows another. A handler reads through its context and
//! emits drafts.

mod access;
mod account_admin;
mod account_admin_service;
mod accounts;
mod apps;
mod blobs;
mod compliance;
mod directory;
mod drafts;
mod edits;
mod emoji;
mod erasure;
mod expiry;
mod health;
mod history;
mod hooks;
mod inbox;
mod interactions;
mod invites;
mod markers;
mod messages;
mod moderation;
mod passkeys;
mod people;
mod pins;
mod polls;
mod presence;
mod previews;
mod private_rooms;
mod quotas;
mod reactions;
mod receipts;
mod reminders;
mod room_life;
mod rooms;
mod saved;
mod scheduled;
mod search;
mod service_accounts;
mod sessions;
mod settings;
mod sync;
mod sync_service;
mod threads;
mod users;
mod webhooks;

// Rows that no other room of the house knows, for the list of all.
pub(crate) use emoji::EmojiRow;
pub(crate) use interactions::CommandsRow;

pub mod typing;

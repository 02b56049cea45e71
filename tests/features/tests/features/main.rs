//! A real server process and clients that speak the bare protocol; one file per feature.

mod apps;
mod auth;
mod bad_input;
mod bad_lanes;
mod certificate;
mod config;
mod devices;
mod directory;
mod docs;
mod drain;
mod focused;
mod hello;
mod hooks;
mod http;
mod markers;
mod messages;
mod oidc;
mod previews;
mod restart;
mod revocation;
mod rooms;
mod rpc;
mod rpc_refused;
mod sync;
mod typing;
mod webhooks;

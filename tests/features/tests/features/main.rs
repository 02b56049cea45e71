//! A real server process and clients that speak the bare protocol; one file per feature.

mod auth;
mod bad_input;
mod bad_lanes;
mod certificate;
mod config;
mod devices;
mod directory;
mod drain;
mod focused;
mod hello;
mod http;
mod markers;
mod messages;
mod restart;
mod revocation;
mod rooms;
mod sync;
mod typing;

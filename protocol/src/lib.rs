//! Parlour wire protocol, version 1: messages, frames, ids, errors and limits.

pub mod ids;

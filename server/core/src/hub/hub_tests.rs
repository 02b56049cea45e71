//! The hub as a state machine.

//! The integration tests: one binary, one module per feature, one builder ([`world`]) for all.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that panics has failed")]
#![expect(clippy::disallowed_methods, reason = "a test is the machine: it starts the program and sets its environment")]

mod commands;
mod completions;
mod keychain;
mod login;
mod person;
mod readme;
mod renewal;
mod reports;
mod scripted;
mod security;
mod serve;
mod stdio;
mod tidy;
mod wire;
mod world;

//! The integration tests: one binary, one module per feature, one builder ([`world`]) for all.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that panics has failed")]
#![expect(clippy::disallowed_methods, reason = "a test is the machine: it starts the program and sets its environment")]

mod accounts;
mod audit;
mod cisco;
mod commands;
mod completions;
mod credential;
mod devices;
mod docs;
mod doctor;
mod documents;
mod dpop;
mod ending;
mod fault;
mod fickle;
mod file;
mod headers;
mod id_token;
mod identity;
mod install;
mod issuer;
mod keychain;
mod layouts;
mod login;
mod logout;
mod manual;
mod netbox;
mod pages;
mod person;
mod portal;
mod providers;
mod readme;
mod renewal;
mod reports;
mod scripted;
mod security;
mod serve;
mod setup;
mod sign_in;
mod smart_bonding;
mod status;
mod stdio;
mod step_up;
mod stores;
#[cfg(unix)]
mod terminal;
mod tidy;
mod toolsets;
mod trust;
mod wire;
mod world;

//! Black-box tests: the real binary over HTTP, with a real mail server. One binary, so that servers are shared.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests from end to end, their helpers included; a panic is a failure"
)]

mod browser;
mod client_contract;
mod command_line;
mod config;
mod cross_origin;
mod custom_stages;
mod default_project;
mod delegated;
mod faults;
mod golden;
mod hostile;
mod house;
mod inventory;
mod keys;
mod mail;
mod mail_change;
mod malformed;
mod managed;
mod processes;
mod profile;
mod registration;
mod reload;
mod sample_projects;
mod security;
mod sessions;
mod stages;
mod static_build;
mod support;
mod tokens;
mod unmodified;
mod world;

//! The engine with its real stages on ports in memory: whole processes, and the security rules that only show across stages.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod any_input;
mod check;
mod codes;
mod consequences;
mod creation;
mod details;
mod disclosure;
mod harness;
mod joined;
mod ledger;
mod mails;
mod matrix;
mod newcomer;
mod orders;
mod profile;
mod questions;
mod registrations;
mod resets;
mod sessions;
mod taken;
mod tokens;

//! The engine with its real stages on ports in memory: whole processes, and the security rules that only show across stages.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod check;
mod codes;
mod disclosure;
mod harness;
mod ledger;
mod matrix;
mod mails;
mod orders;
mod questions;
mod resets;
mod sessions;
mod tokens;

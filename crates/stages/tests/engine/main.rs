//! The engine with its real stages on ports in memory: whole processes, and the security rules that only show across stages.

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
mod tokens;

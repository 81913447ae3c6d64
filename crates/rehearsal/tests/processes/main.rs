//! Processes that are rehearsed: walked through, drawn and explored.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod projects;
mod reach;
mod setting;

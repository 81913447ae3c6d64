//! A project without a server: its compiled processes on the real engine, with people, store, mailbox, captcha and clock in memory.
//!
//! `vestibule simulate` walks somebody through a process here and writes down what happens; the tests of the engine keep their rows in the
//! same [`MemoryLedger`]. The rule easiest to break: nothing here may reach a store, a mail server or a network. So every port is made
//! in this crate, none is taken from outside, and a test looks at what this crate is linked with.

mod definition;
mod expect;
mod ledger;
mod names;
mod parallel;
mod person;
mod plan;
mod ports;
pub mod prove;
mod record;
mod rehearsal;
mod transcript;
mod values;
mod walk;
mod world;

pub use ledger::{Kept, MemoryLedger, Rows};
pub use names::named;
pub use parallel::in_parallel;
pub use plan::{Expected, ExpectedAnswer, ExpectedMail, Plan, PlanError, PlannedStep};
pub use record::recorded;
pub use rehearsal::{Asks, Rehearsal, RehearsalError, Tested};
pub use transcript::{AccountElsewhere, Became, Decision, Exchange, Outcome, Reached, SeenMail, Sessions, Touched, Transcript};
pub use world::{Ground, NoKeys, Setting, World};

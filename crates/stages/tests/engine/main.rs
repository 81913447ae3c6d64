//! The engine with its real stages on ports in memory: whole processes, and the security rules that only show across stages.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod any_input;
mod check;
mod claims;
mod codes;
mod consequences;
mod contract;
mod creation;
mod declared;
mod details;
mod disclosure;
mod due;
#[path = "../../../../docs/contributing/email_domain.rs"]
mod email_domain;
mod examples;
mod exchanges;
mod former;
mod harness;
#[path = "../../../../docs/contributing/invitation_code.rs"]
mod invitation_code;
mod joined;
mod mails;
mod matrix;
mod model;
mod newcomer;
mod on_the_map;
mod orders;
mod profile;
mod questions;
mod registrations;
mod resets;
mod sessions;
mod simulation;
#[path = "../../../../tests/it/support/stages.rs"]
#[expect(dead_code, reason = "the black-box tests use more of them")]
mod stages;
mod taken;
mod tokens;

use process::{Catalogue, Declared};
// What a stage names by `crate::` where it belongs, in the crate itself.
use vestibule_stages::{Services, input, state};

/// Every stage that the tests of all stages are driven by: the catalogue, and the examples of `docs/contributing` as they stand there.
pub(crate) fn types() -> Catalogue<Services> {
    added(vestibule_stages::catalogue())
}

/// The lines of the table in `docs/contributing/adding-a-stage.md`. They are compiled here, and compared with what that page says.
macro_rules! table {
    ($($file:ident::$stage:ident,)*) => {
        fn added(catalogue: Catalogue<Services>) -> Catalogue<Services> {
            catalogue$(.with(Box::new(Declared::<$file::$stage>::new())))*
        }

        /// As they are written.
        pub(crate) const LINES: &[&str] = &[$(concat!(stringify!($file), "::", stringify!($stage), ",")),*];
    };
}

table! {
    email_domain::EmailDomain,
    invitation_code::InvitationCode,
}

/// Does the same thing so often at the same time.
pub(crate) fn race<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|n| scope.spawn(move || work(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

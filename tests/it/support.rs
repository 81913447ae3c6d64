//! What the tests stand on: the real binary, a real mail server, a captcha verifier, and a client that sends exactly what it is told.
//!
//! Easiest to get wrong: nothing here may sleep. A test waits for a line, a mail or a condition, each with a bound.

pub(crate) mod access_manager;
pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod identity_provider;
pub(crate) mod jwcrypto;
pub(crate) mod keycloak;
pub(crate) mod lines;
pub(crate) mod mailbox;
pub(crate) mod newcomer;
pub(crate) mod peer;
pub(crate) mod people;
pub(crate) mod profile;
pub(crate) mod project;
pub(crate) mod real_provider;
pub(crate) mod reaper;
pub(crate) mod running;
pub(crate) mod sarif;
pub(crate) mod server;
pub(crate) mod sink;
pub(crate) mod stages;
pub(crate) mod tls;
pub(crate) mod tls_proxy;
pub(crate) mod verifier;
pub(crate) mod visitor;

/// Says that a test is passed over for want of something; a failure where nothing may be (`VESTIBULE_SKIP_NOTHING`).
#[track_caller]
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("VESTIBULE_SKIP_NOTHING").is_none(), "passed over: {why}");
    eprintln!("skipped: {why}");
}

pub(crate) use client::{Client, Link};
pub(crate) use http::Response;
pub(crate) use mailbox::mailbox;
pub(crate) use people::Person;
pub(crate) use project::Project;
pub(crate) use server::Server;
pub(crate) use visitor::Visitor;

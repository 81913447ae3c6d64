//! Black-box tests: the real binary over HTTP, with a real mail server. One binary, so that servers are shared.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "these are tests from end to end, their helpers included; a panic is a failure, and counters are whole numbers"
)]

mod access_rules;
mod acting;
mod backup;
mod browser;
mod canary;
mod check;
mod citations;
mod client_contract;
mod command_line;
mod comparing;
mod config;
mod config_versions;
mod connections;
mod cross_origin;
mod custom_stages;
mod default_project;
mod delegated;
mod diagnostics;
mod differences;
mod doctor;
mod event_scripts;
mod explain;
mod failover;
mod faults;
mod figures;
mod funnel;
mod golden;
mod grants;
mod habits;
mod hostile;
mod house;
mod importing;
mod instances;
mod inventory;
mod keycloak;
mod keys;
mod mail;
mod mail_change;
mod malformed;
mod managed;
mod map;
mod monitoring;
mod names;
mod pages;
mod policies;
mod postgres;
mod processes;
mod profile;
mod prove;
mod proxies;
mod queries;
mod registration;
mod relationships;
mod released;
mod reload;
mod rest_details;
mod sample_projects;
mod script_environment;
mod security;
mod service;
mod serving;
mod sessions;
mod setting_keys;
mod shared_limits;
mod simulate;
mod social;
mod stage_keys;
mod stages;
mod starting;
mod static_build;
mod store_between;
mod store_copy;
mod store_faults;
mod store_recovery;
mod store_roles;
mod support;
mod tokens;
mod tracing;
mod transcripts;
mod two_nodes;
mod unmodified;
mod values_at_rest;
mod world;

//! What a request says, read from its bytes: where it goes, who sends it, which operation, under which conditions, with which body.
//!
//! Everything here is a function of the request alone: no connection, no clock, no store, no setting that is not an argument. So all of
//! it is fuzzed (`tests/fuzz`), and the server above it never looks into a header on its own. Easiest to break: the bytes come
//! from anybody. Whatever cannot be read is refused or ignored, never a fault of ours (SEC-52), and every list has a longest length.

pub mod body;
pub mod client;
pub mod conditions;
pub mod cookie;
pub mod credentials;
pub mod direct;
pub mod files;
pub mod frames;
pub mod host;
pub mod http1;
pub mod language;
pub mod parameters;
pub mod path;
pub mod proxy_protocol;
pub mod request;
pub mod traceparent;
pub mod version;

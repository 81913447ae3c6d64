//! What a request says, read from its bytes: where it goes, who sends it, which operation, under which conditions, with which body.
//!
//! Everything here is a function of the request alone: no connection, no clock, no store, no setting that is not an argument. So all of
//! it is fuzzed (`tests/fuzz`), and the server above it never looks into a header on its own. Easiest to break: these are a stranger's
//! bytes. Whatever cannot be read is refused, or is as if it had not been sent, never an error of ours (SEC-52); and a list has a longest
//! length.

pub mod body;
pub mod client;
pub mod conditions;
pub mod cookie;
pub mod credentials;
pub mod files;
pub mod language;
pub mod parameters;
pub mod path;
pub mod request;
pub mod version;

//! Two servers compared by what clients of one were seen to ask: a recording is replayed at both, and what they answer differently is told.
//!
//! Easiest to break: a token. Each server is sent its own, in the place of the recorded one; an exchange that would need a value which no answer of
//! this run holds is not sent at all, and is counted.

mod carried;
mod differing;
mod recording;

pub use carried::{Carried, Needed};
pub use differing::{Answer, Compared};
pub use recording::{Exchange, Recording, RecordingError};

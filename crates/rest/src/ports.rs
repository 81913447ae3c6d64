//! What the REST interface needs of the process that serves it: ports of accounts.

pub use accounts::ports::{FileVersions, Health, OtherNodes, ProjectFiles};

//! What happened until now, as the command line asks for it, without a server or beside one.

use std::path::Path;

use accounts::explain::{self, Sought};
use accounts::funnel;
use crest::ResourceError;
use serde_json::Value;

use crate::{Offline, OfflineError};

impl Offline {
    /// The runs of somebody, to be explained.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn sought(&self, name: &str) -> Result<Sought, OfflineError> {
        let found = explain::person(&self.db, name).await?;
        found.map(Sought::Person).ok_or_else(|| OfflineError::Nobody(name.to_owned()))
    }

    /// What happened in runs of processes, as [`explain::runs`] says it; `data` holds the files of the audit trail.
    ///
    /// # Errors
    /// When the store does not answer or a file cannot be read.
    pub async fn explain(&self, data: &Path, sought: &Sought) -> Result<Vec<Value>, OfflineError> {
        Ok(crate::audit::runs(&self.db, &data.join("audit"), sought).await.map_err(ResourceError::from)?)
    }

    /// The funnel of so many days, today included; `apart` says whether days and languages are left apart. Who is in the memory of a server
    /// that is running is counted with its next sweep.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn funnel(&self, days: u32, apart: bool) -> Result<Vec<Value>, OfflineError> {
        let now = self.clock.unix_seconds();
        let since = funnel::since(now, days);
        let counts = self.db.funnel(since, now).await.map_err(ResourceError::from)?;
        Ok(funnel::rows(&counts, apart, apart))
    }
}

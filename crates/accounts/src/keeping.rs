//! What a face keeps between two requests of one browser: sealed, for a while, in the store that every node has.
//!
//! Easiest to get wrong: what is found by a name that somebody else can know is theirs too. A name has a random part, and what must
//! belong to one browser has that browser's secret in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use process::{Effect, Unit};
use zeroize::Zeroizing;

use crate::accounts::Accounts;

/// Label of the hash that the store knows a name by: who reads the store learns no name.
const PLACE: &str = "kept for a page";

impl Accounts {
    /// Keeps `content` under `name` until `until`, in seconds since 1970.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn keep(&self, name: &str, content: &[u8], until: i64) -> Result<(), ResourceError> {
        let sealed = jose::seal_at_rest(&self.keys, name, content).map_err(|error| {
            tracing::error!(%error, "what a page keeps cannot be sealed");
            ResourceError::internal("Internal Server Error")
        })?;
        let token = URL_SAFE_NO_PAD.encode(self.keys.keyed(PLACE, &[name.as_bytes()]));
        let effects = vec![Effect::StoreContext { token, sealed, expires: until }];
        self.ledger.commit(Unit { now: self.now(), spend: None, effects }).await?;
        Ok(())
    }

    /// What was kept under `name`, while its time lasts.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn kept(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ResourceError> {
        for hash in self.keys.keyed_by_each(PLACE, &[name.as_bytes()]) {
            if let Some(found) = self.ledger.context(&URL_SAFE_NO_PAD.encode(hash)).await? {
                let opened = jose::open_at_rest(&self.keys, name, &found.sealed).filter(|_| found.expires > self.now());
                return Ok(opened.map(|opened| opened.value));
            }
        }
        Ok(None)
    }
}

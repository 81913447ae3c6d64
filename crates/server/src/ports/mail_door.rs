//! What the mail service can take.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use crest::ResourceError;
use mail::{Courier, Unwritable};
use stages::{MailAddress, MailDoor, MailRefusal};

/// Asks the courier, once there is one.
#[derive(Default)]
pub(crate) struct CourierDoor(OnceLock<Arc<Courier>>);

impl CourierDoor {
    /// The courier that will be asked. It is set once.
    pub(crate) fn open(&self, courier: &Arc<Courier>) {
        let _ = self.0.set(Arc::clone(courier));
    }
}

#[async_trait]
impl MailDoor for CourierDoor {
    async fn refuses(&self, address: &MailAddress) -> Result<Option<MailRefusal>, ResourceError> {
        let Some(courier) = self.0.get() else { return Ok(None) };
        match courier.transport().refuses(address).await {
            Ok(None) => Ok(None),
            Ok(Some(Unwritable::NotAllowed)) => Ok(Some(MailRefusal::NoAddress)),
            Ok(Some(reason @ Unwritable::NotTaken)) => {
                Ok(Some(MailRefusal::NotTaken(format!("mail cannot be sent to {address}: {reason}"))))
            }
            Err(error) => {
                tracing::warn!(%error, "the mail server cannot be asked what addresses it takes");
                Err(ResourceError::unavailable("The mail server cannot be reached, try again later"))
            }
        }
    }
}

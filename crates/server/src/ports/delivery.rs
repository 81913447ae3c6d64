//! The courier, as accounts see it.

use std::sync::Arc;

use accounts::ports::Delivery;
use async_trait::async_trait;
use crest::ResourceError;
use process::MailId;

use mail::Courier;

/// Delivers with the courier.
pub(crate) struct CourierDelivery(pub(crate) Arc<Courier>);

#[async_trait]
impl Delivery for CourierDelivery {
    fn wake(&self) {
        self.0.wake();
    }

    async fn wait(&self, mails: &[MailId]) -> Result<(), ResourceError> {
        self.0.wait(mails).await
    }

    fn is_configured(&self) -> bool {
        self.0.transport().is_configured()
    }
}

//! What an administrator does with the server itself, by whichever face: ending limits, having mails sent.
//!
//! Easiest to get wrong: whoever calls these has found out that an administrator asks. What they do is in the audit trail, the same wherever
//! it was asked for.

use std::net::IpAddr;

use crest::ResourceError;
use process::{Effect, Mail, MailId, Outbox, Topic, Unit};
use serde_json::json;
use stages::MailRefusal;

use crate::attempt::Actor;
use crate::limits::Cleared;
use crate::ports::OtherNodes;

impl Actor<'_> {
    /// Ends exhausted limits at every node: those of a person, by a login name or the path of an object (`managed/user/<id>`), those of the
    /// network of an address, or both.
    ///
    /// # Errors
    /// 400 where nobody is named, 404 for an object that is not there, 503 when the store does not answer: then limits may have been ended here
    /// alone.
    pub async fn clear_limits(&self, others: &dyn OtherNodes, person: Option<&str>, network: Option<IpAddr>) -> Result<(), ResourceError> {
        if person.is_none() && network.is_none() {
            return Err(ResourceError::bad_request("Name a 'person' or a 'network' whose limits are cleared"));
        }
        let mut all: Vec<_> = network.map(Cleared::Network).into_iter().collect();
        if let Some(person) = person {
            all.extend(self.login_names(person).await?.into_iter().map(Cleared::Account));
        }
        let accounts = self.attempt.accounts;
        for cleared in &all {
            accounts.limits.clear(cleared);
        }
        let detail = json!({ "person": person, "network": network });
        accounts.trail.record(self.event(Topic::Activity, "limits-cleared", "vestibule/limits".to_owned(), detail));
        for cleared in &all {
            others.clear(cleared).await?;
        }
        Ok(())
    }

    /// The login names of a person: what was named, or those of the object that it is the path of.
    async fn login_names(&self, person: &str) -> Result<Vec<String>, ResourceError> {
        let path = person.trim_matches('/').rsplit_once('/').filter(|(collection, _)| collection.starts_with("managed/"));
        let Some((collection, id)) = path else { return Ok(vec![person.to_owned()]) };
        let runtime = self.attempt.runtime;
        let found = runtime.managed.objects.read(collection, id).await?;
        let found = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))?;
        Ok(runtime.login_names(collection, &found.content))
    }

    /// Sends a mail once more that was given up.
    ///
    /// # Errors
    /// 409 for a mail that was not, 503 when the store does not answer.
    pub async fn retry_mail(&self, outbox: &dyn Outbox, id: MailId) -> Result<(), ResourceError> {
        if !outbox.retry(id, self.attempt.now).await? {
            return Err(ResourceError::conflict("Only a mail that was given up can be sent again"));
        }
        self.attempt.accounts.delivery.wake();
        Ok(())
    }

    /// Puts mails into the outbox whose recipients are addresses; their numbers.
    ///
    /// # Errors
    /// 400 for a recipient that the mail service cannot write to, 503 when it or the store does not answer. Then nothing is sent to anybody.
    pub async fn send_mails(&self, mails: Vec<Mail>) -> Result<Vec<MailId>, ResourceError> {
        let (accounts, door) = (self.attempt.accounts, &self.attempt.runtime.services.mail_door);
        for mail in &mails {
            let unfit = || ResourceError::bad_request("Bad To: email address");
            match door.refuses(&mail.to.parse().map_err(|_| unfit())?).await? {
                None => {}
                Some(MailRefusal::NoAddress) => return Err(unfit()),
                Some(MailRefusal::NotTaken(reason)) => return Err(ResourceError::bad_request(reason)),
            }
        }
        let effects = mails.into_iter().map(Effect::Mail).collect();
        let receipt = accounts.ledger.commit(Unit { now: self.attempt.now, spend: None, effects }).await?;
        accounts.delivery.wake();
        Ok(receipt.mails)
    }
}

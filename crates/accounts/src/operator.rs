//! What an administrator does with the server itself, by whichever face: ending limits, having mails sent.
//!
//! Easiest to get wrong: whoever calls these has found out that an administrator asks. What they do is in the audit trail, the same wherever
//! it was asked for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crest::{Change, Patch, PatchOperation, Pointer, Resource, ResourceError};
use process::{Effect, Mail, MailId, Outbox, Topic, Unit};
use project::Module;
use serde_json::json;
use stages::{MailAddress, MailRefusal};

use crate::attempt::{Actor, Attempt};
use crate::limits::{Cleared, nobody};
use crate::mail_change::{address, asked, place};
use crate::passwords::internal;
use crate::ports::OtherNodes;

impl Actor<'_> {
    /// Ends exhausted limits at every node: those of a person, by a login name, whether anybody has it or not, or the path of an object (`managed/user/<id>`), those of the
    /// network of an address, or both. A person's are guesses at their password, answers, codes, mails to them and changes of their address.
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
            all.extend(self.of_person(person).await?);
        }
        let accounts = self.attempt.accounts;
        for cleared in &all {
            accounts.clear(cleared);
        }
        let detail = json!({ "person": person, "network": network });
        accounts.trail.record(self.event(Topic::Activity, "limits-cleared", "vestibule/limits".to_owned(), detail));
        others.clear(&all).await
    }

    /// Whose limits are a person's: those of their login names, their account and their mailbox. What the store counts is ended at once.
    async fn of_person(&self, person: &str) -> Result<Vec<Cleared>, ResourceError> {
        let path = person.trim_matches('/').rsplit_once('/').filter(|(collection, _)| collection.starts_with("managed/"));
        let Some((collection, id)) = path else {
            // Guesses at a name are counted whether somebody has it or not, and so at what the configuration calls so, and at what stands in for nobody.
            let mut all = vec![Cleared::Account(person.to_owned()), Cleared::Object(internal(person))];
            let collections: BTreeSet<&str> = self.attempt.runtime.project.authentication.of_people().map(Module::collection).collect();
            all.extend(collections.into_iter().map(|collection| Cleared::Object(nobody(collection, person))));
            for (collection, found) in self.attempt.known_as(person).await? {
                all.extend(self.of_object(collection, &found).await?);
            }
            return Ok(all);
        };
        let found = self.attempt.runtime.managed.objects.read(collection, id).await?;
        let found = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))?;
        self.of_object(collection, &found).await
    }

    async fn of_object(&self, collection: &str, found: &Resource) -> Result<Vec<Cleared>, ResourceError> {
        let Attempt { accounts, runtime, now, .. } = self.attempt;
        let mailbox = address(&found.content).and_then(|text| text.trim().parse::<MailAddress>().ok());
        let processes: Vec<&str> = runtime.processes.keys().map(String::as_str).collect();
        let keyed = |label: &str, parts: &[&[u8]]| accounts.keys.keyed_for_long(label, parts);
        let mut counters = stages::counters((collection, &found.id), mailbox.as_ref().map(MailAddress::as_str), &processes, keyed);
        counters.push(asked(&place(&accounts.keys, collection, &found.id)));
        let mut effects: Vec<Effect> = counters.into_iter().map(Effect::ResetCounter).collect();
        effects.extend(self.without_attempts(collection, found));
        accounts.ledger.commit(Unit { now, spend: None, effects }).await?;
        let mut all = vec![Cleared::Object(format!("{collection}/{}", found.id))];
        all.extend(runtime.login_names(collection, &found.content).into_iter().map(Cleared::Account));
        all.extend(mailbox.map(|mailbox| Cleared::Recipient(mailbox.as_str().to_owned())));
        Ok(all)
    }

    /// Ends the count that a project keeps in the account's own property (`kbaAttemptsPropertyName`).
    fn without_attempts(&self, collection: &str, found: &Resource) -> Option<Effect> {
        let property = Pointer::from_tokens([self.attempt.runtime.kba.attempts_property.as_deref()?]);
        property.get(&found.content)?;
        Some(Effect::Change(Change::Patch {
            collection: collection.to_owned(),
            id: found.id.clone(),
            patch: Patch::new(vec![PatchOperation::replace(property, json!(0))]),
            expected: None,
            guard: None,
        }))
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

//! What the pages of somebody's own account have in common: whose it is, and the way back to a form with what is wrong.
//!
//! Easiest to get wrong: while processes are due nothing of the account is shown but them (docs/protocol/clients.md, point 21), and what a
//! project's access rules forbid over REST is forbidden here.

use accounts::access::Decision;
use accounts::{AccountError, Editor, Proof};
use crest::{Patch, Resource, ResourceError};
use identity::ObjectSchema;

use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::field::{Field, Problem};
use crate::step::Draft;
use crate::visit::{Outcome, Visit};
use crate::way::{HOME, encoded};

/// Whoever is not signed in goes there first and comes back; whoever owes something does that first.
pub(crate) enum Gate {
    /// The account can be shown.
    Open(Box<Person>),
    /// The answer instead.
    Closed(Outcome),
}

/// Somebody's own object.
pub(crate) struct Person {
    /// The object, as it is stored.
    pub(crate) object: Resource,
    /// Its type.
    pub(crate) schema: ObjectSchema,
    /// Its collection.
    pub(crate) collection: String,
    /// They can sign in with a password.
    pub(crate) has_password: bool,
}

impl Visit {
    /// The person's own object, where they may see it now.
    pub(crate) async fn person(&self) -> Gate {
        match self.own_object().await {
            Ok(gate) => gate,
            Err(error) => Gate::Closed(Err(error.into())),
        }
    }

    async fn own_object(&self) -> Result<Gate, ResourceError> {
        if !self.is_signed_in() {
            if self.is_post() {
                return Ok(self.account_interrupted().await);
            }
            return Ok(Gate::Closed(Ok(see_other(&format!("/sign-in?to={}", encoded(&self.here()))))));
        }
        if self.principal.pending.is_some() || !self.principal.is_managed() {
            return Ok(Gate::Closed(Ok(see_other(HOME))));
        }
        if !self.may(&self.principal.own_path(), "read", None).await {
            return Ok(Gate::Closed(Err(DeadEnd::new(Why::Forbidden))));
        }
        let (collection, id) = (self.principal.component.clone(), self.principal.id.clone());
        let found = self.runtime.managed.objects.read(&collection, &id).await?;
        let object = found.ok_or_else(|| ResourceError::not_found("The account is gone"))?;
        // A script may leave it out of what is shown.
        let has_password = self.actor().has_password(&object);
        let object = self.actor().managed().retrieved(&collection, object).await?;
        let schema = self.runtime.managed.schema(&collection)?.clone();
        Ok(Gate::Open(Box::new(Person { object, schema, collection, has_password })))
    }

    /// Writes on behalf of the person.
    pub(crate) fn editor<'v>(&'v self, operation: &'v str, proof: Proof<'v>) -> Editor<'v> {
        Editor { actor: self.actor(), caller: self.caller(), operation, delegate: None, proof }
    }

    /// What the access rules say of a patch of one's own: it may need the password.
    pub(crate) async fn permitted(&self, patch: &Patch, proof: Proof<'_>) -> Result<(), AccountError> {
        match self.judged(patch).await {
            Decision::Allowed => Ok(()),
            Decision::AllowedAfterReauthentication => self.attempt().prove(&self.principal, proof).await,
            Decision::Denied => Err(ResourceError::forbidden("Access denied").into()),
        }
    }

    /// The same of whoever has given the password already.
    pub(crate) async fn not_forbidden(&self, patch: &Patch) -> Result<(), AccountError> {
        if self.judged(patch).await == Decision::Denied { Err(ResourceError::forbidden("Access denied").into()) } else { Ok(()) }
    }

    /// What the access rules say of a patch of one's own.
    pub(crate) async fn judged(&self, patch: &Patch) -> Decision {
        self.decide(&self.principal.own_path(), "patch", None, Some(&patch.to_value())).await
    }

    /// What was typed before, where the address names it.
    pub(crate) async fn draft(&self) -> Result<Option<Draft>, ResourceError> {
        match self.query.filled("at") {
            Some(at) => Ok(self.kept(at).await?.and_then(|draft| self.owned(draft))),
            None => Ok(None),
        }
    }

    /// Back to the form, with what was typed and what is wrong. `shows` shows it at once where it is not kept.
    pub(crate) async fn back(
        &self,
        fields: &[Field],
        problems: Vec<Problem>,
        status: u16,
        shows: impl FnOnce(&Draft) -> Outcome,
    ) -> Outcome {
        let draft = Draft::of(self, fields, problems, status);
        if self.counted().is_err() {
            return shows(&draft);
        }
        match self.keep_draft(&draft, &draft).await? {
            Some(at) => Ok(see_other(&format!("{}?at={at}", self.parts.uri.path()))),
            None => shows(&draft),
        }
    }
}

//! Passwords: of people, of the accounts a project configures, and of the administrator.
//!
//! Easiest to get wrong: an unknown name, a wrong password, an inactive and an ambiguous account are one answer and one amount of work
//! (SEC-02). A guess has two places, by the name that was typed and by the account that it is at, and has both before anything is compared. Once
//! something was compared in vain it counts, whatever refuses it after that.

use crest::{Change, Filter, Guard, Patch, PatchOperation, Pointer, Resource, ResourceError};
use identity::secret::{Secret, Verdict};
use process::{Effect, Unit};
use project::{Module, ModuleKind};
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::attempt::Attempt;
use crate::devices::Carried;
use crate::error::AccountError;
use crate::identify::Password;
use crate::limits::{Guess, OwnDevice, nobody};
use crate::principal::{ANONYMOUS, ModuleFacts, Principal, login_property};
use crate::roles;
use identity::is_active;

impl Attempt<'_> {
    /// Tries the modules in order; the first that succeeds counts. All of it is one guess, whose place is taken before anything is compared.
    pub(crate) async fn verify(&self, given: &Password) -> Result<Principal, AccountError> {
        let (user, password) = (given.user.as_str(), given.password.as_str());
        if let Some((principal, module)) = self.verify_anonymous(user, password) {
            let let_in = self.augmented(&module.script, principal, None).await?;
            return let_in.ok_or_else(|| self.turned_away(user));
        }
        let device = self.own_device(user, &given.device).await?;
        let mut guess = self.accounts.limits.guess(self.address, user, device.as_ref(), self.now)?;
        match self.compare(user, password, &mut guess).await {
            Ok(Some(principal)) => {
                guess.right_and_known();
                self.succeeded(&principal);
                Ok(principal)
            }
            Ok(None) => Err(self.turned_away(user)),
            Err(error) => {
                guess.not_judged();
                Err(error)
            }
        }
    }

    /// Everybody's account. Its password is no secret: nothing is counted, nothing recorded but the access itself.
    fn verify_anonymous(&self, user: &str, password: &str) -> Option<(Principal, &Module)> {
        if user != ANONYMOUS {
            return None;
        }
        self.runtime.project.authentication.enabled().find_map(|module| {
            let expected = configured(module, user)?;
            same(expected, password).then(|| (Principal::internal(user, &module.roles, ModuleFacts::of(module)), module))
        })
    }

    /// The device that a cookie proves to be one of the person with this name. Nobody is looked for where it can prove nothing.
    async fn own_device<'d>(&self, user: &str, carried: &'d str) -> Result<Option<OwnDevice<'d>>, AccountError> {
        let Some(carried) = Carried::read(carried) else { return Ok(None) };
        let known = self.known_as(user).await?;
        let mut owners = known.iter().map(|(collection, person)| format!("{collection}/{}", person.id));
        let owner = owners.find(|owner| carried.proves(&self.accounts.keys, owner));
        Ok(owner.map(|owner| OwnDevice { id: carried.id, owner }))
    }

    /// Whoever is known by this name in any collection that people sign in from, each once.
    pub(crate) async fn known_as(&self, name: &str) -> Result<Vec<(&str, Resource)>, ResourceError> {
        let mut known: Vec<(&str, Resource)> = Vec::new();
        for module in self.runtime.project.authentication.of_people() {
            let collection = module.collection();
            if let Some(found) = self.find(module, name).await?
                && known.iter().all(|(of, one)| (*of, &one.id) != (collection, &found.id))
            {
                known.push((collection, found));
            }
        }
        Ok(known)
    }

    /// The person whom a module knows by this name.
    pub(crate) async fn find(&self, module: &Module, name: &str) -> Result<Option<Resource>, ResourceError> {
        let collection = module.collection();
        let filter = Filter::equals(login_property(module, self.runtime.schemas.get(collection)), name);
        let mail = Pointer::from_tokens([stages::MAIL]);
        let found = identity::find::person(self.runtime.managed.objects.as_ref(), collection, &filter, &mail).await?;
        if !found.ambiguous.is_empty() {
            stages::tell_ambiguous(collection, &found.ambiguous);
        }
        Ok(found.person)
    }

    async fn compare(&self, user: &str, password: &str, guess: &mut Guess<'_>) -> Result<Option<Principal>, AccountError> {
        let authentication = &self.runtime.project.authentication;
        for module in authentication.enabled().filter(|_| user != ANONYMOUS) {
            let Some(expected) = configured(module, user) else { continue };
            guess.is_at(&internal(user))?;
            if same(expected, password) {
                let principal = Principal::internal(user, &module.roles, ModuleFacts::of(module));
                return Ok(self.augmented(&module.script, principal, None).await?);
            }
            guess.was_wrong();
        }
        let admin = &authentication.admin;
        if user == admin.username && !admin.switched_off {
            guess.is_at(&internal(user))?;
            if self.is_administrators(password).await? {
                return Ok(self.augmented(&admin.script, Principal::administrator(authentication), None).await?);
            }
            guess.was_wrong();
        }
        for module in authentication.of_people() {
            self.accounts.limits.sign_in(self.address, self.now)?;
            if let Some((principal, person)) = self.verify_managed(module, user, password, guess).await? {
                return Ok(self.augmented(&module.script, principal, Some(&person)).await?);
            }
        }
        Ok(None)
    }

    async fn is_administrators(&self, password: &str) -> Result<bool, ResourceError> {
        self.accounts.administrator.verify(password, self.accounts.hasher.as_ref(), &self.accounts.accepted, self.now).await
    }

    async fn verify_managed(
        &self,
        module: &Module,
        name: &str,
        password: &str,
        guess: &mut Guess<'_>,
    ) -> Result<Option<(Principal, Resource)>, AccountError> {
        let collection = module.collection();
        let found = self.find(module, name).await?;
        let user = found.as_ref();
        // Somebody who is not there has a place as well.
        guess.is_at(&user.map_or_else(|| nobody(collection, name), |user| format!("{collection}/{}", user.id)))?;
        let Ok(secret) = Secret::password(password) else { return Ok(None) };
        let property = module.mapping.user_credential.as_str();
        let active = user.filter(|user| is_active(&user.content));
        let digest = active.and_then(|user| {
            let whose = format!("{collection}/{}/{property}", user.id);
            Some(self.accounts.accepted.digest(&whose, user.content.get(property)?, password))
        });
        let known = digest.is_some_and(|digest| self.accounts.accepted.knows(digest, self.now));
        let matched = known || self.check(collection, property, user, secret).await?;
        if let Some(digest) = digest.filter(|_| matched && !known) {
            self.accounts.accepted.remember(digest, self.now);
        }
        let is_right = active.is_some() && matched;
        // Where there is nobody, nothing was found out.
        let Some(person) = found else { return Ok(None) };
        if !is_right {
            guess.was_wrong();
            return Ok(None);
        }
        let principal = roles::person(self.runtime, collection, &person, name, module).await?;
        Ok(Some((principal, person)))
    }

    /// Compares a password with the one of `user`, or with nothing at the same cost, and brings an outdated hash up to date.
    async fn check(&self, collection: &str, property: &str, user: Option<&Resource>, secret: Secret) -> Result<bool, ResourceError> {
        let stored = user.and_then(|user| user.content.get(property)).cloned();
        let verdict = self.accounts.hasher.verify(secret.clone(), stored.clone()).await?;
        match (verdict, user, stored) {
            (Verdict::Matches { rehash: true }, Some(user), Some(stored)) => {
                if let Err(error) = self.rehash(collection, property, &user.id, secret, stored).await {
                    tracing::warn!(transaction.id = self.transaction, %error, "a password that was verified could not be hashed anew");
                }
                Ok(true)
            }
            (Verdict::Unverifiable, Some(user), Some(_)) => {
                tracing::warn!(
                    transaction.id = self.transaction,
                    object.id = user.id,
                    "a stored password is of a form that cannot be verified"
                );
                Ok(false)
            }
            (verdict, _, _) => Ok(verdict.matches()),
        }
    }

    async fn rehash(&self, collection: &str, property: &str, id: &str, secret: Secret, stored: Value) -> Result<(), ResourceError> {
        let hash = self.accounts.hasher.hash(secret).await?;
        let pointer = Pointer::from_tokens([property]);
        let change = Change::Patch {
            collection: collection.to_owned(),
            id: id.to_owned(),
            patch: Patch::new(vec![PatchOperation::replace(pointer.clone(), hash)]),
            expected: None,
            guard: Some(Guard::new(pointer, Some(stored))),
        };
        let unit = Unit { now: self.now, spend: None, effects: vec![Effect::Change(change)] };
        self.accounts.ledger.commit(unit).await?;
        Ok(())
    }

    /// Verifies the password of somebody who is signed in and gives it again.
    ///
    /// # Errors
    /// [`AccountError::NotReauthenticated`] for a missing or wrong one; too many, or a store that does not answer, as for a sign-in.
    pub async fn reauthenticate(&self, principal: &Principal, password: Option<&str>) -> Result<(), AccountError> {
        let Some(password) = password else { return Err(AccountError::NotReauthenticated { name: None }) };
        let name = principal.authentication_id.as_str();
        let mut guess = self.accounts.limits.guess(self.address, name, None, self.now)?;
        let placed = if principal.is_managed() { guess.is_at(&principal.own_path()) } else { Ok(()) };
        let judged = match placed {
            Ok(()) => self.is_own_password(principal, password, &mut guess).await,
            Err(limited) => Err(limited.into()),
        };
        let right = match judged {
            Ok(right) => right,
            Err(error) => {
                guess.not_judged();
                return Err(error);
            }
        };
        self.record(name, &principal.own_path(), right);
        if right {
            guess.right();
            return Ok(());
        }
        Err(AccountError::NotReauthenticated { name: Some(name.to_owned()) })
    }

    async fn is_own_password(&self, principal: &Principal, password: &str, guess: &mut Guess<'_>) -> Result<bool, AccountError> {
        let authentication = &self.runtime.project.authentication;
        let name = principal.authentication_id.as_str();
        if principal.is_managed() {
            self.accounts.limits.sign_in(self.address, self.now)?;
            let managed = self.runtime.module(&principal.component);
            let property = managed.map_or("password", |module| module.mapping.user_credential.as_str());
            let user = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
            return match Secret::password(password) {
                Ok(secret) => Ok(self.check(&principal.component, property, user.as_ref(), secret).await?),
                Err(_) => Ok(false),
            };
        }
        for module in authentication.enabled() {
            let Some(expected) = configured(module, name) else { continue };
            if same(expected, password) {
                return Ok(true);
            }
            guess.was_wrong();
        }
        Ok(name == authentication.admin.username && !authentication.admin.switched_off && self.is_administrators(password).await?)
    }
}

impl Attempt<'_> {
    /// Compares a text with a secret of the configuration, which `name` names. A wrong one is in the audit trail and counts as a wrong
    /// password does.
    ///
    /// # Errors
    /// [`AccountError::Limited`] for too many wrong ones; then nothing is compared.
    pub fn is_secret(&self, name: &str, expected: &str, given: &str) -> Result<bool, AccountError> {
        let guess = self.accounts.limits.guess(self.address, name, None, self.now)?;
        if same(expected, given) {
            guess.right_and_known();
            return Ok(true);
        }
        self.record(name, "", false);
        Ok(false)
    }
}

/// The password that a module configures for the account of this name.
fn configured<'m>(module: &'m Module, name: &str) -> Option<&'m str> {
    match &module.kind {
        ModuleKind::StaticUser { username, password: Some(expected) } if username == name => Some(expected.plain()?.expose()),
        _ => None,
    }
}

/// An account of the configuration.
pub(crate) fn internal(name: &str) -> String {
    format!("internal/user/{name}")
}

fn same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

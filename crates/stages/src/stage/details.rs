//! What the stages that collect a new person's details have in common (docs/protocol/stages.md, "idmUserDetails"): what may be
//! set, what must be, and what of it may travel on.
//!
//! Easiest to break: nothing typed is in the state before the policies saw it, and no secret is there in clear: the password is hashed
//! here, at once (SEC-43). And a mail address that somebody has is not told to the caller where the process is going to write to that
//! address anyway (SEC-01).

use crest::{Filter, Pointer, Query, ResourceError};
use identity::names::{self, Canonical, NameError};
use identity::secret::{MAX_SECRET_BYTES, is_crypto_object};
use identity::{CREATE_MESSAGE, Managed, ObjectSchema, PEOPLE, PolicyFailure, Which, Writer, policy_error};
use process::keys::{Collection, MailField};
use process::{Compiling, Disclosure, Fact, FactKind, FormerToken, Issue, TakenOver};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Cx};
use crate::links::signs_in;
use crate::{MailAddress, Refusal, Services, state};

/// The property that every person needs, and that clients always ask for.
pub(super) const PASSWORD: &str = "password";
/// Where `consent` records what a person agreed to.
pub(super) const CONSENTED_MAPPINGS: &str = "consentedMappings";
/// Purpose under which a password is sealed for a later stage.
pub(super) const SEALED_PASSWORD: &str = "password for a later stage";

/// Longest details, in bytes of JSON. They travel in the token, which is mailed inside a link.
const MAX_BYTES: usize = 16 * 1024;

/// The keys that every stage of details has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// The property that holds the mail address.
    #[serde(default)]
    identity_email_field: MailField,
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
}

/// Members of the state that these stages keep.
pub(super) const STATE: &[&str] = &[state::USER, state::COLLECTION, state::MAIL_FIELD, state::PASSWORD, state::IDP_DATA];

/// How a stage collects details.
pub(super) struct Details {
    /// The collection of accounts.
    pub(super) collection: String,
    /// The property that holds the mail address.
    pub(super) mail: Pointer,
    /// Whether an empty text means nothing even where a value is required.
    pub(super) empty_is_absent: bool,
}

impl Details {
    /// Reads the keys.
    pub(super) fn compile(keys: &Keys, empty_is_absent: bool, cx: &Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let collection = account::collection(cx, &keys.identity_service_url);
        match (collection, account::field(cx, "identityEmailField", &keys.identity_email_field, "mail")) {
            (Ok(collection), Ok(mail)) => Ok(Self { collection, mail, empty_is_absent }),
            (collection, mail) => Err(collection.err().into_iter().chain(mail.err()).collect()),
        }
    }

    /// Checks what was typed and puts it into the state, joined with what was collected before.
    ///
    /// # Errors
    /// 403 for what a person may not set and for failed policies, 400 for values of a wrong shape and for another address than the
    /// confirmed one, 503 when store or hashing pool do not answer.
    pub(super) async fn take(&self, cx: &mut Cx<'_>, typed: &Map<String, Value>) -> Result<(), ResourceError> {
        self.take_some(cx, typed, &[], &[]).await.map(drop)
    }

    /// The same, and whether it is all. What is missing may be brought later where it is one of `later`: what was typed is kept until then, and
    /// gives nothing to a later stage. An address that is one of `asked`, what the form asks for, is not left to a later stage to ask for.
    ///
    /// # Errors
    /// As [`Details::take`].
    pub(super) async fn take_some(
        &self,
        cx: &mut Cx<'_>,
        typed: &Map<String, Value>,
        later: &[&str],
        asked: &[&str],
    ) -> Result<bool, ResourceError> {
        let managed = account::on_behalf(cx);
        let schema = managed.schema(&self.collection)?;
        refuse_hashed("user", typed)?;
        let mut user = collected(cx);
        for (name, value) in typed {
            if self.is_untouched(schema, name, value) {
                // A password that was typed in an earlier round is not shown again, so it comes back empty.
                if name != PASSWORD {
                    user.shift_remove(name);
                }
            } else {
                user.insert(name.clone(), value.clone());
            }
        }
        self.agree(cx, &mut user)?;
        let user = Value::Object(user);
        let bytes = user.to_string().len();
        let failures = self.failures(cx, &managed, &user, typed, asked).await?;
        let is_to_come = |failure: &PolicyFailure| later.contains(&failure.property.as_str()) && user.get(&failure.property).is_none();
        if !failures.iter().all(is_to_come) {
            return Err(policy_error(CREATE_MESSAGE, &failures));
        }
        if bytes > MAX_BYTES {
            return Err(ResourceError::bad_request(format!("The details have {bytes} bytes; at most {MAX_BYTES} are taken")));
        }
        if cx.password_is_used()
            && let Some(password) = typed.get(PASSWORD).and_then(Value::as_str).filter(|password| !password.is_empty())
        {
            let sealed = cx.conceal(SEALED_PASSWORD, password)?;
            cx.put(state::PASSWORD, sealed.into());
        }
        let user = managed.seal(&self.collection, user).await?;
        if !failures.is_empty() {
            cx.put(state::USER, user);
            return Ok(false);
        }
        self.keep(cx, user)?;
        Ok(true)
    }

    /// Judges once more what somebody typed at the server that the project comes from.
    ///
    /// # Errors
    /// 503 when store or hashing pool do not answer.
    pub(super) async fn take_over(&self, cx: &mut Cx<'_>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        let Some(typed) = former.state.get(state::USER).and_then(Value::as_object) else { return Ok(TakenOver::Never) };
        match self.take(cx, typed).await {
            Ok(()) => Ok(TakenOver::Passed),
            Err(error) if error.code >= 500 => Err(error),
            Err(_) => Ok(TakenOver::Never),
        }
    }

    fn keep(&self, cx: &mut Cx<'_>, user: Value) -> Result<(), ResourceError> {
        if let Some(address) = self.mail.get(&user).and_then(Value::as_str).map(str::to_owned) {
            cx.put(state::MAIL, address.into());
            cx.grant(Fact::Mail)?;
        }
        let field = self.mail.to_string();
        if field != "/mail" {
            cx.put(state::MAIL_FIELD, field.into());
        }
        if self.collection != PEOPLE {
            cx.put(state::COLLECTION, self.collection.clone().into());
        }
        cx.put(state::USER, user);
        cx.grant(Fact::NewUser)
    }

    /// Clients send `""` or null for what was left alone. What a person may not set is not left alone, whatever its value.
    fn is_untouched(&self, schema: &ObjectSchema, name: &str, value: &Value) -> bool {
        let empty = value.is_null() || value == "";
        let editable = name == PASSWORD || schema.property(name).is_some_and(|property| property.user_editable && !property.is_virtual);
        empty && editable && (self.empty_is_absent || name == PASSWORD || !schema.requires(name))
    }

    /// An address that was confirmed before is filled in, or must be the one typed (docs/protocol/stages.md, "userDetails").
    fn agree(&self, cx: &Cx<'_>, user: &mut Map<String, Value>) -> Result<(), ResourceError> {
        let Some(confirmed) = confirmed_address(cx) else { return Ok(()) };
        let mut object = Value::Object(std::mem::take(user));
        let verdict = match self.mail.get(&object) {
            Some(Value::String(other)) if !other.is_empty() => agrees(&confirmed, other),
            _ => {
                self.mail.set(&mut object, confirmed.into());
                Ok(())
            }
        };
        if let Value::Object(members) = object {
            *user = members;
        }
        verdict
    }

    async fn failures(
        &self,
        cx: &Cx<'_>,
        managed: &Managed,
        user: &Value,
        typed: &Map<String, Value>,
        asked: &[&str],
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let schema = managed.schema(&self.collection)?;
        let too_long = typed.get(PASSWORD).and_then(Value::as_str).is_some_and(|password| password.len() > MAX_SECRET_BYTES);
        if too_long {
            let params = Some(json!({ "maxLength": MAX_SECRET_BYTES }));
            return Ok(vec![PolicyFailure { params, ..PolicyFailure::new(PASSWORD, "MAX_LENGTH") }]);
        }
        let mut owned = Vec::new();
        if schema.property(PASSWORD).is_some() {
            owned.push(PASSWORD);
        }
        // Answers that an earlier stage hashed; those of a client must be the schema's to set.
        if user.get(&managed.kba.property).is_some() && !typed.contains_key(&managed.kba.property) {
            owned.push(&managed.kba.property);
        }
        // What an earlier stage hashed; a client's own hashes were refused.
        let members = user.as_object().cloned().unwrap_or_default();
        owned.extend(managed.sealed_members(&self.collection, &members));
        let undisclosed = self.undisclosed(cx, managed, user);
        let by = Writer::Process { owned: &owned };
        let mut failures = managed.check(&self.collection, user, Which::All, by, &undisclosed).await?;
        let mut later = self.later(cx, managed);
        // Clients have no form for an address behind this one: theirs only says that a mail was sent.
        if let Some(mail) = self.mail.top().filter(|mail| asked.contains(mail) && later.contains(mail)) {
            later.retain(|name| *name != mail);
            if self.mail.get(user).is_none() && !failures.iter().any(|failure| failure.property == mail) {
                failures.push(PolicyFailure::new(mail, "REQUIRED"));
            }
        }
        failures.retain(|failure| {
            !(failure.requirement == "REQUIRED" && user.get(&failure.property).is_none() && later.contains(&failure.property.as_str()))
        });
        let without_password = !signs_in(cx) && schema.property(PASSWORD).is_some() && user.get(PASSWORD).is_none();
        if without_password && !failures.iter().any(|failure| failure.property == PASSWORD) {
            failures.push(PolicyFailure::new(PASSWORD, "REQUIRED"));
        }
        let imitations = self.imitations(cx, managed, user, &failures, &undisclosed).await?;
        failures.extend(imitations);
        Ok(failures)
    }

    /// What must not be looked up, because the answer would tell a stranger who has an account: the address, where it identifies one
    /// account and the process is going to write to it (its owner is told by mail, the caller is not), and every other name in the form of
    /// an address (SEC-01, ADR 24).
    fn undisclosed<'a>(&'a self, cx: &Cx<'_>, managed: &'a Managed, user: &Value) -> Vec<&'a str> {
        if cx.disclosure() != Disclosure::Conceal {
            return Vec::new();
        }
        let is_address = |name: &str| user.get(name).and_then(Value::as_str).is_some_and(names::is_address_like);
        let mail = self.mail.top().unwrap_or_default();
        let address = managed.policies.unique(&self.collection).filter(|name| *name == mail && is_unconfirmed(cx));
        let names = managed.policies.unique_names(&self.collection).filter(|name| *name != mail && is_address(name));
        address.chain(names).collect()
    }

    /// What a later stage brings. It is required all the same when the account is made.
    fn later<'a>(&'a self, cx: &Cx<'_>, managed: &'a Managed) -> Vec<&'a str> {
        let mut later = vec![managed.kba.property.as_str(), CONSENTED_MAPPINGS];
        if cx.proved_before_creation(FactKind::ControlsMail) {
            later.push(self.mail.top().unwrap_or_default());
        }
        later
    }

    /// Names that only look like others, that differ from another one in their spelling alone, or that speak for the service (SEC-48).
    async fn imitations(
        &self,
        cx: &Cx<'_>,
        managed: &Managed,
        user: &Value,
        known: &[PolicyFailure],
        undisclosed: &[&str],
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let mut found = Vec::new();
        for name in managed.policies.unique(&self.collection) {
            let Some(text) = user.get(name).and_then(Value::as_str) else { continue };
            if known.iter().any(|failure| failure.property == name) {
                continue;
            }
            let taken_name = || PolicyFailure::taken(name, managed.policies.taken(&self.collection, name));
            let is_mail = self.mail.top() == Some(name);
            let checked = if is_mail { names::check_mail::<&str>(text, &[]) } else { names::check_name(text, &names::RESERVED_NAMES) };
            let failure = match checked {
                Ok(_) if is_mail && undisclosed.contains(&name) => continue,
                Ok(canonical) if !is_mail && undisclosed.contains(&name) => match self.own_address(cx, user, &canonical) {
                    Own::No => PolicyFailure::new(name, "VALID_USERNAME"),
                    // Whoever reads that mailbox is told, by the stage that writes to it.
                    Own::ToBeConfirmed => continue,
                    Own::Typed if managed.objects.named(&self.collection, name, &canonical).await?.is_empty() => continue,
                    Own::Typed => taken_name(),
                },
                Ok(canonical) => {
                    let taken = !managed.objects.named(&self.collection, name, &canonical).await?.is_empty();
                    let tells = !is_mail && cx.disclosure() == Disclosure::Reveal;
                    if taken || (tells && self.is_foreign_address(managed, user, name, &canonical).await?) {
                        taken_name()
                    } else {
                        continue;
                    }
                }
                Err(NameError::Reserved | NameError::LooksReserved) => taken_name(),
                Err(_) if is_mail => PolicyFailure::new(name, "VALID_EMAIL_ADDRESS_FORMAT"),
                Err(_) => PolicyFailure::new(name, "VALID_USERNAME"),
            };
            found.push(failure);
        }
        Ok(found)
    }

    /// Whether a name in the form of an address is the address of whoever registers. No other will do, whether anybody has it or not.
    fn own_address(&self, cx: &Cx<'_>, user: &Value, name: &Canonical) -> Own {
        let own = self.mail.get(user).and_then(Value::as_str).filter(|own| !own.is_empty());
        let is_own = |own: &str| names::check_mail::<&str>(own, &[]).is_ok_and(|own| own == *name);
        match own {
            Some(own) if !is_own(own) => Own::No,
            // An address that comes later is compared with it then.
            _ if is_unconfirmed(cx) => Own::ToBeConfirmed,
            Some(_) => Own::Typed,
            None => Own::No,
        }
    }

    /// Where the process reveals who has an account: whether a name in the form of a mail address is somebody else's (SEC-48).
    async fn is_foreign_address(&self, managed: &Managed, user: &Value, name: &str, canonical: &Canonical) -> Result<bool, ResourceError> {
        let own = self.mail.get(user).and_then(Value::as_str);
        let own_form = own.and_then(|own| names::check_mail::<&str>(own, &[]).ok());
        if !canonical.as_str().contains('@') || own_form.is_some_and(|own| own == *canonical) {
            return Ok(false);
        }
        let typed = user.get(name).and_then(Value::as_str).unwrap_or_default();
        let query = Query::first(same(&self.mail.to_string(), typed, canonical.as_str()), 1);
        let found = managed.objects.query(&self.collection, &query).await?;
        Ok(!found.result.is_empty())
    }
}

/// Whose address a name in the form of one is.
enum Own {
    /// Not that of whoever registers, as far as they said.
    No,
    /// Theirs, and the process is going to write to it before there is an account.
    ToBeConfirmed,
    /// Theirs: they said so, or showed it before.
    Typed,
}

/// Whether the process is going to write to the address of whoever registers before there is an account, and has not done so yet.
fn is_unconfirmed(cx: &Cx<'_>) -> bool {
    confirmed_address(cx).is_none() && cx.proved_before_creation(FactKind::ControlsMail)
}

/// The names of what was collected, other than the address itself, that have the form of an address.
pub(super) fn address_names<'a>(managed: &'a Managed, collection: &str, mail: &Pointer, user: &Value) -> Vec<(&'a str, Canonical)> {
    let unique = managed.policies.unique_names(collection).filter(|name| mail.top() != Some(*name));
    let names = unique.filter_map(|name| {
        let text = user.get(name)?.as_str()?;
        let canonical = names::check_name::<&str>(text, &[]).ok()?;
        canonical.as_str().contains('@').then_some((name, canonical))
    });
    names.collect()
}

/// Whoever has this value as it was typed, or in the form in which values are compared. An account whose own spelling is neither is not
/// found: the store compares by code points.
fn same(field: &str, typed: &str, canonical: &str) -> Filter {
    Filter::Or(vec![Filter::equals(field, typed), Filter::equals(field, canonical)])
}

/// `user` of an input.
///
/// # Errors
/// 400 when it is absent or no object.
pub(super) fn typed_user(input: &Map<String, Value>) -> Result<&Map<String, Value>, ResourceError> {
    match input.get("user") {
        Some(Value::Object(user)) => Ok(user),
        None | Some(Value::Null) => Err(ResourceError::bad_request("user is missing from input")),
        Some(_) => Err(ResourceError::bad_request("user must be an object")),
    }
}

/// The details of somebody new, as the examples send them.
pub(super) fn example() -> Value {
    json!({ "userName": "newbie", "givenName": "New", "sn": "Bie", "mail": "newbie@example.test", "password": "Passw0rd1" })
}

/// What was collected so far.
pub(super) fn collected(cx: &Cx<'_>) -> Map<String, Value> {
    cx.value(state::USER).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What was collected so far, as a client may see it: no secret, hashed or not.
pub(super) fn shown(cx: &Cx<'_>, mail: &Pointer) -> Value {
    let mut user = collected(cx);
    user.retain(|name, value| name != PASSWORD && !contains_crypto(value));
    let mut user = Value::Object(user);
    if let Some(confirmed) = confirmed_address(cx).filter(|_| mail.get(&user).is_none()) {
        mail.set(&mut user, confirmed.into());
    }
    user
}

/// The address that a person without account has proved to read.
pub(super) fn confirmed_address(cx: &Cx<'_>) -> Option<String> {
    cx.facts().iter().find_map(|fact| match fact {
        Fact::ControlsMail { subject: None, address } => Some(address.clone()),
        _ => None,
    })
}

/// Whether `other` is the confirmed address but for case.
pub(super) fn agrees(confirmed: &str, other: &str) -> Result<(), ResourceError> {
    let same = confirmed.parse::<MailAddress>().is_ok_and(|confirmed| confirmed.agrees_with(other));
    if same { Ok(()) } else { Err(Refusal::MailMismatch.into()) }
}

/// Refuses hashes and ciphertexts from a client, wherever they stand (decision 13): only this server makes them.
fn refuse_hashed(path: &str, typed: &Map<String, Value>) -> Result<(), ResourceError> {
    let hashed: Vec<&String> = typed.iter().filter(|(_, value)| contains_crypto(value)).map(|(name, _)| name).collect();
    if hashed.is_empty() && !typed.contains_key("$crypto") {
        return Ok(());
    }
    let reason = "values that are hashed or encrypted already are not accepted";
    let detail = json!({ "property": hashed.first().copied().map_or(path, String::as_str), "properties": hashed, "reason": reason });
    Err(ResourceError::forbidden("Access denied").with_detail(detail))
}

fn contains_crypto(value: &Value) -> bool {
    match value {
        Value::Object(members) => is_crypto_object(value) || members.values().any(contains_crypto),
        Value::Array(elements) => elements.iter().any(contains_crypto),
        _ => false,
    }
}

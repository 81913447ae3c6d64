//! `emailValidation`: mails a secret and takes it back, which proves who reads the mailbox (docs/protocol/stages.md,
//! "emailValidation", decisions 7 to 9).
//!
//! Easiest to break: with a named account the address is the stored one, never one from the request or the state (SEC-36), and for a
//! decoy everything happens but the sending. At a registration, an address whose owner has an account
//! already gets a mail that says so, and whoever typed it sees what everybody sees. Only an address that the signed-in person wants
//! instead of their present one, and that an earlier stage took, is mailed before it is stored; it is written when the secret comes back.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Filter, Patch, PatchOperation, Pointer, Query, ResourceError};
use process::keys::{MailField, Needed, Text};
use process::{
    Compiling, Disclosure, Effect, Example, Fact, FactKind, FormerToken, Issue, Progress, Requirements, Stage, StageContext, StageFacts,
    Subject, Tag, TakenOver, loose,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account, Cx};
use crate::first_proof;
use crate::stage::letter::{self, Keys, Letter};
use crate::stage::mailed_code::{self, Mailed, Sent, VALIDATE_CODE};
use crate::stage::{by_provider, details};
use crate::{MAIL, MailAddress, MailRefusal, Refusal, Services, input, state};

/// The placeholder of the code that can be typed.
const CODE_TOKEN: &str = "%code%";
/// The text to the owner of an address that somebody tried to register with (SEC-01).
const ACCOUNT_EXISTS: &str = "noticeAccountExists";

/// Configuration of `emailValidation`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The property that holds the mail address.
    #[serde(default)]
    identity_email_field: MailField,
    /// What the mail says, and how it is sent.
    #[serde(flatten, deserialize_with = "loose::shared_keys")]
    letter: Keys,
    /// The placeholder of the link in messages.
    #[serde(default)]
    verification_link_token: Text,
    /// Where the link leads; `&token=…&code=…` is appended as it stands.
    #[serde(default)]
    verification_link: Needed<Text>,
    /// Of releases before 4.0; refused.
    #[serde(default)]
    email: Option<Value>,
}

/// The stage.
pub(super) struct EmailValidation {
    field: Pointer,
    letter: Letter,
    link: String,
    link_token: String,
}

#[async_trait]
impl Stage<Services> for EmailValidation {
    const NAME: &'static str = "emailValidation";
    const SUMMARY: &'static str = "Mails a link with a code and takes the code back: proof of a mail address.";
    const WRITES: &'static [&'static str] = &["mail address"];
    const TAGS: &'static [Tag] = &[Tag::INITIAL, VALIDATE_CODE];
    const MAILS: bool = true;
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.email.VerifyEmailAccountConfig");
    const STATE: &'static [&'static str] = &[state::MAILED_AT, state::NEW_MAIL, state::MAIL_TAKEN, state::FORMER_CODE];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Mail, FactKind::ControlsMail];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "identityEmailField": "mail", "emailServiceUrl": "external/email", "from": "info@example.test", "mimeType": "text/html",
            "subjectTranslations": { "en": "Confirm your address" },
            "messageTranslations": { "en": "<p><a href=\"%link%\">This link</a> goes on. Or type the code: %code%</p>" },
            "verificationLinkToken": "%link%", "verificationLink": "https://idm.example.test/#/verify/",
        }))
        .answered(Tag::INITIAL, json!({ "mail": "newbie@example.test" }))
        .answered(VALIDATE_CODE, json!({ "code": "{code}" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::ControlsMail, FactKind::Mail], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        if config.email.is_some() {
            let issue = Issue::error(
                format!("{}/email", cx.pointer()),
                "pre-release",
                "'email' belongs to releases before 4.0, which are not read",
            );
            return Err(vec![
                issue.with_help("write its members beside 'name': subjectTranslations, messageTranslations, verificationLink, …"),
            ]);
        }
        let token = config.verification_link_token;
        let link_token = if token.is_empty() { "%link%".to_owned() } else { token.0 };
        let letter = Letter::compile(config.letter, &[&link_token, CODE_TOKEN], cx);
        let field = account::field(cx, "identityEmailField", &config.identity_email_field, "mail").map_err(|issue| vec![issue])?;
        Ok(Self { field, letter, link: config.verification_link.trim().to_owned(), link_token })
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let known = cx.subject().is_ok() || cx.text(state::MAIL).is_some();
        Ok((!known).then(|| Requirements::new("Verify your email address").text("mail", "Email address")))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if tag == VALIDATE_CODE.0 { self.take_back(cx, input).await } else { self.send(cx, input).await }
    }

    async fn take_over(&self, cx: &mut Cx<'_>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        let (Some(code), Some(mail)) = (former.text("code"), former.text(state::MAIL)) else { return Ok(TakenOver::Never) };
        if cx.subject().is_err() {
            // The mail of somebody with an account proves nothing about a new one.
            let Some(address) = mail.parse::<MailAddress>().ok().filter(|_| !former.state.contains_key(state::USER_ID)) else {
                return Ok(TakenOver::Never);
            };
            if self.agree(cx, &address).is_err() {
                return Ok(TakenOver::Never);
            }
            self.is_taken(cx, &address).await?;
            cx.grant(Fact::Mail)?;
        }
        cx.put(state::MAIL, mail.into());
        cx.put(state::FORMER_CODE, code.into());
        Ok(TakenOver::Asks(VALIDATE_CODE))
    }
}

/// Refuses an address that somebody typed and that the mail service cannot write to. A stored one is not asked about: the answer would
/// tell it.
async fn reachable(cx: &Cx<'_>, address: &MailAddress) -> Result<(), ResourceError> {
    match cx.services.mail_door.refuses(address).await? {
        None => Ok(()),
        Some(MailRefusal::NoAddress) => Err(Refusal::NoMailAddress.into()),
        Some(MailRefusal::NotTaken(reason)) => Err(ResourceError::bad_request(reason)),
    }
}

/// Whether the process makes accounts and tells nobody which there are.
fn registers_silently(cx: &Cx<'_>) -> bool {
    cx.process_gives(FactKind::Created) && cx.disclosure() == Disclosure::Conceal
}

/// Whom the mail goes to.
struct Recipient {
    address: String,
    /// It is meant for a decoy.
    withheld: bool,
    /// Its owner has an account, of which the person who typed it must not learn.
    taken: bool,
}

impl EmailValidation {
    async fn send(&self, cx: &mut Cx<'_>, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        letter::require_service(cx)?;
        let recipient = self.recipient(cx, input).await?;
        // Of somebody new alone: whose account there is, is proven by a mail of ours.
        if cx.subject().is_err() && !recipient.taken && by_provider::confirms(cx, &recipient.address) {
            cx.because("mail-confirmed-elsewhere", Value::Null);
            cx.grant(Fact::ControlsMail { subject: None, address: recipient.address })?;
            return Ok(Progress::Done);
        }
        let named = cx.subject().ok();
        let mailed = Mailed { stage: EmailValidation::NAME, subject: named.as_ref(), address: &recipient.address };
        let Sent { code, typable, withheld } = mailed.send(cx, recipient.withheld);
        if recipient.taken {
            cx.because("address-has-account", Value::Null);
        }
        let draft = self.letter.draft(cx);
        let (link, link_token) = (self.link.clone(), self.link_token.clone());
        // Made for everybody: whose address is new must not cost less (SEC-01).
        let exists = cx.services.own_mails.mail(ACCOUNT_EXISTS, &cx.caller.locales, &[]);
        let delivery = move |token: &str| {
            let link = format!("{link}&token={token}&code={code}");
            let mut mail = draft.fill(recipient.address, &[(&link_token, &link), (CODE_TOKEN, &typable)], withheld);
            if recipient.taken {
                (mail.subject, mail.body) = exists;
                mail.mime_type = "text/plain".into();
            }
            vec![Effect::Mail(mail)]
        };
        Ok(Progress::Ask { tag: VALIDATE_CODE, requirements: mailed_code::asked(), delivery: Some(Box::new(delivery)) })
    }

    /// A named account's stored address; else the one in the state, or the one typed.
    async fn recipient(&self, cx: &mut Cx<'_>, input: &Map<String, Value>) -> Result<Recipient, ResourceError> {
        if let Some(new) = cx.text(state::NEW_MAIL) {
            // The signed-in person's own wish, which an earlier stage took and judged; it is written when it was confirmed.
            let address: MailAddress = new.parse().map_err(|_| Refusal::NoMailAddress)?;
            reachable(cx, &address).await?;
            cx.put(state::MAIL, address.as_str().into());
            return Ok(Recipient { address: address.into(), withheld: false, taken: false });
        }
        // An account that this instance made is about to be stored; its address is the one in the state.
        let is_new = cx.facts().has(FactKind::Created);
        if cx.subject().is_ok() && !is_new {
            let account = Account::read(cx).await?;
            let stored = account.mail(&self.field);
            let withheld = stored.is_none();
            let address =
                stored.map(String::from).or_else(|| cx.text(state::MAIL).map(str::to_owned)).unwrap_or_else(|| account.subject.id.clone());
            cx.put(state::MAIL, address.clone().into());
            return Ok(Recipient { address, withheld, taken: false });
        }
        let typed = match cx.text(state::MAIL) {
            Some(known) => known.to_owned(),
            None => input::text_or(input, "mail", || Refusal::MailMissing)?.to_owned(),
        };
        let address: MailAddress = typed.parse().map_err(|_| Refusal::NoMailAddress)?;
        reachable(cx, &address).await?;
        self.agree(cx, &address)?;
        cx.put(state::MAIL, address.as_str().into());
        cx.grant(Fact::Mail)?;
        let taken = !is_new && self.is_taken(cx, &address).await?;
        Ok(Recipient { address: address.into(), withheld: false, taken })
    }

    /// Whether a registration is for an address that identifies an account which exists, or by which one signs in that the new person
    /// wants to be called by as well. The caller goes on as with any other address, and the owner is told instead (SEC-01, SEC-48).
    async fn is_taken(&self, cx: &mut Cx<'_>, address: &MailAddress) -> Result<bool, ResourceError> {
        if !registers_silently(cx) {
            return Ok(false);
        }
        let collection = account::registering_in(cx).to_owned();
        let name = self.field.top().unwrap_or_default();
        let managed = Arc::clone(&cx.services.managed);
        let canonical = identity::names::check_mail::<&str>(address.as_str(), &[]).ok();
        let user = cx.value(state::USER).cloned().unwrap_or_default();
        let names = details::address_names(&managed, &collection, &self.field, &user);
        let is_unique = managed.policies.unique(&collection).any(|unique| unique == name);
        if !is_unique && names.is_empty() {
            return Ok(false);
        }
        let mut taken = false;
        for (name, canonical) in &names {
            taken |= !managed.objects.named(&collection, name, canonical).await?.is_empty();
        }
        if is_unique {
            taken |= if let Some(canonical) = canonical {
                !managed.objects.named(&collection, name, &canonical).await?.is_empty()
            } else {
                let query = Query::first(Filter::equals(&self.field.to_string(), address.as_str()), 1);
                !managed.objects.query(&collection, &query).await?.result.is_empty()
            };
        }
        cx.put(state::MAIL_TAKEN, u8::from(taken).into());
        Ok(taken)
    }

    /// The details of a person without account have this address, or get it.
    fn agree(&self, cx: &mut Cx<'_>, address: &MailAddress) -> Result<(), ResourceError> {
        let Some(mut user) = cx.value(state::USER).filter(|user| user.is_object()).cloned() else { return Ok(()) };
        match self.field.get(&user) {
            Some(Value::String(other)) if !other.is_empty() => {
                if !address.agrees_with(other) {
                    return Err(Refusal::MailMismatch.into());
                }
            }
            _ => {
                self.field.set(&mut user, address.as_str().into());
                cx.put(state::USER, user.clone());
            }
        }
        if !registers_silently(cx) {
            return Ok(());
        }
        // No name in the form of an address but this one, whether anybody has it or not.
        let collection = account::registering_in(cx);
        let own = identity::names::check_mail::<&str>(address.as_str(), &[]).ok();
        let names = details::address_names(&cx.services.managed, collection, &self.field, &user);
        if names.into_iter().all(|(_, name)| own.as_ref() == Some(&name)) { Ok(()) } else { Err(Refusal::MailMismatch.into()) }
    }

    async fn take_back(&self, cx: &mut Cx<'_>, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let typed = input::text_or(input, "code", || Refusal::CodeMissing)?;
        let address = cx.text(state::MAIL).unwrap_or_default().to_owned();
        let subject = cx.subject().ok();
        let wanted = cx.text(state::NEW_MAIL).is_some_and(|new| new == address);
        let stored = match &subject {
            Some(_) if wanted => Some(address.clone()),
            Some(_) => Account::read(cx).await?.mail(&self.field).map(String::from),
            None => Some(address.clone()),
        };
        let same_address = stored.as_deref() == Some(address.as_str());
        let free = cx.value(state::MAIL_TAKEN).and_then(Value::as_u64) != Some(1);
        let mailed = Mailed { stage: EmailValidation::NAME, subject: subject.as_ref(), address: &address };
        mailed.take_back(cx, typed, &[(same_address, "address-changed"), (free, "address-has-account")]).await?;
        if wanted && let Some(subject) = subject {
            return Self::write_wanted(cx, &subject, address).await;
        }
        if let Some(subject) = subject.as_ref().filter(|subject| !subject.decoy) {
            // Of an address that somebody merely gave, a session or the new credential behind this stage confirms that it is the same person's.
            let is_own = cx.caller.subject.as_ref() == Some(subject);
            if is_own || !first_proof::is_merely_given(cx, subject, &address).await? {
                let Subject { collection, id, .. } = subject.clone();
                cx.effect(Effect::Address { collection, id, address: address.clone(), confirmed: true });
            }
        }
        cx.grant(Fact::ControlsMail { subject, address })?;
        cx.grant(Fact::Mail)?;
        Ok(Progress::Done)
    }

    /// Writes the address that was confirmed. It proves nothing about the person: it was not theirs until now.
    async fn write_wanted(cx: &mut Cx<'_>, subject: &Subject, address: String) -> Result<Progress, ResourceError> {
        cx.take(state::NEW_MAIL);
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([MAIL]), address.as_str())]);
        let changed = account::write(cx, account::Write { confirmed: true, ..account::Write::new(subject, patch) }).await?;
        let object = format!("{}/{}", subject.collection, subject.id);
        cx.audit("updateProfile", object, true, json!({ "process": cx.process(), "changed": changed }));
        cx.grant(Fact::ControlsMail { subject: None, address })?;
        cx.grant(Fact::Mail)?;
        Ok(Progress::Done)
    }
}

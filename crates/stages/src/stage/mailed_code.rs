//! Codes that are mailed and taken back: two of them, one for a link and one that can be typed. Whoever brings one reads the mailbox.
//!
//! Easiest to break: a code is never stored. It is a keyed function of instance, stage and address, so a repeated step mails the same one and a database
//! holds none (SEC-06); keys may be rotated while it is on its way. Attempts are counted before anything is compared (SEC-11), and of
//! several mails for one person the newest counts (SEC-09), where it was sent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use process::{Effect, Requirements, Subject, Tag};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::account::Cx;
use crate::stage::letter;
use crate::{MailRequest, Refusal, decoy, state};

/// Wrong codes after which an instance's challenge is ended (SEC-11).
const MAX_ATTEMPTS: u32 = 5;
/// Typed short codes per recipient and day: 100 of 10^8 possible ones (SEC-11).
const MAX_TYPED_PER_DAY: u32 = 100;
/// Seconds.
const DAY: i64 = 86_400;
/// Seconds after which a mailed code is refused, however long its token lives (SEC-08, NIST SP 800-63B-4 §4.2.1.2).
const CODE_LIFETIME: i64 = DAY;

/// What the codes are keyed by. Changing one ends the codes that are on their way.
const LINK_LABEL: &str = "mailed code";
const TYPABLE_LABEL: &str = "typable code";

/// The question for a code.
pub(super) const VALIDATE_CODE: Tag = Tag("validateCode");

/// What is asked after the mail.
pub(super) fn asked() -> Requirements {
    Requirements::new("Verify emailed code").text("code", "Enter code emailed")
}

/// A code for whoever reads a mailbox.
pub(super) struct Mailed<'a> {
    /// The stage that mails it.
    pub(super) stage: &'static str,
    /// Whose mailbox it is; nobody's yet for a person without account.
    pub(super) subject: Option<&'a Subject>,
    /// The address.
    pub(super) address: &'a str,
}

/// What is mailed.
pub(super) struct Sent {
    /// The code of a link, 122 bits.
    pub(super) code: String,
    /// The one that can be typed, 8 digits.
    pub(super) typable: String,
    /// The mail goes to nobody: it is meant for none, or a budget is used up.
    pub(super) withheld: bool,
}

impl Mailed<'_> {
    /// Begins a challenge, and says what to mail. `nobody` is to get it: everything happens but the sending.
    pub(super) fn send(&self, cx: &mut Cx<'_>, nobody: bool) -> Sent {
        let allowed = cx.services.mail_budget.allow(&MailRequest::of(cx, self.address, nobody), cx.now);
        letter::tell(cx, nobody, allowed);
        if allowed.is_ok() {
            // A mail that is not sent must not end the challenge of one that was (SEC-09).
            let expires = cx.now.saturating_add(cx.lifetime());
            for purpose in self.purposes(cx) {
                cx.effect(Effect::Challenge { purpose, instance: cx.instance().to_string(), expires });
            }
        }
        cx.put(state::MAILED_AT, cx.now.into());
        cx.take(state::FORMER_CODE);
        let Secrets { code, typable } = Secrets::of(cx, self.address);
        Sent { code, typable, withheld: nobody || allowed.is_err() }
    }

    /// Takes a code back that somebody typed or that came with a link. What else must hold is given with the word for it; that it does not is answered
    /// as a wrong code is.
    ///
    /// # Errors
    /// 400 for a code that is too old, and for one that does not count; 503 when the store does not answer.
    pub(super) async fn take_back(&self, cx: &mut Cx<'_>, typed: &str, others: &[(bool, &'static str)]) -> Result<(), ResourceError> {
        let typed = Typed::read(typed);
        let mailed = cx.value(state::MAILED_AT).and_then(Value::as_i64);
        if mailed.is_some_and(|mailed| cx.now.saturating_sub(mailed) > CODE_LIFETIME) {
            cx.because("code-expired", Value::Null);
            return Err(ResourceError::bad_request("The code has expired"));
        }
        cx.services.guesses.take(&cx.caller.address, cx.now)?;
        let purposes = self.purposes(cx);
        let attempts = cx.own_name("code");
        let typing = self.counter(cx);
        // No token outlives its instance's counter: it lasts a day, or two lifetimes where those are longer.
        let expires = cx.now.saturating_add(DAY.max(cx.lifetime().saturating_mul(2)));
        let mut alive = cx.ledger().count(&attempts, cx.now, expires).await? <= MAX_ATTEMPTS;
        if typed.short.is_some() {
            alive &= cx.ledger().count(&typing, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_TYPED_PER_DAY;
        }
        let former = cx.text(state::FORMER_CODE).map(str::to_owned);
        let (mut newest, mut mailed_here) = (false, false);
        for purpose in &purposes {
            let challenge = cx.ledger().challenge(purpose).await?;
            newest |= challenge.as_deref() == Some(cx.instance().as_str());
            mailed_here |= challenge.is_some();
        }
        // A mail that another server sent is older than any of this one.
        newest |= former.is_some() && !mailed_here;
        let mailed_there = former.as_deref().is_some_and(|code| typed.is(code));
        let matches = alive && Secrets::by_each(cx, self.address).fold(mailed_there, |matches, secrets| matches | secrets.matches(&typed));
        let others_hold = others.iter().fold(true, |all, (holds, _)| all & holds);
        if !(matches & alive & newest & others_hold) {
            let other = others.iter().find(|(holds, _)| !holds).map_or("code-differs", |(_, what)| what);
            let what = match (alive, newest) {
                (false, _) => "too-many-codes",
                (_, false) => "newer-mail",
                _ => other,
            };
            cx.because(what, Value::Null);
            return Err(Refusal::CodeWrong.into());
        }
        cx.services.guesses.give_back(&cx.caller.address);
        cx.effect(Effect::ResetCounter(attempts));
        cx.effect(Effect::ResetCounter(typing));
        if cx.take(state::FORMER_CODE).is_some() {
            // Of several mails of that server one counts: the one whose code came back.
            let expires = cx.now.saturating_add(cx.lifetime());
            for purpose in purposes {
                cx.effect(Effect::Challenge { purpose, instance: cx.instance().to_string(), expires });
            }
        }
        Ok(())
    }

    /// Names the challenge of a person and address in a process: of several, the newest counts (SEC-09, SEC-10). One name by each generation
    /// of keys, newest first: a mail sent after a rotation ends the challenge of one sent before it under the former name as well.
    fn purposes(&self, cx: &Cx<'_>) -> Vec<String> {
        cx.keyed_globally_by_each(PURPOSE, &self.parts(cx)).iter().map(purpose).collect()
    }

    /// Counts what is typed for it, under its name by the oldest keys: no rotation begins that anew.
    fn counter(&self, cx: &Cx<'_>) -> String {
        counter(&purpose(&cx.keyed_for_long(PURPOSE, &self.parts(cx))))
    }

    fn parts<'p>(&'p self, cx: &'p Cx<'_>) -> [&'p [u8]; 5] {
        let (collection, id) = self.subject.map_or(("", ""), |subject| (subject.collection.as_str(), subject.id.as_str()));
        [cx.process(), self.stage, collection, id, self.address].map(str::as_bytes)
    }
}

/// The counter of the codes that were typed for a purpose.
pub(super) fn counter(purpose: &str) -> String {
    format!("typed-code:{purpose}")
}

/// The name of a purpose by one generation of keys.
pub(super) fn purpose(keyed: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(keyed)
}

/// What names of purposes are made of.
pub(super) const PURPOSE: &str = "challenge";

/// The code of the link, 122 bits, and the one that can be typed, 8 digits.
struct Secrets {
    code: String,
    typable: String,
}

impl Secrets {
    /// Those that are mailed now.
    fn of(cx: &Cx<'_>, address: &str) -> Self {
        Self::from_keyed(&cx.keyed(LINK_LABEL, &[address.as_bytes()]), &cx.keyed(TYPABLE_LABEL, &[address.as_bytes()]))
    }

    /// Those that may have been mailed: by every generation of keys that is still held.
    fn by_each(cx: &Cx<'_>, address: &str) -> impl Iterator<Item = Self> {
        let (link, typable) = (cx.keyed_by_each(LINK_LABEL, &[address.as_bytes()]), cx.keyed_by_each(TYPABLE_LABEL, &[address.as_bytes()]));
        link.into_iter().zip(typable).map(|(link, typable)| Self::from_keyed(&link, &typable))
    }

    fn from_keyed(link: &[u8; 32], bytes: &[u8; 32]) -> Self {
        let code = decoy::uuid_text(link);
        let number = bytes.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self { code, typable: format!("{:08}", number % 100_000_000) }
    }

    /// In time that does not depend on where they differ.
    fn matches(&self, typed: &Typed) -> bool {
        let link = self.code.as_bytes().ct_eq(typed.text.as_bytes());
        let short = self.typable.as_bytes().ct_eq(typed.short.as_deref().unwrap_or_default().as_bytes());
        (link | short).into()
    }
}

/// A code as somebody sent it.
struct Typed {
    text: String,
    /// Its digits, where it is nothing but eight digits, spaces and dashes.
    short: Option<String>,
}

impl Typed {
    fn read(text: &str) -> Self {
        let short: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(9).collect();
        let is_short = short.len() == 8 && short.bytes().all(|byte| byte.is_ascii_digit());
        Self { text: text.trim().to_ascii_lowercase(), short: is_short.then_some(short) }
    }

    /// Whether it is this code of another server, in time that does not depend on where they differ.
    fn is(&self, code: &str) -> bool {
        self.text.as_bytes().ct_eq(code.trim().to_ascii_lowercase().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_is_read_with_spaces_and_dashes() {
        for text in ["12345678", " 1234 5678", "1234-5678\n", "12-34-56-78"] {
            assert_eq!(Typed::read(text).short.as_deref(), Some("12345678"), "{text:?}");
        }
        for text in ["1234567", "123456789", "1234567x", "", "0b2f6a1c-1111-4222-8333-444455556666"] {
            assert_eq!(Typed::read(text).short, None, "{text:?}");
        }
    }

    #[test]
    fn only_the_two_codes_match_and_an_empty_one_never() {
        let secrets = Secrets { code: "0b2f6a1c-1111-4222-8333-444455556666".into(), typable: "01234567".into() };
        for good in ["0b2f6a1c-1111-4222-8333-444455556666", " 0B2F6A1C-1111-4222-8333-444455556666 ", "0123 4567"] {
            assert!(secrets.matches(&Typed::read(good)), "{good}");
        }
        for bad in ["", "1234567", "0b2f6a1c111142228333444455556666", "01234568", "0123456"] {
            assert!(!secrets.matches(&Typed::read(bad)), "{bad}");
        }
    }
}

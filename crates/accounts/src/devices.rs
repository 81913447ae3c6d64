//! Browsers a person has signed in from (SEC-14). A browser carries a cookie that proves it was there before, and for whom; the store only
//! counts browsers, so that the first one sends no mail; otherwise everybody would get one on the day of a migration.
//!
//! Easiest to get wrong: the cookie lets nobody in. Whoever loses it gets a mail about their own sign-in, and whoever steals it
//! causes no mail, and may guess as often as somebody in a network that the person uses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use identity::timestamp;
use jose::KeyRing;
use process::{Effect, Unit};
use subtle::ConstantTimeEq;

use crate::attempt::Actor;
use crate::mail_change::address;
use crate::notices::Notice;

/// The cookie's name.
pub const COOKIE: &str = "vestibule-device";
/// A browser is remembered for so long after its last sign-in, in seconds: 400 days, the most a browser keeps.
pub const REMEMBERED: i64 = 400 * 24 * 3600;
/// At most one mail a day tells of new browsers, in seconds.
const QUIET: i64 = 24 * 3600;
/// What proofs are keyed by.
const LABEL: &str = "device";
/// People one browser can prove; a sixth forgets the first.
const PEOPLE: usize = 5;

/// A browser, as a sign-in shows it.
#[derive(Clone, Copy)]
pub struct Device<'a> {
    /// The value of its [`COOKIE`]; empty without one.
    pub carried: &'a str,
    /// What it calls itself.
    pub browser: &'a str,
    /// The languages its person reads, best first. Asked for only where a mail is written.
    pub locales: &'a (dyn Fn() -> Vec<String> + Sync),
}

/// What a browser's cookie says: its id, and a proof for each of its people.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'c> {
    /// The browser, whoever signed in there.
    pub(crate) id: &'c str,
    proofs: &'c str,
}

impl<'c> Carried<'c> {
    /// `None` for what cannot be such a cookie.
    pub(crate) fn read(value: &'c str) -> Option<Self> {
        let (id, proofs) = value.split_once('.')?;
        (id.len() == 22).then_some(Self { id, proofs })
    }

    fn proofs(self) -> impl Iterator<Item = &'c str> {
        self.proofs.split('.').take(PEOPLE)
    }

    /// Whether somebody has signed in there, `managed/user/<id>`. Also with a former key: the cookie lives longer than one.
    pub(crate) fn proves(self, keys: &KeyRing, person: &str) -> bool {
        let expected = keys.keyed_by_each(LABEL, &[self.id.as_bytes(), person.as_bytes()]);
        let expected: Vec<String> = expected.iter().map(|proof| URL_SAFE_NO_PAD.encode(proof)).collect();
        let is = |proof: &str| expected.iter().any(|expected| bool::from(proof.as_bytes().ct_eq(expected.as_bytes())));
        self.proofs().any(is)
    }
}

impl Actor<'_> {
    /// Notes a sign-in, tells the person if the browser is new, and gives the value of the [`COOKIE`] to set.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn seen_on(&self, device: &Device<'_>) -> Result<Option<String>, ResourceError> {
        let (accounts, now) = (self.attempt.accounts, self.attempt.now);
        if !self.principal.is_managed() {
            return Ok(None);
        }
        let person = self.principal.own_path();
        let carried = Carried::read(device.carried);
        let known = carried.is_some_and(|carried| carried.proves(&accounts.keys, &person));
        if !known && self.attempt.runtime.project.settings.profile.notify_new_device {
            let count = accounts.ledger.count(&format!("devices/{person}"), now, now.saturating_add(REMEMBERED)).await?;
            let notices = format!("device-notice/{person}");
            if count > 1 && accounts.ledger.count(&notices, now, now.saturating_add(QUIET)).await? == 1 {
                self.tell_of(device).await?;
            }
        }
        let id = carried
            .map_or_else(|| URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(accounts.random.as_ref())), |carried| carried.id.to_owned());
        let own = URL_SAFE_NO_PAD.encode(accounts.keys.keyed(LABEL, &[id.as_bytes(), person.as_bytes()]));
        let mut proofs: Vec<String> = carried.into_iter().flat_map(Carried::proofs).map(str::to_owned).collect();
        proofs.retain(|proof| *proof != own);
        proofs.push(own);
        let from = proofs.len().saturating_sub(PEOPLE);
        let value = std::iter::once(id.as_str()).chain(proofs.iter().skip(from).map(String::as_str)).collect::<Vec<_>>().join(".");
        Ok(Some(value))
    }

    async fn tell_of(&self, device: &Device<'_>) -> Result<(), ResourceError> {
        let (accounts, runtime, now) = (self.attempt.accounts, self.attempt.runtime, self.attempt.now);
        let user = runtime.managed.objects.read(&self.principal.component, &self.principal.id).await?;
        let Some(to) = user.as_ref().and_then(|user| address(&user.content)) else { return Ok(()) };
        let (from, time) = (self.attempt.address(), timestamp(accounts.clock.now()));
        let values = [("browser", device.browser), ("address", from.as_str()), ("time", time.as_str())];
        let mail = runtime.consequences.post.mail(&(device.locales)(), &from, now, Notice::NewDevice, to, &values);
        let Some(mail) = mail else { return Ok(()) };
        accounts.ledger.commit(Unit { now, spend: None, effects: vec![Effect::Mail(mail)] }).await?;
        accounts.delivery.wake();
        Ok(())
    }
}

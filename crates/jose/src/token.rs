//! The snapshot token's envelope: an HMAC-signed JWS around a JWE, encrypt then sign, as IDM builds it.
//!
//! Order is the rule: length, header text, MAC, and only then the inside. A form is chosen by the process file, never by
//! the token, and whatever fails is the one [`InvalidToken`] (SEC-39).

use crate::base64url;
use crate::error::{Error, InvalidToken};
use crate::form::TokenForm;
use crate::jwe;
use crate::jws;
use crate::keys::KeyRing;

/// Characters of the longest token that is looked at.
pub const MAX_TOKEN_LEN: usize = 64 * 1024;

/// Bytes of the longest content that every form can seal into [`MAX_TOKEN_LEN`] characters.
///
/// Twice base64url makes 9 bytes of content 16 characters; headers, an encrypted key of 1024 bytes and the tags take the rest.
pub const MAX_CONTENT_LEN: usize = 34 * 1024;

/// Seals `content` into a token of `form` with the ring's current keys.
///
/// # Errors
/// [`Error::ContentTooLong`] past [`MAX_CONTENT_LEN`] bytes; [`Error::Crypto`] when the system gives no randomness.
pub fn seal(ring: &KeyRing, form: TokenForm, content: &[u8]) -> Result<String, Error> {
    if content.len() > MAX_CONTENT_LEN {
        return Err(Error::ContentTooLong { length: content.len(), limit: MAX_CONTENT_LEN });
    }
    let keys = ring.current();
    let header = form.inner_header().concat();
    let inner = jwe::encrypt(keys.key_management(form)?, form.encryption, &header, content)?;
    let mac = keys.mac(form.jws);
    let outer = form.outer_header();
    let length = outer.len() + base64url::text_len(inner.len()) + mac.mac_text_len() + 2;
    let mut token = String::with_capacity(length);
    token.push_str(outer);
    token.push('.');
    base64url::push(&mut token, &inner);
    mac.push_mac(&mut token);
    Ok(token)
}

/// Opens a token of `form`, sealed with the current keys or with any the ring still holds.
///
/// # Errors
/// [`InvalidToken`], whatever is wrong.
pub fn open(ring: &KeyRing, form: TokenForm, token: &str) -> Result<Vec<u8>, InvalidToken> {
    open_any(ring, &[form], token)
}

/// Opens a token of one of `forms`, for processes that changed their form while people were in the middle of them.
///
/// # Errors
/// [`InvalidToken`], whatever is wrong.
pub fn open_any(ring: &KeyRing, forms: &[TokenForm], token: &str) -> Result<Vec<u8>, InvalidToken> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(InvalidToken);
    }
    let outer = jws::Parts::split(token)?;
    let signed_as = forms.iter().find(|form| form.outer_header() == outer.header).ok_or(InvalidToken)?.jws;
    for keys in ring.generations() {
        if !outer.is_authentic(keys.mac(signed_as)) {
            continue;
        }
        let payload = base64url::decode(outer.payload)?;
        let inner = jwe::Parts::split(str::from_utf8(&payload).map_err(|_| InvalidToken)?)?;
        let mut candidates = forms.iter().filter(|form| form.jws == signed_as);
        let form = *candidates.find(|form| form.is_inner_header(inner.header)).ok_or(InvalidToken)?;
        // Imported keys may share the MAC secret with older ones, so a failure here leaves those to be tried.
        if let Ok(key) = keys.key_management(form)
            && let Ok(content) = inner.decrypt(key, form.encryption)
        {
            return Ok(content);
        }
    }
    Err(InvalidToken)
}

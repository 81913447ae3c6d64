//! How a client shows the token endpoint who it is (OpenID Connect Core 1.0 §9, RFC 6749 §2.3.1, RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, random_bytes};
use jose::signature::{SigningKey, sign_with_secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use zeroize::Zeroizing;

use crate::fetch::Request;

/// Seconds an assertion lives.
const LIFETIME: i64 = 120;
/// Apple's audience (*Creating a client secret*).
const APPLE: &str = "https://appleid.apple.com";
/// What is written as it is in a form (WHATWG URL, "application/x-www-form-urlencoded").
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// What a file has to show who a client is.
pub(crate) struct Has {
    /// A key that signs.
    pub(crate) key: bool,
    /// A secret that is a text.
    pub(crate) secret: bool,
    /// `basicAuth`.
    pub(crate) basic: bool,
    /// The provider's secrets are signed with the key ([`crate::Dialect`]).
    pub(crate) signs_secret: bool,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `client_secret_jwt`.
    SecretJwt,
    /// `private_key_jwt`.
    PrivateKeyJwt,
    /// A secret that is a token of our own, made per request.
    Apple,
    /// A public client has no secret; the verifier stands for it (RFC 7636).
    None,
}

impl Method {
    /// The method of a file: the one it names, else by what it has. A provider whose secrets are signed is posted one, which is made of the key.
    pub(crate) fn of(named: Option<&str>, has: &Has) -> Result<Self, String> {
        match named.map(str::to_ascii_lowercase).as_deref() {
            None | Some("client_secret_post") if has.signs_secret && has.key => Ok(Self::Apple),
            None if has.key && !has.secret => {
                Err("there is a key and no secret: private_key_jwt is the method that signs with it".to_owned())
            }
            None if !has.secret => Ok(Self::None),
            None if has.basic => Ok(Self::Basic),
            None | Some("client_secret_post") => Ok(Self::Post),
            Some("client_secret_basic") => Ok(Self::Basic),
            Some("client_secret_jwt") => Ok(Self::SecretJwt),
            Some("private_key_jwt") => Ok(Self::PrivateKeyJwt),
            Some("none") => Ok(Self::None),
            Some(other) => Err(format!(
                "'{other}' is not spoken here; client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt and none are"
            )),
        }
    }

    /// What a file lacks for it.
    pub(crate) fn lacks(self, key: Option<&SigningKey>, secret: &str, team: Option<&str>, key_id: Option<&str>) -> Option<String> {
        match self {
            Self::Basic | Self::Post | Self::SecretJwt if secret.is_empty() => Some("it is missing".to_owned()),
            Self::PrivateKeyJwt if key.is_none() => Some("private_key_jwt needs \"vestibule\": {\"privateKey\": …}".to_owned()),
            Self::Apple if team.is_none() || key_id.is_none() => {
                Some("a key needs \"vestibule\": {\"teamId\": …, \"keyId\": …}, with which Apple finds it".to_owned())
            }
            _ => None,
        }
    }
}

/// The value of a form's field, encoded.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

/// Who asks for a token.
pub(crate) struct Client<'a> {
    /// How it shows who it is.
    pub(crate) method: Method,
    /// Its id.
    pub(crate) id: &'a str,
    /// Its secret; empty for none.
    pub(crate) secret: &'a Zeroizing<String>,
    /// Its key.
    pub(crate) key: Option<&'a SigningKey>,
    /// The key's name.
    pub(crate) key_id: Option<&'a str>,
    /// The team it belongs to.
    pub(crate) team: Option<&'a str>,
    /// What the provider calls its id and its secret.
    pub(crate) names: (&'static str, &'static str),
    /// Whom an assertion is for: the issuer where it is known, which no other provider shares, else the token endpoint.
    pub(crate) audience: &'a str,
}

impl Client<'_> {
    /// Adds to a request for a token what shows who asks. `None` when the system gives no randomness.
    pub(crate) fn shows_itself(&self, mut request: Request, now: i64, random: &dyn Random) -> Option<Request> {
        let (id_name, secret_name) = self.names;
        let mut add = |name: &str, value: Zeroizing<String>| request.form.get_or_insert_default().push((name.to_owned(), value));
        let plain = |text: &str| Zeroizing::new(text.to_owned());
        let claims = || {
            json!({
                "iss": self.id, "sub": self.id, "aud": self.audience, "iat": now, "exp": now + LIFETIME,
                "jti": URL_SAFE_NO_PAD.encode(random_bytes::<16>(random)),
            })
        };
        let mut assert = |assertion: String| {
            add(id_name, plain(self.id));
            add("client_assertion_type", plain("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            add("client_assertion", Zeroizing::new(assertion));
        };
        match self.method {
            Method::Basic => {
                request.basic = Some((encoded(self.id), Zeroizing::new(encoded(self.secret))));
            }
            Method::Post => {
                add(id_name, plain(self.id));
                add(secret_name, self.secret.clone());
            }
            Method::None => add(id_name, plain(self.id)),
            Method::SecretJwt => assert(sign_with_secret(self.secret, &claims())),
            Method::PrivateKeyJwt => assert(self.key?.sign(self.key_id, &claims())?),
            Method::Apple => {
                let claims = json!({ "iss": self.team, "sub": self.id, "aud": APPLE, "iat": now, "exp": now + LIFETIME });
                let made = self.key?.sign(self.key_id, &claims)?;
                add(id_name, plain(self.id));
                add(secret_name, Zeroizing::new(made));
            }
        }
        Some(request)
    }
}

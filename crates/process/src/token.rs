//! Snapshot tokens: how a process context travels. Stateless tokens hold the sealed context; short ones name a sealed context that
//! the store keeps. A token that is malformed, altered, of another process or used fails in one way, whatever is wrong with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, ResourceError};
use jose::{Encryption, JweAlgorithm, JwsAlgorithm, KeyRing, TokenForm};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::loose;
use crate::{Companions, Effect, FormerToken, Issue, Ledger, ProcessContext, config};

/// How tokens of a process look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotToken {
    /// The context travels with the client.
    Stateless(TokenForm),
    /// The context stays in the store (`{"type":"uuid"}`, `"storage":"local"`).
    Local,
}

/// Form and life time of a process's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// The form.
    pub kind: SnapshotToken,
    /// Seconds; each step issues a token with a full lifetime.
    pub lifetime: i64,
}

/// Lifetime of a stateless token when the file names none (IDM 7).
const DEFAULT_LIFETIME: i64 = 300;
/// Lifetime of a stored token when there is no `jsonstore.json`.
const DEFAULT_ENTRY_LIFETIME: i64 = 1800;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenConfig {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    jwe_algorithm: Option<String>,
    #[serde(default)]
    encryption_method: Option<String>,
    #[serde(default)]
    jws_algorithm: Option<String>,
    #[serde(default, deserialize_with = "loose::optional_number")]
    token_expiry: Option<i64>,
}

/// Keys of `snapshotToken`; the last three belong to older generations and mean nothing. `sharedKey` is a published constant and is
/// never used as key material.
const TOKEN_KEYS: [&str; 8] =
    ["type", "jweAlgorithm", "encryptionMethod", "jwsAlgorithm", "tokenExpiry", "keyPairAlgorithm", "keyPairSize", "sharedKey"];

impl TokenSettings {
    /// Reads `snapshotToken` and `storage` of a process file.
    pub(crate) fn read(file: &Map<String, Value>, companions: &Companions) -> (Self, Vec<Issue>) {
        let mut issues = Vec::new();
        let fallback = Self { kind: SnapshotToken::Stateless(TokenForm::DEFAULT), lifetime: DEFAULT_LIFETIME };
        let local_storage = match file.get("storage") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("stateless") => Some(false),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("local") => Some(true),
            Some(other) => {
                issues.push(Issue::error("/storage", "wrong-value", format!("storage is \"stateless\" or \"local\", not {other}")));
                None
            }
        };
        let token: TokenConfig = match file.get("snapshotToken") {
            None | Some(Value::Null) => {
                return (if local_storage == Some(true) { Self::local(companions) } else { fallback }, issues);
            }
            Some(value) => match config::read("/snapshotToken", value) {
                Ok(token) => token,
                Err(issue) => {
                    issues.push(issue);
                    return (fallback, issues);
                }
            },
        };
        if let Some(Value::Object(members)) = file.get("snapshotToken") {
            for key in members.keys().filter(|key| !TOKEN_KEYS.contains(&key.as_str())) {
                issues.push(config::unknown_key("/snapshotToken", key, TOKEN_KEYS));
            }
        }
        match token.kind.as_deref() {
            None | Some("jwt") => {}
            Some("uuid") => {
                if local_storage == Some(false) {
                    issues.push(Issue::warning(
                        "/storage",
                        "storage-mismatch",
                        "a uuid token needs \"storage\": \"local\"; the context is kept in the store",
                    ));
                }
                return (Self::local(companions), issues);
            }
            Some(other) => {
                issues.push(Issue::error(
                    "/snapshotToken/type",
                    "wrong-value",
                    format!("the token type is \"jwt\" or \"uuid\", not \"{other}\""),
                ));
            }
        }
        if local_storage == Some(true) {
            issues.push(Issue::warning(
                "/storage",
                "storage-mismatch",
                "a jwt token carries its context itself; \"storage\": \"local\" has no effect",
            ));
        }
        let mut form = TokenForm::DEFAULT;
        let mut complain = |key: &str, error: String| issues.push(Issue::error(format!("/snapshotToken/{key}"), "wrong-algorithm", error));
        if let Some(name) = &token.jwe_algorithm {
            match JweAlgorithm::from_config_name(name) {
                Ok(algorithm) => form.jwe = algorithm,
                Err(error) => complain("jweAlgorithm", error.to_string()),
            }
        }
        if let Some(name) = &token.encryption_method {
            match Encryption::from_config_name(name) {
                Ok(encryption) => form.encryption = encryption,
                Err(error) => complain("encryptionMethod", error.to_string()),
            }
        }
        if let Some(name) = &token.jws_algorithm {
            match JwsAlgorithm::from_config_name(name) {
                Ok(algorithm) => form.jws = algorithm,
                Err(error) => complain("jwsAlgorithm", error.to_string()),
            }
        }
        let lifetime = token.token_expiry.unwrap_or(DEFAULT_LIFETIME);
        if lifetime <= 0 {
            issues.push(Issue::error("/snapshotToken/tokenExpiry", "wrong-value", "tokenExpiry is a number of seconds greater than 0"));
        }
        (Self { kind: SnapshotToken::Stateless(form), lifetime }, issues)
    }

    fn local(companions: &Companions) -> Self {
        let entry = companions.get("jsonstore").get("entryExpireSeconds");
        let lifetime = entry.and_then(|value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()));
        Self { kind: SnapshotToken::Local, lifetime: lifetime.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_ENTRY_LIFETIME) }
    }
}

/// The one answer to everything that is wrong with a token (decision 3).
pub(crate) fn invalid() -> ResourceError {
    ResourceError::bad_request("Invalid snapshot token")
}

/// Seals a context. A local token comes with the effect that stores it.
pub(crate) fn issue(
    settings: TokenSettings,
    context: &ProcessContext,
    keys: &KeyRing,
    random: &dyn Random,
) -> Result<(String, Option<Effect>), ResourceError> {
    let plaintext = context.to_bytes().map_err(|error| {
        tracing::error!(%error, "a process context cannot be written");
        ResourceError::internal("Error constructing snapshot token")
    })?;
    let seal = |form| {
        jose::seal(keys, form, &plaintext).map_err(|error| match error {
            // Only what a person typed can make a context this long.
            jose::Error::ContentTooLong { .. } => ResourceError::too_large("What was entered so far is too long to go on with"),
            error => {
                tracing::error!(%error, "a process context cannot be sealed");
                ResourceError::internal("Error constructing snapshot token")
            }
        })
    };
    match settings.kind {
        SnapshotToken::Stateless(form) => Ok((seal(form)?, None)),
        SnapshotToken::Local => {
            let sealed = seal(TokenForm::DEFAULT)?;
            // 96 random bits make the 16 characters the documentation promises.
            let token = URL_SAFE_NO_PAD.encode(crest::random_bytes::<12>(random));
            let place = place(keys.keyed(PLACE, &[token.as_bytes()]));
            let store = Effect::StoreContext { token: place, sealed, expires: context.expires };
            Ok((token, Some(store)))
        }
    }
}

/// Characters of a token that only names what the store keeps (`snapshotToken` of type `local`).
pub const LOCAL_LENGTH: usize = 16;

/// Label of the hash a local token's context is kept under.
const PLACE: &str = "local snapshot token";

/// A local token is stored as a keyed hash: what is read from the store cannot be used as a token (SEC-06).
fn place(hash: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// What a token turned out to be.
pub(crate) enum Opened {
    /// One of this server.
    Own(Box<ProcessContext>),
    /// One of the server that the project comes from.
    Former(FormerToken),
}

/// Opens a token of either kind. `forms` are those the process's definitions may have issued.
pub(crate) async fn open(token: &str, forms: &[TokenForm], keys: &KeyRing, ledger: &dyn Ledger) -> Result<Opened, ResourceError> {
    let plaintext = if token.len() == LOCAL_LENGTH {
        let canonical = URL_SAFE_NO_PAD.decode(token).is_ok_and(|bytes| URL_SAFE_NO_PAD.encode(bytes) == token);
        let mut stored = None;
        for hash in keys.keyed_by_each(PLACE, &[token.as_bytes()]) {
            if canonical && stored.is_none() {
                stored = ledger.context(&place(hash)).await?;
            }
        }
        let stored = stored.ok_or_else(invalid)?;
        jose::open_any(keys, &[TokenForm::DEFAULT], &stored.sealed)
    } else {
        jose::open_any(keys, forms, token)
    };
    let plaintext = plaintext.map_err(|_| invalid())?;
    let own = ProcessContext::from_bytes(&plaintext).map(|context| Opened::Own(Box::new(context)));
    own.or_else(|| FormerToken::from_bytes(&plaintext).map(Opened::Former)).ok_or_else(invalid)
}

//! Objects that another server kept (an IDM, a directory), on their way into this store as they are: no policies, which were others when these
//! people came, and no scripts, which ran there.
//!
//! Easiest to break: nothing is lost in silence. Whatever of an object cannot be kept is named in [`TakenOver::lost`], with the reason, and an
//! operator reads it before anything is written.

use std::borrow::Cow;
use std::fmt;

use crest::{Pointer, ResourceError, reference};
use serde_json::{Map, Value, json};
use zeroize::Zeroize as _;

use super::found::related;
use super::writer::{Writer, contains_crypto};
use super::{Managed, effects, limits};
use crate::grants;
use crate::kba::answer_secret;
use crate::policy::HISTORY;
use crate::schema::{ObjectSchema, Pair, Property};
use crate::secret::{HashError, Secret, SecretError, StoredSecret, clear_text, is_crypto_object};
use crate::terms::TERMS_ACCEPTED;

/// An object of another server, as it is going to be stored here.
#[derive(Debug, Default)]
pub struct TakenOver {
    /// The content, without `_id`, `_rev` and what is still to be hashed.
    pub content: Value,
    /// Secrets in clear: each is hashed, and its hash put at its place, before the object is stored.
    pub clear: Vec<(Pointer, Secret)>,
    /// References that are kept here: the property, and the path that each leads to.
    pub references: Vec<(String, String)>,
    /// References that the other side keeps.
    pub kept_there: Vec<KeptThere>,
    /// How the person signs in.
    pub sign_in: SignIn,
    /// What cannot be kept, and why.
    pub lost: Vec<Lost>,
}

/// A reference that is kept by the object that it leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptThere {
    /// The collection of the object that keeps it.
    pub collection: String,
    /// Its id.
    pub id: String,
    /// In which property.
    pub property: String,
    /// Whether that holds many.
    pub many: bool,
    /// The reference as it is kept there.
    pub reference: Value,
}

/// Something of an object that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The property.
    pub property: String,
    /// Why. It names no value of the object, so that losses of one kind have one reason.
    pub why: Cow<'static, str>,
}

/// How somebody signs in who was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignIn {
    /// There is no password, and there was none.
    #[default]
    NoPassword,
    /// A hash of this form, which is verified at the next sign-in and replaced by our own.
    Hash(&'static str),
    /// A password in clear, which is hashed.
    Clear,
    /// A password that was encrypted with this key of the keystore, and is hashed.
    Encrypted(String),
    /// There is a password that cannot be taken over: the person has to set a new one.
    Lost(Cow<'static, str>),
}

impl SignIn {
    /// Whether the person signs in with the password they have.
    #[must_use]
    pub fn works(&self) -> bool {
        matches!(self, Self::Hash(_) | Self::Clear | Self::Encrypted(_))
    }
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPassword => f.write_str("no password"),
            Self::Hash(form) => f.write_str(form),
            Self::Clear => f.write_str("in clear, hashed when it is stored"),
            Self::Encrypted(key) => write!(f, "encrypted with the key '{key}', hashed when it is stored"),
            Self::Lost(why) => f.write_str(why),
        }
    }
}

/// What a stored secret of another server becomes.
enum Kept {
    Hash(&'static str, Value),
    Clear(Secret, Option<String>),
    Lost(Cow<'static, str>),
    Nothing,
}

impl Managed {
    /// Says whether a store could hold an object that another server kept, without looking at what it means.
    ///
    /// # Errors
    /// As [`Managed::take_over`].
    pub fn may_be_taken(&self, collection: &str, id: &str, content: &Value) -> Result<(), ResourceError> {
        let schema = self.schema(collection)?;
        limits::check_id(id)?;
        limits::check(schema, content, Writer::Administrator)
    }

    /// What becomes of an object that another server kept.
    ///
    /// # Errors
    /// 404 for a collection that the project does not have, 400 for what no store could hold: it is no object, nested too deep, or a text of
    /// it is too long or has control characters.
    pub fn take_over(&self, collection: &str, id: &str, content: Value) -> Result<TakenOver, ResourceError> {
        self.may_be_taken(collection, id, &content)?;
        let schema = self.schema(collection)?;
        let Value::Object(mut members) = content else { return Err(super::not_an_object()) };
        let mut taken = TakenOver::default();
        members.retain(|name, _| !super::writer::is_identity(name));
        metadata(schema, &mut members);
        let names: Vec<String> = members.keys().cloned().collect();
        for name in names {
            let Some(value) = members.get_mut(&name) else { continue };
            let value = value.take();
            if let Some(kept) = self.property_taken(schema, &name, value, &mut taken) {
                members.insert(name, kept);
            } else {
                members.shift_remove(&name);
            }
        }
        sides(schema, (collection, id), &mut members, &mut taken);
        effects::defaults(schema, &mut members);
        taken.content = Value::Object(members);
        Ok(taken)
    }

    fn property_taken(&self, schema: &ObjectSchema, name: &str, mut value: Value, taken: &mut TakenOver) -> Option<Value> {
        let lost = |taken: &mut TakenOver, why: Cow<'static, str>| {
            taken.lost.push(Lost { property: name.to_owned(), why });
            None
        };
        let property = schema.property(name);
        if value.is_null() {
            return if self.is_secret(schema, name) { None } else { Some(value) };
        }
        if property.is_some_and(|property| property.is_virtual) {
            // It is computed here as it was there.
            return None;
        }
        if name == self.kba.property {
            return self.answers_taken(value, taken);
        }
        if name == HISTORY {
            return self.history_taken(value, taken);
        }
        if self.is_secret(schema, name) {
            let is_password = self.is_password(&schema.collection(), name);
            return match self.secret_taken(&mut value, Secret::password) {
                Kept::Hash(form, hash) => {
                    if is_password {
                        taken.sign_in = SignIn::Hash(form);
                    }
                    Some(hash)
                }
                Kept::Clear(secret, key) => {
                    if is_password {
                        taken.sign_in = key.map_or(SignIn::Clear, SignIn::Encrypted);
                    }
                    taken.clear.push((Pointer::from_tokens([name]), secret));
                    Some(Value::Null)
                }
                Kept::Lost(why) => {
                    if is_password {
                        taken.sign_in = SignIn::Lost(why.clone());
                    }
                    lost(taken, why)
                }
                Kept::Nothing => None,
            };
        }
        if is_crypto_object(&value) {
            return match self.plain(&value) {
                Ok(plain) if property.is_some_and(Property::is_sealed) => Some(plain),
                // It lay encrypted there, and must not lie in the clear here.
                Ok(_) => lost(taken, "encrypted, but the project does not declare 'encryption' for this property".into()),
                Err(why) => lost(taken, why),
            };
        }
        if name != schema.meta_property() && contains_crypto(&value) {
            return lost(taken, "a value inside it is encrypted or hashed, and nothing here could read it".into());
        }
        match (property, name) {
            (None, "lastSync") => lost(taken, "the state of synchronisation, which is not done here".into()),
            (None, "effectiveRoles" | "effectiveAuthzRoles" | "effectiveAssignments" | "memberOfOrgIDs") => None,
            (None, name) if name.starts_with('_') && name != schema.meta_property() => {
                lost(taken, "a member of the other server's own that means nothing here".into())
            }
            _ => Some(value),
        }
    }

    /// What becomes of a secret. Its clear text is wiped where it stood.
    fn secret_taken(&self, value: &mut Value, form: impl Fn(&str) -> Result<Secret, SecretError>) -> Kept {
        if let Some(text) = value.as_str().and_then(clear_text) {
            let kept = clear(&mut Value::String(text.to_string()), form);
            wipe(value);
            return kept;
        }
        match StoredSecret::recognise(value) {
            Some(stored) if stored.is_verifiable() => Kept::Hash(stored.name(), value.take()),
            Some(StoredSecret::Unreadable { key }) => match self.plain(value) {
                Ok(mut plain) => match clear(&mut plain, form) {
                    Kept::Clear(secret, _) => Kept::Clear(secret, Some(key)),
                    other => other,
                },
                Err(why) => Kept::Lost(why),
            },
            Some(StoredSecret::Unsupported(error)) => Kept::Lost(unsupported(&error)),
            Some(StoredSecret::Hash(_)) => Kept::Lost("a hash that cannot be verified here".into()),
            None => clear(value, form),
        }
    }

    /// What the operator's keystore encrypted; or why it cannot be read.
    fn plain(&self, crypto: &Value) -> Result<Value, Cow<'static, str>> {
        let Some(StoredSecret::Unreadable { key }) = StoredSecret::recognise(crypto) else {
            return Err("hashed, but it is no secret here, so nothing could compare it".into());
        };
        if crypto.pointer("/$crypto/value/mac").is_some() || crypto.pointer("/$crypto/value/salt").is_some() {
            // IDM 7 security guide, "Structure of an Encrypted Object".
            let why = "in the form of 7.x, with a salt and a mac: how its keys come from the keystore's is not documented";
            return Err(format!("encrypted with the key '{key}', {why}").into());
        }
        match &self.opens {
            Some(opens) => opens.open(crypto).map_err(|why| format!("encrypted, and it cannot be opened: {why}").into()),
            None => Err(format!("encrypted with the key '{key}', and there is no keystore to open it with").into()),
        }
    }

    fn answers_taken(&self, value: Value, taken: &mut TakenOver) -> Option<Value> {
        let name = self.kba.property.as_str();
        let mut lost = |why: Cow<'static, str>| taken.lost.push(Lost { property: name.to_owned(), why });
        let Value::Array(entries) = value else {
            lost("no list of answers to security questions".into());
            return None;
        };
        let mut kept: Vec<Value> = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let question = ["questionId", "customQuestion"].into_iter().find_map(|key| {
                let text = entry.get(key)?.as_str().filter(|text| !text.trim().is_empty())?;
                Some((key, text.to_owned()))
            });
            let Some((key, question)) = question else {
                lost("an answer without a question".into());
                continue;
            };
            if kept.len() == crate::kba::MAX_ANSWERS {
                lost("more answers than are kept".into());
                break;
            }
            let Some(answer) = entry.get_mut("answer") else {
                lost("a question without an answer".into());
                continue;
            };
            let at = Pointer::from_tokens([name.to_owned(), kept.len().to_string(), "answer".to_owned()]);
            let answer = match self.secret_taken(answer, answer_secret) {
                Kept::Hash(_, hash) => hash,
                Kept::Clear(secret, _) => {
                    taken.clear.push((at, secret));
                    Value::Null
                }
                Kept::Lost(why) => {
                    lost(format!("an answer: {why}").into());
                    continue;
                }
                Kept::Nothing => {
                    lost("a question without an answer".into());
                    continue;
                }
            };
            kept.push(json!({ key: question, "answer": answer }));
        }
        Some(Value::Array(kept))
    }

    /// Earlier values, which must be new when they are set again: hashes that can be compared.
    fn history_taken(&self, value: Value, taken: &mut TakenOver) -> Option<Value> {
        let mut lost = |why: Cow<'static, str>| taken.lost.push(Lost { property: HISTORY.to_owned(), why });
        let Value::Object(histories) = value else {
            lost("no history of values".into());
            return None;
        };
        let mut kept = Map::new();
        for (name, entries) in histories {
            let mut hashes = Vec::new();
            for mut entry in entries.as_array().cloned().unwrap_or_default() {
                match self.secret_taken(&mut entry, Secret::password) {
                    Kept::Hash(_, hash) => hashes.push(hash),
                    Kept::Clear(secret, _) => {
                        taken.clear.push((Pointer::from_tokens([HISTORY.to_owned(), name.clone(), hashes.len().to_string()]), secret));
                        hashes.push(Value::Null);
                    }
                    Kept::Lost(why) => lost(format!("an earlier value: {why}").into()),
                    Kept::Nothing => {}
                }
            }
            kept.insert(name, Value::Array(hashes));
        }
        Some(Value::Object(kept))
    }
}

/// Metadata as it is kept here: inside the object, without what makes it a reference there; an acceptance of terms that an earlier version
/// kept beside it belongs to it.
fn metadata(schema: &ObjectSchema, members: &mut Map<String, Value>) {
    let name = schema.meta_property();
    let mut meta = match members.shift_remove(name) {
        Some(Value::Object(meta)) => meta,
        Some(Value::Array(mut several)) => match several.pop() {
            Some(Value::Object(meta)) => meta,
            _ => Map::new(),
        },
        _ => Map::new(),
    };
    meta.retain(|name, value| !name.starts_with('_') && !value.is_null() && name != "target");
    if schema.property(TERMS_ACCEPTED).is_none()
        && let Some(acceptance) = members.shift_remove(TERMS_ACCEPTED).filter(Value::is_object)
    {
        meta.entry(TERMS_ACCEPTED).or_insert(acceptance);
    }
    if !meta.is_empty() {
        members.insert(name.to_owned(), Value::Object(meta));
    }
}

/// References as they are kept, by the side that keeps them.
fn sides(schema: &ObjectSchema, (collection, id): (&str, &str), members: &mut Map<String, Value>, taken: &mut TakenOver) {
    for (property, relationship) in related(schema) {
        let name = property.name.as_str();
        let Some(value) = members.get(name).filter(|value| !value.is_null()) else { continue };
        let mut lost = |why: &'static str| taken.lost.push(Lost { property: name.to_owned(), why: why.into() });
        let mut here: Vec<Value> = Vec::new();
        for sent in reference::of_property(Some(value)) {
            let one = as_today(reference::kept(sent));
            let Some((other, target)) = reference::place(&one) else {
                lost("no reference");
                continue;
            };
            if crate::notifications::are(other) {
                lost("a notification whose text did not come");
                continue;
            }
            match relationship.pair(other) {
                Some(Pair { here: false, property, many, .. }) => taken.kept_there.push(KeptThere {
                    collection: other.to_owned(),
                    id: target.to_owned(),
                    property: property.clone(),
                    many: *many,
                    reference: super::found::turned_to(&format!("{collection}/{id}"), &one),
                }),
                _ if here.iter().any(|present| reference::same(present, &one)) => {}
                _ if !relationship.many && !here.is_empty() => lost("a second reference where one is kept"),
                _ => here.push(one),
            }
        }
        taken.references.extend(here.iter().filter_map(reference::target).map(|target| (name.to_owned(), target.to_owned())));
        if relationship.is_only_found() {
            members.shift_remove(name);
        } else {
            let value = if relationship.many { Value::Array(here) } else { here.pop().unwrap_or_default() };
            members.insert(name.to_owned(), value);
        }
    }
}

fn wipe(value: &mut Value) {
    if let Value::String(text) = value {
        text.zeroize();
    }
}

/// A secret that stands in clear.
fn clear(value: &mut Value, form: impl Fn(&str) -> Result<Secret, SecretError>) -> Kept {
    let Value::String(text) = value else { return Kept::Lost("neither text nor a hash".into()) };
    let kept = match form(text) {
        // An empty one was none there either.
        Err(SecretError::Empty) => Kept::Nothing,
        Err(error) => Kept::Lost(error.to_string().into()),
        Ok(secret) if secret.is_empty() => Kept::Nothing,
        Ok(secret) => Kept::Clear(secret, None),
    };
    wipe(value);
    kept
}

fn unsupported(error: &HashError) -> Cow<'static, str> {
    format!("a hash that cannot be verified here: {error}").into()
}

/// Up to version 6, internal roles and users were in the repository.
fn as_today(mut one: Value) -> Value {
    let former = reference::place(&one).and_then(|(other, id)| match other {
        "repo/internal/role" => Some(format!("{}/{id}", grants::ROLES)),
        "repo/internal/user" => Some(format!("internal/user/{id}")),
        _ => None,
    });
    if let (Some(path), Value::Object(members)) = (former, &mut one) {
        members.insert(reference::REF.to_owned(), json!(path));
    }
    one
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures::{USER, with_properties, world};
    use crate::secret::OpensCrypto;

    struct Opens;

    impl OpensCrypto for Opens {
        fn open(&self, crypto: &Value) -> Result<Value, String> {
            let value = &crypto["$crypto"]["value"];
            if value["key"] == "openidm-sym-default" { Ok(value["data"].clone()) } else { Err("the keystore has no such key".into()) }
        }
    }

    fn encrypted(key: &str, data: &str) -> Value {
        json!({"$crypto": {"type": "x-simple-encryption", "value": {"cipher": "AES/CBC/PKCS5Padding", "key": key, "data": data, "iv": ""}}})
    }

    fn hash() -> Value {
        json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256", "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}}})
    }

    #[test]
    fn a_password_is_kept_hashed_opened_or_named_as_lost() {
        let mut world = world();
        world.managed.opens = Some(Arc::new(Opens));
        let sign_in = |password: Value| {
            let taken = world.managed.take_over(USER, "1", json!({"userName": "ann", "password": password})).unwrap();
            (taken.sign_in, taken.clear.len(), taken.lost.len())
        };
        assert_eq!(sign_in(hash()), (SignIn::Hash("salted SHA-256"), 0, 0));
        assert_eq!(sign_in(json!("$2b$04$abcdefghijklmnopqrstuuQ0aGrGUlZQ0xTn7P8hHrdLyBHbfkQZC")).0, SignIn::Hash("bcrypt"));
        assert_eq!(sign_in(json!("Passw0rd")), (SignIn::Clear, 1, 0));
        assert_eq!(sign_in(encrypted("openidm-sym-default", "Passw0rd")), (SignIn::Encrypted("openidm-sym-default".into()), 1, 0));
        let (lost, clear, losses) = sign_in(encrypted("other", ""));
        assert!(matches!(&lost, SignIn::Lost(why) if why.contains("no such key")) && (clear, losses) == (0, 1), "{lost:?}");
        let (lost, ..) = sign_in(json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "ROT13", "data": "AAAA"}}}));
        assert!(matches!(&lost, SignIn::Lost(why) if why.contains("ROT13")), "{lost:?}");
        assert_eq!(sign_in(json!("{CLEAR}Passw0rd")), (SignIn::Clear, 1, 0));
        assert_eq!(sign_in(json!("{BASE64}UGFzc3cwcmQ=")), (SignIn::Clear, 1, 0));
        assert_eq!(sign_in(json!("")), (SignIn::NoPassword, 0, 0));
        assert_eq!(sign_in(Value::Null), (SignIn::NoPassword, 0, 0));
    }

    #[test]
    fn without_a_keystore_the_key_is_named() {
        let taken = world().managed.take_over(USER, "1", json!({"password": encrypted("openidm-sym-default", "x")})).unwrap();
        assert!(taken.lost[0].why.contains("'openidm-sym-default'") && !taken.sign_in.works(), "{:?}", taken.lost);
        assert_eq!(taken.content.get("password"), None);
    }

    #[test]
    fn answers_keep_their_order_and_what_cannot_be_verified_is_named() {
        let kba = json!([{"questionId": "1", "answer": hash()}, {"customQuestion": "Dog?", "answer": {"$crypto": {"type": "salted-hash", "value": {"algorithm": "ROT13", "data": ""}}}},
            {"customQuestion": "Cat?", "answer": "Tom"}, {"answer": "x"}]);
        let taken = world().managed.take_over(USER, "1", json!({"kbaInfo": kba})).unwrap();
        assert_eq!(taken.content["kbaInfo"], json!([{"questionId": "1", "answer": hash()}, {"customQuestion": "Cat?", "answer": null}]));
        assert_eq!(taken.clear[0].0.to_string(), "/kbaInfo/1/answer");
        assert_eq!(taken.lost.len(), 2, "{:?}", taken.lost);
    }

    #[test]
    fn metadata_and_roles_of_earlier_versions_are_as_they_are_kept_today() {
        let taken = world().managed.take_over(
            USER,
            "1",
            json!({"_id": "1", "_rev": "3", "termsAccepted": {"acceptDate": "2020-01-01T00:00:00Z", "termsVersion": "1"},
                "_meta": {"_ref": "internal/usermeta/x", "_id": "x", "_rev": "1", "loginCount": 3, "stagesCompleted": ["a"], "lastLogin": null},
                "authzRoles": [{"_ref": "repo/internal/role/openidm-authorized", "_refProperties": {"_id": "y", "_rev": "0"}}], "lastSync": {"x": {}}}),
        );
        let taken = taken.unwrap();
        assert_eq!(taken.content["_meta"]["loginCount"], 3);
        assert_eq!(taken.content["_meta"]["termsAccepted"]["termsVersion"], "1");
        assert_eq!(taken.content["_meta"].get("_ref"), None);
        assert_eq!(taken.content["authzRoles"], json!([{"_ref": "internal/role/openidm-authorized"}]));
        assert_eq!(taken.content.get("_id"), None);
        assert_eq!(taken.content["accountStatus"], "active");
    }

    #[test]
    fn what_was_encrypted_there_never_lies_in_the_clear_here() {
        let mut world = with_properties(
            &json!({"userName": {"type": "string"}, "ssn": {"type": "string", "encryption": {"purpose": "idm.x"}}, "note": {"type": "string"}}),
        );
        world.managed.opens = Some(Arc::new(Opens));
        let secret = encrypted("openidm-sym-default", "secret");
        let taken = world.managed.take_over(USER, "1", json!({"ssn": secret, "note": secret, "deep": {"x": secret}})).unwrap();
        assert_eq!(taken.content["ssn"], "secret", "sealed by the store");
        assert!(taken.content.get("note").is_none() && taken.content.get("deep").is_none());
        let lost: Vec<&str> = taken.lost.iter().map(|lost| lost.property.as_str()).collect();
        assert_eq!(lost, ["note", "deep"]);
    }

    #[test]
    fn what_no_store_could_hold_is_refused() {
        let managed = world().managed;
        assert!(managed.take_over(USER, "1", json!({"photo": "x".repeat(10 << 20)})).is_err());
        assert!(managed.take_over(USER, "a/b", json!({})).is_err());
        assert!(managed.take_over("managed/nothing", "1", json!({})).is_err());
        assert!(managed.take_over(USER, "1", json!([])).is_err());
    }
}

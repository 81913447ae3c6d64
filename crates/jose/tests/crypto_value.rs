//! IDM's encrypted configuration values (decision 22), read with the key of a keystore that `keytool` made.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a helper that panics fails the test that called it"
)]

use std::sync::LazyLock;

use serde_json::{Value, json};
use vestibule_jose::{CryptoValue, Error, Keystore, decrypt_idm_crypto};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn keystore() -> Keystore {
    Keystore::open(&fixture("keytool.p12"), "throwaway").unwrap()
}

/// Encrypted by the JDK with `AES/CBC/PKCS5Padding` under `openidm-sym-default`.
fn encrypted() -> Value {
    let fixture: Value = serde_json::from_slice(&fixture("keytool.json")).unwrap();
    fixture["encrypted"].clone()
}

/// The encrypted value with members of its inner value set.
fn with(members: &Value) -> Value {
    let mut json = encrypted();
    for (name, value) in members.as_object().unwrap() {
        json["$crypto"]["value"][name] = value.clone();
    }
    json
}

fn refused(json: &Value) -> Error {
    decrypt_idm_crypto(&keystore(), json).expect_err("refused")
}

#[test]
fn value_of_the_documented_layout_is_decrypted() {
    assert_eq!(decrypt_idm_crypto(&keystore(), &encrypted()), Ok(json!("Grüße, mail password")));
    let descriptive = with(&json!({"keySize": 16, "purpose": "idm.config.encryption", "salt": null}));
    assert_eq!(decrypt_idm_crypto(&keystore(), &descriptive), Ok(json!("Grüße, mail password")));
    let alias = with(&json!({"key": "OpenIDM-Sym-Default"}));
    assert_eq!(decrypt_idm_crypto(&keystore(), &alias), Ok(json!("Grüße, mail password")));
}

#[test]
fn value_with_a_derived_key_is_refused_and_the_key_named() {
    for members in [json!({"salt": "AAAA"}), json!({"mac": "AAAA"}), json!({"salt": "AAAA", "mac": "AAAA"})] {
        let error = refused(&with(&members));
        assert_eq!(error, Error::ValueKeyDerived { key: "openidm-sym-default".to_owned() });
        assert!(error.to_string().contains("`openidm-sym-default`"), "{error}");
    }
}

#[test]
fn the_key_is_named_in_every_layout() {
    let name = |json: &Value| CryptoValue::recognise(json).unwrap().key_name().map(str::to_owned);
    assert_eq!(name(&encrypted()).as_deref(), Some("openidm-sym-default"));
    assert_eq!(name(&with(&json!({"key": null, "stableId": "stable"}))).as_deref(), Some("stable"));
    assert_eq!(name(&with(&json!({"key": {"cipher": "RSA", "key": "pair", "data": ""}}))).as_deref(), Some("pair"));
    assert_eq!(name(&with(&json!({"key": null}))), None);
}

#[test]
fn unreadable_values_say_why() {
    let key = || "openidm-sym-default".to_owned();
    assert_eq!(refused(&with(&json!({"key": null}))), Error::ValueWithoutKey);
    assert_eq!(refused(&with(&json!({"key": "other"}))), Error::ValueKeyMissing { key: "other".to_owned() });
    assert_eq!(
        refused(&with(&json!({"key": "selfservice"}))),
        Error::ValueKeyMissing { key: "selfservice".to_owned() },
        "a key pair is no secret key"
    );
    assert_eq!(
        refused(&with(&json!({"key": {"cipher": "RSA/None", "key": "selfservice", "data": ""}}))),
        Error::ValueKeyWrapped { key: "selfservice".to_owned(), cipher: "RSA/None".to_owned() }
    );
    assert_eq!(
        refused(&with(&json!({"cipher": "DESede/CBC/PKCS5Padding"}))),
        Error::ValueCipher { key: key(), cipher: "DESede/CBC/PKCS5Padding".to_owned() }
    );
    for iv in [json!(null), json!("AAAA"), json!("!"), json!(5)] {
        assert_eq!(refused(&with(&json!({"iv": iv}))), Error::ValueMember { key: key(), member: "iv" });
    }
    assert_eq!(refused(&with(&json!({"data": "!"}))), Error::ValueMember { key: key(), member: "data" });
    for data in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="] {
        assert_eq!(refused(&with(&json!({"data": data}))), Error::ValueWrongKey { key: key() }, "{data}");
    }
    // The other secret key of the keystore decrypts to something, but not to JSON behind good padding.
    assert_eq!(
        refused(&with(&json!({"key": "openidm-selfservice-key"}))),
        Error::ValueWrongKey { key: "openidm-selfservice-key".to_owned() }
    );
}

#[test]
fn hashes_and_other_values_are_not_taken_for_encrypted() {
    let hash = json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256", "data": "AAAA"}}});
    for json in [hash, json!("text"), json!(null), json!({}), json!({"$crypto": 1}), json!({"$crypto": {"type": 1}})] {
        assert!(CryptoValue::recognise(&json).is_none(), "{json}");
        assert_eq!(refused(&json), Error::ValueNotEncrypted);
    }
}

#[test]
fn debug_of_a_keystore_names_aliases_only() {
    let keystore = keystore();
    let shown = format!("{keystore:?}");
    assert!(shown.contains("openidm-sym-default"), "{shown}");
    let secret = keystore.secret_key("openidm-sym-default").unwrap();
    assert_eq!(secret.len(), 16);
    assert!(!shown.contains(&format!("{secret:?}")), "{shown}");
}

/// The keys of `keytool.p12` in the format that IDM makes, and a few more.
fn jceks() -> &'static Keystore {
    static OPENED: LazyLock<Keystore> = LazyLock::new(|| Keystore::open(&fixture("keytool.jceks"), "throwaway").unwrap());
    &OPENED
}

#[test]
fn a_keystore_of_java_is_read_as_it_is() {
    let (java, converted) = (jceks(), keystore());
    for alias in ["openidm-sym-default", "openidm-selfservice-key"] {
        assert_eq!(java.secret_key(alias).unwrap(), converted.secret_key(alias).unwrap(), "{alias}");
    }
    assert_eq!(java.secret_key("Wide").unwrap().len(), 32);
    assert_eq!(java.secret_key("tripledes").unwrap().len(), 24, "a key that writes itself in another way");
    assert_eq!(java.secret_key("elsewhere"), None, "it has a password of its own");
    assert_eq!(java.rsa("selfservice").unwrap().unwrap().fingerprint(), converted.rsa("selfservice").unwrap().unwrap().fingerprint());
    assert_eq!(decrypt_idm_crypto(java, &encrypted()), Ok(json!("Grüße, mail password")));
}

#[test]
fn a_keystore_of_java_that_is_damaged_or_of_another_password_is_refused_wherever_it_is() {
    let file = fixture("keytool.jceks");
    assert!(matches!(Keystore::open(&file, "wrong"), Err(Error::KeystorePassword)));
    for length in (0..file.len()).step_by(97) {
        assert!(Keystore::open(&file[..length], "throwaway").is_err(), "{length}");
    }
    for at in (4..file.len()).step_by(101) {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(matches!(Keystore::open(&damaged, "throwaway"), Err(Error::KeystorePassword)), "{at}");
    }
}

#[test]
fn values_are_decrypted_in_every_layout_that_is_documented() {
    let values: Value = serde_json::from_slice(&fixture("jceks.json")).unwrap();
    for padding in ["RSA/ECB/OAEPWithSHA1AndMGF1Padding", "RSA/ECB/PKCS1Padding"] {
        assert_eq!(decrypt_idm_crypto(jceks(), &values[padding]), Ok(json!("Grüße, wrapped")), "{padding}");
        let mut other = values[padding].clone();
        other["$crypto"]["value"]["key"]["key"] = json!("nobody");
        assert_eq!(decrypt_idm_crypto(jceks(), &other), Err(Error::ValueKeyMissing { key: "nobody".to_owned() }));
        let mut cut = values[padding].clone();
        cut["$crypto"]["value"]["key"]["data"] = json!("AAAA");
        assert_eq!(decrypt_idm_crypto(jceks(), &cut), Err(Error::ValueWrongKey { key: "selfservice".to_owned() }));
    }
    assert_eq!(decrypt_idm_crypto(jceks(), &values["wide"]), Ok(json!("Str0ngEnough!")));
}

//! The key ring: what it keeps, what it takes over, what it refuses (SEC-40), and that `Debug` shows no secret.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that panics fails the test that called it")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vestibule_jose::{
    Encryption, Error, IDM_SIGNING_ALIAS, InvalidToken, JweAlgorithm, JwsAlgorithm, KeyFault, KeyRing, KeyUse, TokenForm, open, seal,
};

const PASSWORD: &str = "throwaway";

/// IDM's default form.
const IDM: TokenForm = TokenForm { jwe: JweAlgorithm::RsaPkcs1, encryption: Encryption::A128CbcHs256, jws: JwsAlgorithm::Hs256 };

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::generate().unwrap()
}

fn document(ring: &KeyRing) -> Value {
    serde_json::from_str(&ring.to_json()).unwrap()
}

/// Reads the ring's document back with one member of its first generation replaced.
fn with_member(member: &str, value: &[u8]) -> Result<KeyRing, Error> {
    let mut json = document(&ring());
    json["keys"][0][member] = STANDARD.encode(value).into();
    KeyRing::from_json(&json.to_string())
}

#[test]
fn a_stored_ring_opens_its_tokens() {
    let first = ring();
    let token = seal(&first, IDM, b"state").unwrap();
    let restored = KeyRing::from_json(&first.to_json()).unwrap();
    assert_eq!(open(&restored, IDM, &token), Ok(b"state".to_vec()));
    assert_eq!(restored.keyed("label", &[b"part"]), first.keyed("label", &[b"part"]));
    assert_eq!(*restored.to_json(), *first.to_json());
}

#[test]
fn damaged_documents_are_named_without_showing_secrets() {
    let good = ring().to_json();
    for length in (0..good.len()).step_by(97) {
        assert!(matches!(KeyRing::from_json(&good[..length]), Err(Error::DamagedDocument { .. })), "{length}");
    }
    let secret = document(&ring())["keys"][0]["master"].as_str().unwrap().to_owned();
    let misplaced = format!(r#"{{"version":1,"keys":["{secret}"]}}"#);
    let error = KeyRing::from_json(&misplaced).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&secret));
    let unknown = good.replace(r#""keys""#, r#""kees""#);
    assert!(matches!(KeyRing::from_json(&unknown), Err(Error::DamagedDocument { line: 1, .. })));
    assert!(matches!(KeyRing::from_json(r#"{"version":2,"anything":[]}"#), Err(Error::NewerDocument(2))));
    assert!(matches!(KeyRing::from_json(r#"{"version":1,"keys":[]}"#), Err(Error::EmptyDocument)));
    assert!(matches!(with_member("master", &[1; 31]), Err(Error::DamagedMember("master"))));
    assert!(matches!(with_member("rsa", b"nonsense"), Err(Error::RefusedKey { fault: KeyFault::NotRsa, .. })));
    let mut json = document(&ring());
    json["keys"][0]["signing"] = "not base64!".into();
    assert!(matches!(KeyRing::from_json(&json.to_string()), Err(Error::DamagedMember("signing"))));
}

#[test]
fn debug_shows_no_secret() {
    let ring = ring();
    let shown = format!("{ring:?}");
    for member in ["rsa", "signing", "master"] {
        let text = document(&ring)["keys"][0][member].as_str().unwrap().to_owned();
        let bytes = STANDARD.decode(&text).unwrap();
        assert!(!shown.contains(&text) && !shown.contains(&format!("{bytes:?}")), "{member}");
    }
    assert!(shown.len() < 200, "{shown}");
}

#[test]
fn rotation_loses_nobody_until_the_old_keys_are_forgotten() {
    let mut ring = ring();
    let mut tokens = vec![(seal(&ring, TokenForm::DEFAULT, b"0").unwrap(), ring.keyed("code", &[b"0"]))];
    for round in 1..=3_u8 {
        ring.rotate().unwrap();
        tokens.push((seal(&ring, TokenForm::DEFAULT, &[b'0' + round]).unwrap(), ring.keyed("code", &[b"0"])));
    }
    let restored = KeyRing::from_json(&ring.to_json()).unwrap();
    assert_eq!(restored.previous_len(), 3);
    for (round, (token, keyed)) in (b'0'..).zip(&tokens) {
        assert_eq!(open(&restored, TokenForm::DEFAULT, token), Ok(vec![round]));
        assert!(restored.keyed_matches("code", &[b"0"], keyed));
        assert!(!restored.keyed_matches("code", &[b"1"], keyed));
    }
    ring.forget_previous(1);
    let opened: Vec<bool> = tokens.iter().map(|(token, _)| open(&ring, TokenForm::DEFAULT, token).is_ok()).collect();
    assert_eq!(opened, [false, false, true, true]);
    let matching: Vec<bool> = tokens.iter().map(|(_, keyed)| ring.keyed_matches("code", &[b"0"], keyed)).collect();
    assert_eq!(matching, [false, false, true, true]);
}

/// Two nodes go from one generation to the next, and each opens what the other seals all the way.
#[test]
fn a_rotation_in_two_steps_loses_nobody_between_nodes() {
    let uses = |ring: &KeyRing| ring.pairs().map(|(_, _, of)| of).collect::<Vec<_>>();
    let again = |ring: &KeyRing| KeyRing::from_json(&ring.to_json()).unwrap();
    let both = |one: &KeyRing, other: &KeyRing| {
        for (from, to) in [(one, other), (other, one)] {
            let token = seal(from, TokenForm::DEFAULT, b"x").unwrap();
            assert_eq!(open(to, TokenForm::DEFAULT, &token), Ok(b"x".to_vec()));
            assert!(to.keyed_matches("code", &[b"0"], &from.keyed("code", &[b"0"])));
            let value = vestibule_jose::seal_at_rest(from, "place", b"v").unwrap();
            assert_eq!(vestibule_jose::open_at_rest(to, "place", &value).unwrap().value.as_slice(), b"v");
        }
    };
    let (mut first, former) = (ring(), document(&ring()));
    let mut second = again(&first);
    assert!(former.get("prepared").is_none() && !first.seal_with_prepared());
    let before = first.keyed("code", &[b"0"]);
    assert!(first.prepare().unwrap() && !first.prepare().unwrap());
    assert_eq!((uses(&first), first.keyed("code", &[b"0"])), (vec![KeyUse::Seals, KeyUse::Prepared], before), "it seals as before");
    both(&first, &second);
    second = again(&first);
    assert!(second.is_prepared() && uses(&second) == uses(&first));
    assert!(first.seal_with_prepared());
    assert_eq!(uses(&first), [KeyUse::Seals, KeyUse::Opens]);
    let ahead = vestibule_jose::seal_at_rest(&first, "place", b"v").unwrap();
    assert!(vestibule_jose::open_at_rest(&second, "place", &ahead).unwrap().is_current, "nobody seals it back");
    both(&first, &second);
    assert!(second.seal_with_prepared());
    assert_eq!(*second.to_json(), *first.to_json());
    // Whoever rotates at once after all keeps opening what others seal.
    let mut hasty = again(&first);
    hasty.prepare().unwrap();
    let mut other = again(&hasty);
    other.seal_with_prepared();
    hasty.rotate().unwrap();
    let token = seal(&other, TokenForm::DEFAULT, b"x").unwrap();
    assert_eq!(open(&hasty, TokenForm::DEFAULT, &token), Ok(b"x".to_vec()));
}

/// What is found under such a name is found until its generation is forgotten.
#[test]
fn what_is_keyed_for_long_outlives_every_step_of_a_rotation() {
    let mut ring = ring();
    let name = |ring: &KeyRing| ring.keyed_for_long("counter", &[b"0"]);
    let before = ring.keyed("counter", &[b"0"]);
    assert_eq!(name(&ring), before);
    ring.prepare().unwrap();
    assert_eq!(name(&ring), before, "one is prepared");
    ring.seal_with_prepared();
    assert_eq!(name(&ring), before, "it seals");
    ring.rotate().unwrap();
    assert_eq!((name(&ring), name(&KeyRing::from_json(&ring.to_json()).unwrap())), (before, before));
    ring.forget_previous(1);
    assert_ne!(name(&ring), before);
}

#[test]
fn keyed_values_depend_on_label_and_on_where_parts_end() {
    let ring = ring();
    let inputs: [(&str, &[&[u8]]); 8] = [
        ("a", &[b"bc"]),
        ("a", &[b"b", b"c"]),
        ("a", &[b"bc", b""]),
        ("a", &[b"", b"bc"]),
        ("ab", &[b"c"]),
        ("abc", &[]),
        ("", &[b"abc"]),
        ("a", &[]),
    ];
    let mut values: Vec<[u8; 32]> = inputs.iter().map(|(label, parts)| ring.keyed(label, parts)).collect();
    assert_eq!(values[0], ring.keyed("a", &[b"bc"]));
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), inputs.len());
    assert_ne!(ring.keyed("a", &[b"bc"]), self::ring().keyed("a", &[b"bc"]));
}

#[test]
fn sec_40_short_repetitive_and_sample_secrets_are_refused() {
    let weak = |secret: &[u8]| match with_member("signing", secret) {
        Err(Error::RefusedKey { fault: weakness, what }) => {
            assert_eq!(what, "the signing secret");
            weakness
        }
        other => panic!("{secret:?}: {other:?}"),
    };
    assert_eq!(weak(b"0123456789abcde"), KeyFault::ShortSecret { bits: 120 });
    assert_eq!(weak(&[0; 64]), KeyFault::Repetitive);
    assert_eq!(weak(b"abcabcabcabcabcabcabcabc"), KeyFault::Repetitive);
    assert_eq!(weak(b"changeit-changeit-changeit"), KeyFault::Sample);
    assert_eq!(weak(b"ThisIsMyPassword12345678"), KeyFault::Sample);
    assert!(matches!(with_member("master", &[0; 32]), Err(Error::RefusedKey { fault: KeyFault::Repetitive, .. })));
    assert_eq!(
        with_member("signing", b"short").unwrap_err().to_string(),
        "the signing secret is refused: it has 40 bits, and fewer than 128 can be guessed"
    );
}

#[test]
fn pem_keys_are_taken_over_in_both_encodings() {
    for file in ["pkcs8.pem", "pkcs1.pem"] {
        let mut ring = ring();
        let before = seal(&ring, IDM, b"before").unwrap();
        let imported = ring.import_pem(&fixture(file)).unwrap();
        assert!(imported.changed && !imported.signing);
        let after = seal(&ring, IDM, b"after").unwrap();
        assert_eq!(open(&ring, IDM, &before), Ok(b"before".to_vec()), "{file}");
        assert_eq!(open(&ring, IDM, &after), Ok(b"after".to_vec()), "{file}");
        let again = ring.import_pem(&fixture("pkcs8.pem")).unwrap();
        assert_eq!((again.changed, again.fingerprint), (false, imported.fingerprint), "{file}");
        assert_eq!(ring.previous_len(), 1);
    }
}

#[test]
fn a_pem_file_may_hold_other_blocks_first() {
    let certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    ring().import_pem(&[certificate.as_slice(), &fixture("pkcs8.pem")].concat()).unwrap();
}

#[test]
fn unusable_pem_files_say_why() {
    let error = |file: &[u8]| ring().import_pem(file).unwrap_err();
    let refused = |fault| Error::RefusedKey { what: "the private key".to_owned(), fault };
    assert_eq!(error(&fixture("encrypted.pem")), Error::PemEncrypted);
    assert_eq!(error(&fixture("encrypted-pkcs1.pem")), Error::PemEncrypted);
    assert_eq!(error(&fixture("rsa1024.pem")), refused(KeyFault::SmallRsa));
    assert_eq!(error(b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"), Error::PemOtherAlgorithm);
    assert_eq!(error(&fixture("ec.pem")), refused(KeyFault::NotRsa));
    assert_eq!(error(b"no key at all"), Error::PemWithoutKey);
    assert_eq!(error(&[0xFF, 0xFE]), Error::PemWithoutKey);
    let whole = fixture("pkcs8.pem");
    assert_eq!(error(&whole[..whole.len() / 2]), Error::PemDamaged);
    assert_eq!(error(b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n"), Error::PemDamaged);
    assert_eq!(KeyFault::SmallRsa.to_string(), "the RSA key has fewer than 2048 bits");
}

#[test]
fn keystores_of_openssl_are_taken_over() {
    for file in ["openssl.p12", "openssl-legacy.p12"] {
        let mut ring = ring();
        let imported = ring.import_pkcs12(&fixture(file), PASSWORD, "selfservice", None).unwrap();
        assert!(imported.changed && !imported.signing, "{file}");
        let same = ring.import_pem(&fixture("pkcs8.pem")).unwrap();
        assert_eq!((same.fingerprint, same.changed), (imported.fingerprint, false), "{file}");
    }
}

/// The token in `keytool.json` is made by the JDK's own cipher classes with the keystore's keys, as IDM makes its tokens.
#[test]
fn token_of_idm_opens_after_its_keystore_is_imported() {
    let expected: Value = serde_json::from_slice(&fixture("keytool.json")).unwrap();
    let token = expected["token"].as_str().unwrap();
    let mut ring = ring();
    assert_eq!(open(&ring, IDM, token), Err(InvalidToken));
    let own = seal(&ring, TokenForm::DEFAULT, b"own").unwrap();
    let imported = ring.import_pkcs12(&fixture("keytool.p12"), PASSWORD, "SelfService", None).unwrap();
    assert_eq!(expected["fingerprint"], STANDARD.encode(imported.fingerprint));
    assert!(imported.signing && imported.changed);
    assert_eq!(open(&ring, IDM, token), Ok(br#"{"state":"{}","exp":1}"#.to_vec()));
    assert_eq!(open(&ring, TokenForm::DEFAULT, &own), Ok(b"own".to_vec()), "tokens of the former keys are opened");
    let stored = KeyRing::from_json(&ring.to_json()).unwrap();
    assert_eq!(open(&stored, IDM, token), Ok(br#"{"state":"{}","exp":1}"#.to_vec()));
    assert!(!ring.import_pkcs12(&fixture("keytool.p12"), PASSWORD, "selfservice", None).unwrap().changed);
}

#[test]
fn an_import_leaves_keyed_values_as_they_are() {
    let mut ring = ring();
    let before = ring.keyed("code", &[b"instance"]);
    ring.import_pkcs12(&fixture("keytool.p12"), PASSWORD, "selfservice", None).unwrap();
    assert_eq!(ring.keyed("code", &[b"instance"]), before);
}

#[test]
fn unusable_keystores_say_why_and_leave_the_ring_alone() {
    let mut ring = ring();
    let before = ring.to_json();
    let keystore = fixture("keytool.p12");
    assert!(matches!(ring.import_pkcs12(&keystore, "wrong", "selfservice", None), Err(Error::KeystorePassword)));
    let error = ring.import_pkcs12(&keystore, PASSWORD, "selfservise", None).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the keystore has no private key `selfservise`; it has: ") && text.contains("selfservice"), "{text}");
    let error = ring.import_pkcs12(&keystore, PASSWORD, IDM_SIGNING_ALIAS, None).unwrap_err();
    assert!(matches!(error, Error::NoPrivateKey { .. }), "a secret key is no key pair: {error}");
    let error = ring.import_pkcs12(&keystore, PASSWORD, "selfservice", Some("selfservice")).unwrap_err();
    assert!(matches!(error, Error::NoSecretKey { .. }), "a key pair is no secret key: {error}");
    assert!(matches!(
        ring.import_pkcs12(&fixture("rsa1024.p12"), PASSWORD, "selfservice", None),
        Err(Error::RefusedKey { fault: KeyFault::SmallRsa, .. })
    ));
    assert!(matches!(ring.import_pkcs12(b"nonsense", PASSWORD, "selfservice", None), Err(Error::DamagedKeystore(_))));
    assert!(matches!(ring.import_pkcs12(&[0xCE; 64], PASSWORD, "selfservice", None), Err(Error::KeystorePassword)));
    let error = ring.import_pkcs12(&[0xFE, 0xED, 0xFE, 0xED, 0, 0], PASSWORD, "selfservice", None).unwrap_err();
    assert!(error.to_string().contains("keytool -importkeystore -srckeystore FILE -srcstoretype JKS"), "{error}");
    assert_eq!(*ring.to_json(), *before);
}

/// A PKCS #12 file with the fixture's RSA key and a signing secret of one's choice.
fn keystore_with_signing_secret(secret: &[u8]) -> Vec<u8> {
    use p12_keystore::secret::{Secret, SecretKeyType};
    use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    let pem = String::from_utf8(fixture("pkcs8.pem")).unwrap();
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = PrivateKey::from_der(&STANDARD.decode(text).unwrap()).unwrap();
    let secret = Secret::builder(SecretKeyType::Aes).with_key(secret.to_vec()).build().unwrap();
    let mut keystore = KeyStore::new();
    keystore.add_entry("selfservice", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("id", key, [])));
    keystore.add_entry(IDM_SIGNING_ALIAS, KeyStoreEntry::Secret(secret));
    keystore.writer(PASSWORD).write().unwrap()
}

#[test]
fn sec_40_weak_signing_secrets_of_a_keystore_are_refused_by_name() {
    let import = |secret: &[u8]| ring().import_pkcs12(&keystore_with_signing_secret(secret), PASSWORD, "selfservice", None);
    for (secret, expected) in [
        (vec![0; 16], KeyFault::Repetitive),
        (b"openidm-openidm!".to_vec(), KeyFault::Sample),
        (vec![1], KeyFault::ShortSecret { bits: 8 }),
    ] {
        match import(&secret) {
            Err(Error::RefusedKey { what, fault: weakness }) => {
                assert_eq!((what.as_str(), weakness), ("secret key `openidm-selfservice-key`", expected));
            }
            other => panic!("{secret:?}: {other:?}"),
        }
    }
    assert!(import(&(1..=16).collect::<Vec<u8>>()).unwrap().signing);
}

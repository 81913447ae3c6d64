//! Hashes made by other software, all of `correct horse` with salt 00..0f unless said otherwise. In the recipes `p` is the password
//! and `s` is `bytes(range(16))`, in Python 3.

use serde_json::{Value, json};

use super::*;

const PASSWORD: &str = "correct horse";

fn check(stored: &Value, password: &str) -> Verdict {
    let stored = StoredSecret::recognise(stored).unwrap();
    assert!(stored.is_verifiable(), "{stored:?}");
    verify(&stored, &Secret::password(password).unwrap(), &HashParameters::default())
}

fn verifies(stored: &Value) {
    assert_eq!(check(stored, PASSWORD), Verdict::Matches { rehash: true }, "{stored}");
    assert_eq!(check(stored, "correct horsf"), Verdict::Differs, "{stored}");
    assert_eq!(check(stored, ""), Verdict::Differs, "{stored}");
}

fn idm(algorithm: &str, data: &str, config: Value) -> Value {
    let mut value = json!({"algorithm": algorithm, "data": data});
    if !config.is_null() {
        value["config"] = config;
    }
    json!({"$crypto": {"value": value, "type": "salted-hash"}})
}

fn unsupported(stored: &Value) -> HashError {
    match StoredSecret::recognise(stored) {
        Some(StoredSecret::Unsupported(reason)) => reason,
        other => panic!("{stored}: {other:?}"),
    }
}

// argon2.low_level.hash_secret(p, s, time_cost=2, memory_cost=64, parallelism=2, hash_len=32, type=…, version=…)
#[test]
fn argon2_in_all_variants_and_versions() {
    for stored in [
        "$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI",
        "$argon2id$v=16$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$l9QkqwVbaSe6HzeK7+nvdzUyut0dxR3EpEsKH2oSM8I",
        "$argon2i$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$A43zaS/KNy7b3ONR1PkDhaXOn2rhbE0sTHiNT5mlHm8",
        "$argon2i$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$pIkC9bquIoUwX1bYz1y1y8dHOt2OkEY96T83+YWQl1s",
        "$argon2d$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$t6vfiLgdTD1BxH12msrP28DkfPPf9eymi+w04AGpe/s",
        "{ARGON2}$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI",
    ] {
        verifies(&json!(stored));
    }
}

// argon2.low_level.hash_secret("Passwört".encode(), s, 2, 19456, 1, 32, Type.ID)
#[test]
fn our_own_hash_is_what_the_reference_implementation_makes() {
    let salt = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let hashed = hash(&Secret::password("Passwo\u{308}rt").unwrap(), salt, &HashParameters::default()).unwrap();
    assert_eq!(hashed, "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$7ya0FDmlOe+aqBRW/Ty7A6CzMK9WZTUG9Xam+wSmKWY");
    assert_eq!(check(&json!(hashed), "Passwört"), Verdict::Matches { rehash: false });
}

// crypt.crypt(p, "$2b$04$abcdefghijklmnopqrstuu")
#[test]
fn bcrypt_bare_and_as_a_directory_or_idm_keeps_it() {
    let digest = "04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
    for version in ["2a", "2b", "2y"] {
        verifies(&json!(format!("${version}${digest}")));
        verifies(&json!(format!("{{BCRYPT}}${version}${digest}")));
        verifies(&json!(format!("{{CRYPT}}${version}${digest}")));
    }
    verifies(&idm("BCRYPT", &format!("$2a${digest}"), json!({"cost": 4})));
    verifies(&idm("BCRYPT", "JDJiJDA0JGFiY2RlZmdoaWprbG1ub3BxcnN0dXVqeWRPVFNmSUgvZDVvVUhwc3lncVY1WDl4SkxRYzZl", Value::Null));
    assert_eq!(check(&json!("$2b$04$abcdefghijklmnopqrstuuoT/TdrzDV2psLP7KSgTRZydCrV8Rn3S"), "üüü"), Verdict::Matches { rehash: true });
}

// crypt.crypt(p, …), and openssl passwd -5 (-6) -salt saltstring "correct horse"
#[test]
fn sha_crypt() {
    for stored in [
        "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
        "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/",
        "$6$rounds=1200$saltstringsalt$zvPDphK7cHT5H15wXzAIc4L0lKM2V3Uyj/VOWN6sJUnXc.LoGsB4r/El82eq7WFwNozY0QCYa2Ep92yK40gdR/",
        "{CRYPT}$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
    ] {
        verifies(&json!(stored));
    }
}

// hashlib.pbkdf2_hmac(…, p, s, 1000); with base64 for {…} and PHC, "." for "+" in passlib's and OpenLDAP's alphabet
#[test]
fn pbkdf2_of_directories_and_password_libraries() {
    for stored in [
        "{PBKDF2}1000:ndhWw3a4srcTtr4HQFTLiKRlVuAAAQIDBAUGBwgJCgsMDQ4P",
        "{PBKDF2-HMAC-SHA512}1000:Xpx07WjVx4vCIvrmBRj8uOoVVtGqJqtUv2J5bhizSQs7osCteF7W4A61dZDqSIqQjO+dxO6p5FT/Uy7QRBXSXAABAgMEBQYHCAkKCwwNDg8=",
        "{PBKDF2-SHA256}1000$AAECAwQFBgcICQoLDA0ODw$yRTMTwbMbo9G0VfjobWqerzuuxe7BETNTErBbKKumGQ",
        "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$yRTMTwbMbo9G0VfjobWqerzuuxe7BETNTErBbKKumGQ",
        "$pbkdf2-sha512$1000$AAECAwQFBgcICQoLDA0ODw$Xpx07WjVx4vCIvrmBRj8uOoVVtGqJqtUv2J5bhizSQs7osCteF7W4A61dZDqSIqQjO.dxO6p5FT/Uy7QRBXSXA",
    ] {
        verifies(&json!(stored));
    }
}

// A published sample of PingDS's own making, for the password "password".
#[test]
fn pbkdf2_of_pingds_itself() {
    let stored = json!("{PBKDF2-HMAC-SHA256}10000:xKsMmlzVLRYdYzcgBuD3ZIAeSj8tNhjDHGFDqhth8Kcbw5qjL5UZxaiS2awL1HjO");
    assert_eq!(check(&stored, "password"), Verdict::Matches { rehash: true });
}

// base64(pbkdf2_hmac("sha3_256", p, s, 1000, 16) + s), and the other functions; the last with the salt in front
#[test]
fn pbkdf2_of_idm_7() {
    let config = |hmac: &str| json!({"hashLength": 16, "saltLength": 16, "iterations": 1000, "hmac": hmac});
    verifies(&idm("PBKDF2", "klFyMkdjkrXkKPGcG8Sq5QABAgMEBQYHCAkKCwwNDg8=", config("SHA3-256")));
    verifies(&idm("PBKDF2", "JbU83mbV68s0O71mmW7UhAABAgMEBQYHCAkKCwwNDg8=", config("SHA3-512")));
    verifies(&idm("PBKDF2", "X2PjXttojxAW+gBWuBrtKwABAgMEBQYHCAkKCwwNDg8=", config("SHA-224")));
    verifies(&idm("PBKDF2", "AAECAwQFBgcICQoLDA0OD16cdO1o1ceLwiL65gUY/Lg=", config("SHA-512")));
    let longer = idm(
        "PBKDF2",
        "PCh0zfGVPFfAoa5uer/v4eWIFcuHy/kRrVDZVEdBJGSKrX7HjZj85QABAgMEBQYHCAkKCwwNDg8=",
        json!({"hashLength": "40", "iterations": 3}),
    );
    assert_eq!(check(&longer, &"x".repeat(200)), Verdict::Matches { rehash: true }, "a key longer than a block, more than one block out");
    let short = idm("PBKDF2", "klFyMkdjkrXkKPGcG8Sq5QABAgMEBQYHCAkKCwwNDg8=", json!({"hashLength": 20, "hmac": "SHA-256"}));
    assert_eq!(unsupported(&short), HashError::Malformed("$crypto"));
    assert_eq!(unsupported(&idm("PBKDF2", "AAAA", config("SHA3-224"))), HashError::Algorithm("PBKDF2/SHA3-224".to_owned()));
}

// hashlib.scrypt(p, salt=s, n=16, r=8, p=1, dklen=32 and 16)
#[test]
fn scrypt_as_phc_and_of_idm_7() {
    verifies(&json!("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$Q7EcH175P/kcU7JE2HRU+qTRrq/BS6UbCRYPdBaC5y8"));
    verifies(&idm("SCRYPT", "Q7EcH175P/kcU7JE2HRU+gABAgMEBQYHCAkKCwwNDg8=", json!({"n": 16, "r": 8, "p": 1})));
}

// base64(hashlib.new(…, p + s).digest() + s); {SSHA} with the first eight bytes of s
#[test]
fn salted_and_plain_digests_of_directories() {
    for stored in [
        "{SSHA}TUJSOZXEpsO0ugaXv1z4WCS+DMwAAQIDBAUGBw==",
        "{ssha}TUJSOZXEpsO0ugaXv1z4WCS+DMwAAQIDBAUGBw",
        "{SSHA256}NaflOb8tcuJzgZWOx3DMvDrKAMo6vx67woYKwMZIZ1QAAQIDBAUGBwgJCgsMDQ4P",
        "{SSHA384}+W+2KHg4ngEihOJmO+W63lK5o2/cbo5htklGhyAtx0kaASoZFZkcE3QVtPgujKTTAAECAwQFBgcICQoLDA0ODw==",
        "{SSHA512}RxX5hhIRRRK2fhVkXkwzRVPVrymNjBPeOec5l5Z7HoA1jxGKFYfpQLhcljmxJcIS20C9nDeAN3dRZ7qrc68T8wABAgMEBQYHCAkKCwwNDg8=",
        "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=",
    ] {
        verifies(&json!(stored));
    }
}

// base64(hashlib.md5(p + s).digest() + s), without s, and with its first eight bytes; openssl passwd -1 (-apr1) -salt … "correct horse"
#[test]
fn md5_of_idm_directories_and_crypt() {
    verifies(&idm("MD5", "ohkJneRNZgBXeY3XgOlkcwABAgMEBQYHCAkKCwwNDg8=", Value::Null));
    for stored in [
        "{MD5}PLTnMmMfR+brlh80VUt83g==",
        "{SMD5}4Pc1h+NMPSfmWLJpmTWK5AABAgMEBQYH",
        "$1$saltstri$CVtlMpOHug1.jDUbVpFvB1",
        "{CRYPT}$1$saltstri$CVtlMpOHug1.jDUbVpFvB1",
        "$apr1$saltstri$3M7Faf5EXu1biGL6p4ueM1",
    ] {
        verifies(&json!(stored));
    }
    assert_eq!(check(&json!("$1$ab$jtRvJqDWXi2dyYBnMmGYN/"), &"x".repeat(40)), Verdict::Matches { rehash: true });
    let long = json!("{MD5}ohkJneRNZgBXeY3XgOlkcwABAgMEBQYHCAkKCwwNDg8=");
    assert_eq!(unsupported(&long), HashError::Malformed("{MD5}"), "a salt where there is none");
}

#[test]
fn what_a_directory_keeps_in_clear_is_no_hash() {
    let clear = |value: &str| clear_text(value).map(|text| text.to_string());
    assert_eq!(clear("{clear}secret}").as_deref(), Some("secret}"));
    assert_eq!(clear("{BASE64}c2VjcmV0").as_deref(), Some("secret"));
    for other in ["{BASE64}!", "{BASE64}/w==", "{SSHA}x", "{braces}", "clear", "{CLEAR"] {
        assert_eq!(clear(other), None, "{other}");
    }
}

#[test]
fn salted_hashes_of_idm() {
    verifies(&idm("SHA-1", "SbfVjMGTkcdPCA/6xGSjKvPl7QsAAQIDBAUGBwgJCgsMDQ4P", Value::Null));
    verifies(&idm("SHA-256", "NaflOb8tcuJzgZWOx3DMvDrKAMo6vx67woYKwMZIZ1QAAQIDBAUGBwgJCgsMDQ4P", Value::Null));
    let sha384 = "+W+2KHg4ngEihOJmO+W63lK5o2/cbo5htklGhyAtx0kaASoZFZkcE3QVtPgujKTTAAECAwQFBgcICQoLDA0ODw==";
    verifies(&idm("SHA-384", sha384, Value::Null));
    let sha512 = "RxX5hhIRRRK2fhVkXkwzRVPVrymNjBPeOec5l5Z7HoA1jxGKFYfpQLhcljmxJcIS20C9nDeAN3dRZ7qrc68T8wABAgMEBQYHCAkKCwwNDg8=";
    verifies(&json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-512", "data": sha512, "config": {"saltLength": 16}}}}));
}

// "pässwörd" has 8 UTF-16 units and 10 bytes: sha512(p[:8] + s), and sha512(p + s) of a version without the fault
#[test]
fn idm_hashed_only_as_many_bytes_as_there_are_utf_16_units() {
    let cut = "RNBE/VUnb4EPZXbgXpAkKhEqey2GV/rJCp7gmYh1OrhjgtjRkjdU4EhxWbhhXg+3tb5qEDNTz773kyarQ2/DawABAgMEBQYHCAkKCwwNDg8=";
    let all = "C067tyfuzTlT0y+tqLQexmcgpaenGEJNMSeTC5gmbcOmPQ6si+9ysglAi++lMGZUncgzUFO6FVYg8eiBbNld5QABAgMEBQYHCAkKCwwNDg8=";
    for data in [cut, all] {
        assert_eq!(check(&idm("SHA-512", data, Value::Null), "pässwörd"), Verdict::Matches { rehash: true });
    }
    assert_eq!(check(&json!(format!("{{SSHA512}}{cut}")), "pässwörd"), Verdict::Differs, "only IDM cuts");
}

// base64(sha256("Ｐassword".encode() + s).digest() + s), the P full-width
#[test]
fn foreign_hashes_are_tried_with_the_typed_form_too() {
    let stored = json!("{SSHA256}ujBPxWe785zUhgJzJe97s42yg4HDKzgABT0CEBC8KQ0AAQIDBAUGBwgJCgsMDQ4P");
    assert_eq!(check(&stored, "Ｐassword"), Verdict::Matches { rehash: true });
    assert_eq!(check(&stored, "Password"), Verdict::Differs);
}

#[test]
fn plain_values_are_no_hashes() {
    for plain in ["", "secret", "$", "$ecret", "$5", "$5 off", "$money$money$money", "{", "{braces}", "{SSHA", "$crypto", "password$6$x"] {
        assert!(StoredSecret::recognise(&json!(plain)).is_none(), "{plain}");
    }
    for other in [json!(null), json!(17), json!(true), json!([]), json!({}), json!({"algorithm": "SHA-256", "data": "x"})] {
        assert!(StoredSecret::recognise(&other).is_none(), "{other}");
    }
    assert_eq!(verify_stored(&Secret::exact("secret").unwrap(), Some(&json!("secret")), &HashParameters::cheap()), Verdict::Unverifiable);
}

#[test]
fn encrypted_values_name_their_key_and_are_never_verified() {
    for (value, key) in [
        (json!({"cipher": "AES/CBC/PKCS5Padding", "key": "openidm-sym-default", "data": "x", "iv": "y"}), "openidm-sym-default"),
        (json!({"cipher": "AES/ECB/PKCS5Padding", "key": {"key": "alias", "data": "x"}}), "alias"),
        (json!({"stableId": "openidm-sym-default", "purpose": "idm.password.encryption"}), "openidm-sym-default"),
        (json!({"purpose": "idm.password.encryption"}), "idm.password.encryption"),
        (json!(null), "unknown"),
    ] {
        let stored = json!({"$crypto": {"type": "x-simple-encryption", "value": value}});
        match StoredSecret::recognise(&stored) {
            Some(StoredSecret::Unreadable { key: named }) => assert_eq!(named, key),
            other => panic!("{other:?}"),
        }
        assert_eq!(verify_stored(&Secret::exact("x").unwrap(), Some(&stored), &HashParameters::cheap()), Verdict::Unverifiable);
    }
}

#[test]
fn what_cannot_be_verified_says_why() {
    for (stored, message) in [
        (json!("$1$salt$hash"), "the value begins like md5-crypt but cannot be read"),
        (json!("$y$salt$hash"), "the algorithm crypt $y$ is not supported"),
        (json!("{MD5}x"), "the value begins like {MD5} but cannot be read"),
        (json!("{CLEAR}x"), "the algorithm {CLEAR} is not supported"),
        (json!("{CRYPT}ab01FAX.bQRSU"), "the algorithm {CRYPT} is not supported"),
        (json!("{SCRAM-SHA-256}10000:x"), "the algorithm {SCRAM-SHA-256} is not supported"),
        (json!("$2b$12$short"), "the value begins like bcrypt but cannot be read"),
        (json!("{SSHA}TUJSOZXEpsO0ugaXv1z4WCS+DMw="), "the value begins like {SSHA} but cannot be read"),
        (json!("$argon2id$v=19$m=64,t=2$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4c"), "the value begins like argon2 but cannot be read"),
        (
            json!("$argon2id$v=18$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4c"),
            "the value begins like argon2 but cannot be read",
        ),
        (idm("MD5", "x", Value::Null), "the value begins like $crypto but cannot be read"),
        (idm("BCRYPT", "AAECAw==", Value::Null), "the algorithm BCRYPT in a layout of IDM that is not documented is not supported"),
        (json!({"$crypto": {"type": "other"}}), "the algorithm other is not supported"),
        (json!({"$crypto": {}}), "the value begins like $crypto but cannot be read"),
        (idm("SHA-256", "AAAA", Value::Null), "the value begins like $crypto but cannot be read"),
    ] {
        assert_eq!(unsupported(&stored).to_string(), message, "{stored}");
    }
}

#[test]
fn sec_52_a_hash_that_asks_for_too_much_work_is_refused_before_any_is_done() {
    let salt_and_digest = "AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI";
    for stored in [
        json!(format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_digest}")),
        json!(format!("$argon2id$v=19$m=64,t=4294967295,p=1${salt_and_digest}")),
        json!(format!("$argon2id$v=19$m=65536,t=2,p=8000${salt_and_digest}")),
        json!("$2b$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"),
        json!(format!("$pbkdf2-sha256$i=4294967295${salt_and_digest}")),
        json!("{PBKDF2}2000001:ndhWw3a4srcTtr4HQFTLiKRlVuAAAQIDBAUGBwgJCgsMDQ4P"),
        json!(format!("$scrypt$ln=30,r=8,p=1${salt_and_digest}")),
        json!(format!("$scrypt$ln=300,r=8,p=1${salt_and_digest}")),
        json!("$5$rounds=999999999$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC"),
        idm("SCRYPT", "Q7EcH175P/kcU7JE2HRU+gABAgMEBQYHCAkKCwwNDg8=", json!({"n": 1u64 << 40})),
        idm("PBKDF2", "klFyMkdjkrXkKPGcG8Sq5QABAgMEBQYHCAkKCwwNDg8=", json!({"iterations": 1e12})),
    ] {
        assert!(matches!(unsupported(&stored), HashError::TooCostly(_)), "{stored}");
    }
}

#[test]
fn a_digest_short_enough_to_guess_is_no_hash() {
    assert!(matches!(unsupported(&json!("$pbkdf2-sha256$1$AAECAwQFBgcICQoLDA0ODw$AAE")), HashError::Malformed(_)));
    let tiny = idm("PBKDF2", "AAECAwQFBgcICQoLDA0ODxA=", json!({"hashLength": 1, "saltLength": 16, "iterations": 1}));
    assert!(matches!(unsupported(&tiny), HashError::Malformed(_)));
}

#[test]
fn hashes_below_todays_parameters_are_replaced_and_costlier_ones_are_not() {
    let parameters = HashParameters::new(64, 2, 1).unwrap();
    let made = |memory, passes| {
        let made_with = HashParameters::new(memory, passes, 1).unwrap();
        StoredSecret::recognise(&json!(hash(&Secret::exact("x").unwrap(), [1; 16], &made_with).unwrap())).unwrap()
    };
    for (memory, passes, expected) in [(64, 2, false), (128, 2, false), (64, 3, false), (32, 2, true), (64, 1, true), (128, 1, true)] {
        assert_eq!(needs_rehash(&made(memory, passes), &parameters), expected, "{memory} {passes}");
    }
    let argon2i = json!("$argon2i$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$A43zaS/KNy7b3ONR1PkDhaXOn2rhbE0sTHiNT5mlHm8");
    assert!(needs_rehash(&StoredSecret::recognise(&argon2i).unwrap(), &parameters));
}

#[test]
fn recognised_hashes_are_not_printed() {
    let stored = StoredSecret::recognise(&json!("{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=")).unwrap();
    assert_eq!(format!("{stored:?}"), "Hash(Hash(unsalted digest))");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_hashed_verifies_and_nothing_else_does(text in "\\PC{1,40}", other in "\\PC{0,40}", salt: [u8; 16]) {
            let parameters = HashParameters::cheap();
            let secret = Secret::password(&text).unwrap();
            let stored = StoredSecret::recognise(&json!(hash(&secret, salt, &parameters).unwrap())).unwrap();
            prop_assert_eq!(verify(&stored, &secret, &parameters), Verdict::Matches { rehash: false });
            let other = Secret::password(&other).unwrap();
            prop_assert_eq!(verify(&stored, &other, &parameters).matches(), other.forms().any(|form| form == secret.expose()));
        }

        #[test]
        fn recognising_never_panics(
            head in prop::sample::select(vec!["$argon2id$v=19$", "$2b$", "$pbkdf2-sha256$", "$scrypt$", "$5$", "$6$rounds=", "{SSHA}", "{PBKDF2}", "{CRYPT}$"]),
            tail in "[$,=:a-zA-Z0-9./+é]{0,80}",
        ) {
            let _ = StoredSecret::recognise(&json!(format!("{head}{tail}")));
            let _ = StoredSecret::recognise(&idm("PBKDF2", &tail, json!({"hashLength": tail.len(), "saltLength": u64::MAX})));
        }
    }
}

//! Any file is keys to import or refused: a refused one changes nothing, and tokens made before an import can still be opened.
#![no_main]

use std::sync::LazyLock;

use jose::{CryptoValue, Encryption, JweAlgorithm, JwsAlgorithm, KeyRing, Keystore, TokenForm, open, seal};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const IDM: TokenForm = TokenForm { jwe: JweAlgorithm::RsaPkcs1, encryption: Encryption::A128CbcHs256, jws: JwsAlgorithm::Hs256 };
/// The password of the seeds.
const PASSWORD: &str = "throwaway";

static KEYSTORE: LazyLock<Keystore> = LazyLock::new(|| {
    Keystore::open(include_bytes!("../../../crates/jose/tests/fixtures/keytool.p12"), PASSWORD).expect("the fixture is a keystore")
});

fuzz_target!(|file: &[u8]| {
    import(|ring| ring.import_pem(file).is_ok_and(|imported| imported.changed));
    if costs_little(file) {
        import(|ring| ring.import_pkcs12(file, PASSWORD, "selfservice", None).is_ok_and(|imported| imported.changed));
    }
    document(file);
    value(file);
});

/// The file says how often its password is hashed. It is the operator's own; a fuzzer would ask for an hour.
fn costs_little(file: &[u8]) -> bool {
    !file.windows(2).any(|start| start[0] == 2 && (3..9).contains(&start[1]))
}

fn ring() -> KeyRing {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| KeyRing::generate().expect("randomness").to_json().to_string());
    KeyRing::from_json(&DOCUMENT).expect("it was written by a ring")
}

fn import(read: impl FnOnce(&mut KeyRing) -> bool) {
    let mut ring = ring();
    let before = ring.to_json();
    let token = seal(&ring, IDM, b"in flight").expect("it fits");
    if !read(&mut ring) {
        assert_eq!(*ring.to_json(), *before);
        return;
    }
    assert_eq!((ring.previous_len(), open(&ring, IDM, &token).as_deref()), (1, Ok(b"in flight".as_slice())));
    let token = seal(&ring, IDM, b"new").expect("it fits");
    let again = KeyRing::from_json(&ring.to_json()).expect("what was written is read");
    assert_eq!(open(&again, IDM, &token).as_deref(), Ok(b"new".as_slice()));
}

fn document(file: &[u8]) {
    let Ok(text) = str::from_utf8(file) else { return };
    match KeyRing::from_json(text) {
        Ok(ring) => {
            let written = ring.to_json();
            assert_eq!(*KeyRing::from_json(&written).expect("what was written is read").to_json(), *written);
        }
        Err(error) => assert!(text.len() < 64 || !error.to_string().contains(text)),
    }
}

fn value(file: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(file) else { return };
    let whole = json!({ "$crypto": { "type": "x-simple-encryption", "value": value } });
    for value in [&value, &value["encrypted"], &whole] {
        let Some(encrypted) = CryptoValue::recognise(value) else { continue };
        let named = encrypted.key_name().is_some_and(|name| KEYSTORE.secret_key(name).is_some());
        assert!(encrypted.decrypt(&KEYSTORE).is_err() || named, "decrypted without a key");
    }
}

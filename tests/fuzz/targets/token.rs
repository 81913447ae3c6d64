//! No text is a token unless it was sealed, not even behind a good MAC; what was sealed opens to the same bytes.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jose::jws::{self, MacKey};
use jose::{InvalidToken, KeyRing, MAX_CONTENT_LEN, TokenForm, open, open_any, seal};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Known to the target only, so that it can sign what the fuzzer makes up.
const SIGNING: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
const MASTER: [u8; 32] = *b"vutsrqponmlkjihgfedcba9876543210";

/// The same keys in every run: an input that was found once is found again.
static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let pem = include_str!("../../../crates/jose/tests/fixtures/pkcs8.pem");
    let rsa: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let keys = json!({"rsa": rsa, "signing": STANDARD.encode(SIGNING), "master": STANDARD.encode(MASTER)});
    KeyRing::from_json(&json!({"version": 1, "keys": [keys]}).to_string()).expect("the fixture is a key")
});

static FORMS: LazyLock<Vec<TokenForm>> = LazyLock::new(|| TokenForm::all().collect());

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let form = FORMS[usize::from(choice) % FORMS.len()];
    assert_eq!(open_any(&RING, &FORMS, text), Err(InvalidToken));

    let outer = format!(r#"{{"typ":"JWT","cty":"JWT","alg":"{}"}}"#, form.jws.wire_name());
    let inner = format!(r#"{{"typ":"JWT","enc":"{}","alg":"{}"}}"#, form.encryption.wire_name(), form.jwe.wire_name());
    let key = MacKey::new(form.jws, &SIGNING);
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(inner);
    for made_up in [text.to_owned(), format!("{header}.{text}")] {
        assert_eq!(open(&RING, form, &jws::sign(&key, &outer, made_up.as_bytes())), Err(InvalidToken));
    }

    if text.len() <= MAX_CONTENT_LEN {
        let token = seal(&RING, form, text.as_bytes()).expect("the content fits");
        assert_eq!(open(&RING, form, &token).as_deref(), Ok(text.as_bytes()));
    }
});

//! No text is an ID token unless one of the published keys signed it, whatever header it has; what one signed is what is read.
#![no_main]

use std::sync::LazyLock;

use jose::signature::{PublishedKeys, SignatureAlgorithm, SigningKey};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// A key of nobody.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";
    SigningKey::from_pem(pem).expect("it is a key")
});

static PUBLISHED: LazyLock<PublishedKeys> =
    LazyLock::new(|| PublishedKeys::read(&json!({"keys": [KEY.public_jwk(Some("k")).expect("it is on P-256")]})));

fuzz_target!(|input: (&str, &str)| {
    let (text, header) = input;
    assert!(PUBLISHED.verify(text, &SignatureAlgorithm::ALL).is_err());
    if let Ok(set) = serde_json::from_str(text) {
        assert!(PublishedKeys::read(&set).len() <= 64);
    }
    let token = KEY.sign(Some("k"), &json!({"sub": text})).expect("there is randomness");
    let verified = PUBLISHED.verify(&token, &SignatureAlgorithm::ALL);
    if token.len() <= 64 * 1024 {
        assert_eq!(verified.expect("it is signed").claims["sub"], text);
    }
    // Another header, or another content, behind the same signature.
    let (own, rest) = token.split_once('.').expect("three parts");
    if header != own {
        assert!(PUBLISHED.verify(&format!("{header}.{rest}"), &SignatureAlgorithm::ALL).is_err());
    }
});

//! Published test vectors: RFC 7515, RFC 7516, RFC 7520 (tokens) and RFC 7518 appendix B (AES-CBC with HMAC).
//!
//! The tokens stand in `tests/vectors/rfc.json` exactly as printed. Where the RFC gives all random inputs, the token is
//! also made anew and must come out the same, character by character.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use serde::Deserialize;

use crate::algorithms::{Encryption, JweAlgorithm, JwsAlgorithm};
use crate::cbc_hmac::CbcHmacKey;
use crate::content::ContentKey;
use crate::error::{Error, InvalidToken, KeyFault};
use crate::jwe::{self, KeyManagement};
use crate::jws::{self, MacKey};
use crate::key_wrap::WrappingKey;
use crate::keys::KeyRing;
use crate::rsa::RsaPair;
use crate::{base64url, keys};

#[derive(Deserialize)]
struct Vectors {
    jwe: Vec<JweVector>,
    jws: Vec<JwsVector>,
}

#[derive(Deserialize)]
struct JwsVector {
    name: String,
    header: String,
    key: String,
    payload: String,
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JweVector {
    name: String,
    algorithm: String,
    encryption: String,
    header: String,
    key: Jwk,
    content: String,
    token: String,
    /// Printed only where the token can be made anew.
    content_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Jwk {
    Rsa { n: String, e: String, d: String, p: String, q: String, dp: String, dq: String, qi: String },
    Secret { k: String },
}

impl Jwk {
    fn rsa(&self) -> RsaPair {
        let Self::Rsa { n, e, d, p, q, dp, dq, qi } = self else { panic!("the vector has no RSA key") };
        let pair = KeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: bytes(n), e: bytes(e) },
            d: bytes(d),
            p: bytes(p),
            q: bytes(q),
            dP: bytes(dp),
            dQ: bytes(dq),
            qInv: bytes(qi),
        })
        .unwrap();
        let pkcs8: Pkcs8V1Der<'static> = pair.as_der().unwrap();
        RsaPair::from_pkcs8(pkcs8.as_ref()).unwrap()
    }

    fn secret(&self) -> Vec<u8> {
        let Self::Secret { k } = self else { panic!("the vector has no secret") };
        bytes(k)
    }
}

fn bytes(text: &str) -> Vec<u8> {
    base64url::decode(text).unwrap()
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../tests/vectors/rfc.json")).unwrap()
}

/// Calls `check` with the key of the vector.
fn with_key<T>(vector: &JweVector, check: impl FnOnce(KeyManagement<'_>, Encryption) -> T) -> T {
    let encryption = Encryption::from_config_name(&vector.encryption).unwrap();
    match JweAlgorithm::from_config_name(&vector.algorithm).unwrap() {
        JweAlgorithm::RsaPkcs1 => check(KeyManagement::RsaPkcs1(&vector.key.rsa()), encryption),
        JweAlgorithm::RsaOaep => check(KeyManagement::RsaOaep(&vector.key.rsa()), encryption),
        JweAlgorithm::RsaOaep256 => check(KeyManagement::RsaOaep256(&vector.key.rsa()), encryption),
        JweAlgorithm::Direct => check(KeyManagement::Direct(&ContentKey::new(encryption, &vector.key.secret()).unwrap()), encryption),
        JweAlgorithm::A128Kw | JweAlgorithm::A192Kw | JweAlgorithm::A256Kw => {
            check(KeyManagement::AesKeyWrap(&WrappingKey::new(&vector.key.secret()).unwrap()), encryption)
        }
    }
}

#[test]
fn published_jwe_opens() {
    let vectors = vectors().jwe;
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        with_key(&vector, |key, encryption| {
            let opened = jwe::decrypt(key, encryption, &vector.header, &vector.token);
            assert_eq!(opened, Ok(vector.content.clone().into_bytes()), "{}", vector.name);
            let other = vector.header.replace("\"alg\"", " \"alg\"");
            assert_eq!(jwe::decrypt(key, encryption, &other, &vector.token), Err(InvalidToken), "{}", vector.name);
        });
    }
}

#[test]
fn published_jwe_is_made_anew_from_its_random_inputs() {
    let mut made = 0;
    for vector in vectors().jwe {
        let iv = bytes(vector.token.split('.').nth(2).unwrap());
        let token = with_key(&vector, |key, encryption| match (key, &vector.content_key) {
            (KeyManagement::Direct(shared), _) => Some(jwe::assemble(&vector.header, &[], shared, &iv, vector.content.as_bytes()).unwrap()),
            (_, Some(cek)) => {
                Some(jwe::encrypt_with(key, encryption, &vector.header, &bytes(cek), &iv, vector.content.as_bytes()).unwrap())
            }
            _ => None,
        });
        if let Some(token) = token {
            assert_eq!(token, vector.token, "{}", vector.name);
            made += 1;
        }
    }
    assert_eq!(made, 3);
}

#[test]
fn published_jws_verifies_and_is_made_anew() {
    let vectors = vectors().jws;
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let key = MacKey::new(JwsAlgorithm::Hs256, &bytes(&vector.key));
        assert_eq!(jws::sign(&key, &vector.header, vector.payload.as_bytes()), vector.token, "{}", vector.name);
        let payload = jws::verify(&key, &vector.header, &vector.token);
        assert_eq!(payload, Ok(vector.payload.into_bytes()), "{}", vector.name);
        assert_eq!(jws::verify(&key, r#"{"alg":"HS256"}"#, &vector.token), Err(InvalidToken), "{}", vector.name);
    }
}

/// RFC 7518 B.1 to B.3: encryption, tag, first block of the ciphertext. The tag is over the whole ciphertext.
const CBC_HMAC: [(Encryption, &str, &str); 3] = [
    (Encryption::A128CbcHs256, "652c3fa36b0a7c5b3219fab3a30bc1c4", "c80edfa32ddf39d5ef00c0b468834279"),
    (Encryption::A192CbcHs384, "8490ac0e58949bfe51875d733f93ac2075168039ccc733d7", "ea65da6b59e61edb419be62d19712ae5"),
    (Encryption::A256CbcHs512, "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5", "4affaaadb78c31c5da4b1b590d10ffbd"),
];

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

#[test]
fn rfc_7518_appendix_b() {
    let hex =
        |bytes: &[u8]| bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]).collect::<String>();
    let plaintext = b"A cipher system must not be required to be secret, and it must be able to fall into the hands of \
                      the enemy without inconvenience";
    let iv = 0x1af3_8c2d_c2b9_6ffd_d866_9409_2341_bc04_u128.to_be_bytes();
    let aad = b"The second principle of Auguste Kerckhoffs";
    for (encryption, expected_tag, first_block) in CBC_HMAC {
        let key: Vec<u8> = (0..).take(encryption.key_len()).collect();
        let key = CbcHmacKey::new(encryption, &key).unwrap();
        let mut content = plaintext.to_vec();
        let tag = key.seal(&iv, aad, &mut content).unwrap();
        assert_eq!(hex(tag.as_ref()), expected_tag, "{encryption}");
        assert_eq!((hex(&content[..16]).as_str(), content.len()), (first_block, 144), "{encryption}");
        key.open(&iv, aad, &mut content, tag.as_ref()).unwrap();
        assert_eq!(content, plaintext, "{encryption}");
    }
}

#[test]
fn sec_40_keys_printed_in_an_rfc_are_refused() {
    let mut seen = 0;
    for vector in vectors().jwe {
        if let Jwk::Rsa { .. } = vector.key {
            assert_eq!(keys::check_rsa(&vector.key.rsa()), Err(KeyFault::Sample), "{}", vector.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
    for vector in vectors().jws {
        assert_eq!(keys::check_secret(&bytes(&vector.key)), Err(KeyFault::Sample), "{}", vector.name);
    }
}

#[test]
fn sec_40_a_published_rsa_key_is_refused_wherever_it_comes_from() {
    use base64::Engine as _;
    let published = vectors().jwe[0].key.rsa();
    let document = KeyRing::generate().unwrap().to_json();
    let mut json: serde_json::Value = serde_json::from_str(&document).unwrap();
    json["keys"][0]["rsa"] = base64::engine::general_purpose::STANDARD.encode(published.pkcs8()).into();
    let error = KeyRing::from_json(&json.to_string()).expect_err("the key is printed in RFC 7516");
    assert!(matches!(error, Error::RefusedKey { fault: KeyFault::Sample, .. }), "{error}");

    let body = base64::engine::general_purpose::STANDARD.encode(published.pkcs8());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let error = KeyRing::generate().unwrap().import_pem(pem.as_bytes()).expect_err("the key is printed in RFC 7516");
    assert_eq!(error.to_string(), "the private key is refused: it is a published sample that everybody knows");
}

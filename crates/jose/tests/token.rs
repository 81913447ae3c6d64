//! Tokens as an attacker handles them: flipped, cut, joined, signed anew, of another form (SEC-39).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that panics fails the test that called it")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use vestibule_jose::jwe::{self, KeyManagement};
use vestibule_jose::jws::{self, MacKey};
use vestibule_jose::{
    Encryption, Error, InvalidToken, JweAlgorithm, JwsAlgorithm, KeyRing, MAX_CONTENT_LEN, MAX_TOKEN_LEN, RsaPair, TokenForm, open,
    open_any, seal,
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static RING: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::generate().unwrap());

fn form(jwe: JweAlgorithm, encryption: Encryption, jws: JwsAlgorithm) -> TokenForm {
    TokenForm { jwe, encryption, jws }
}

/// IDM's default form.
fn idm() -> TokenForm {
    form(JweAlgorithm::RsaPkcs1, Encryption::A128CbcHs256, JwsAlgorithm::Hs256)
}

/// Every text that differs from `token` in one bit of one character: of its base64url value and of its ASCII code.
fn one_bit_apart(token: &str, position: usize) -> Vec<String> {
    let byte = token.as_bytes()[position];
    let mut replacements: Vec<u8> = (0..7).map(|bit| byte ^ (1 << bit)).collect();
    if let Some(value) = ALPHABET.iter().position(|letter| *letter == byte) {
        replacements.extend((0..6).map(|bit| ALPHABET[value ^ (1 << bit)]));
    }
    let replace = |replacement: u8| {
        let mut altered = token.as_bytes().to_vec();
        altered[position] = replacement;
        String::from_utf8(altered).unwrap()
    };
    replacements.into_iter().map(replace).collect()
}

/// Signs any inner text as the ring would: what an attacker could do only with the signing secret.
fn signed(inner: &str, form: TokenForm) -> String {
    let document: serde_json::Value = serde_json::from_str(&RING.to_json()).unwrap();
    let secret = STANDARD.decode(document["keys"][0]["signing"].as_str().unwrap()).unwrap();
    let header = format!(r#"{{"typ":"JWT","cty":"JWT","alg":"{}"}}"#, form.jws.wire_name());
    jws::sign(&MacKey::new(form.jws, &secret), &header, inner.as_bytes())
}

fn inner_of(token: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn default_form_is_direct_with_aes_256_gcm_and_hs256() {
    assert_eq!(TokenForm::DEFAULT, form(JweAlgorithm::Direct, Encryption::A256Gcm, JwsAlgorithm::Hs256));
    assert_eq!(TokenForm::default(), TokenForm::DEFAULT);
}

#[test]
fn token_of_idm_form_begins_as_idm_tokens_do() {
    let token = seal(&RING, idm(), b"{}").unwrap();
    assert!(token.starts_with("eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.ZXlK"), "{token}");
    assert_eq!(token.split('.').count(), 3);
    let inner = inner_of(&token);
    let header = URL_SAFE_NO_PAD.decode(inner.split('.').next().unwrap()).unwrap();
    assert_eq!(header, br#"{"typ":"JWT","enc":"A128CBC-HS256","alg":"RSA1_5"}"#);
    assert_eq!(inner.split('.').count(), 5);
    assert!(token.bytes().all(|byte| byte == b'.' || ALPHABET.contains(&byte)), "the stock client's alphabet: {token}");
}

#[test]
fn sec_39_every_flipped_bit_of_a_token_is_refused() {
    let forms = [
        TokenForm::DEFAULT,
        idm(),
        form(JweAlgorithm::A192Kw, Encryption::A192CbcHs384, JwsAlgorithm::Hs384),
        form(JweAlgorithm::RsaOaep256, Encryption::A256CbcHs512, JwsAlgorithm::Hs512),
    ];
    for form in forms {
        let token = seal(&RING, form, b"{\"state\":\"{}\",\"exp\":1700000000}").unwrap();
        assert!(open(&RING, form, &token).is_ok());
        for position in 0..token.len() {
            for altered in one_bit_apart(&token, position) {
                assert_eq!(open(&RING, form, &altered), Err(InvalidToken), "{form:?} character {position}: {altered}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_behind_a_good_mac_is_refused() {
    let shared = [
        TokenForm::DEFAULT,
        form(JweAlgorithm::Direct, Encryption::A128CbcHs256, JwsAlgorithm::Hs256),
        form(JweAlgorithm::A256Kw, Encryption::A256CbcHs512, JwsAlgorithm::Hs512),
        form(JweAlgorithm::A192Kw, Encryption::A192Gcm, JwsAlgorithm::Hs384),
    ];
    for form in shared {
        let inner = inner_of(&seal(&RING, form, b"content of some length").unwrap());
        assert!(open(&RING, form, &signed(&inner, form)).is_ok());
        for position in 0..inner.len() {
            for altered in one_bit_apart(&inner, position) {
                assert_eq!(open(&RING, form, &signed(&altered, form)), Err(InvalidToken), "{form:?} {position}: {altered}");
            }
        }
    }
}

/// Fewer positions than above, because each costs an RSA operation: the ends of all parts and every 16th character.
#[test]
fn flipped_bits_behind_a_good_mac_are_refused_with_rsa() {
    for jwe in [JweAlgorithm::RsaPkcs1, JweAlgorithm::RsaOaep, JweAlgorithm::RsaOaep256] {
        let form = TokenForm { jwe, ..idm() };
        let inner = inner_of(&seal(&RING, form, b"content").unwrap());
        assert!(open(&RING, form, &signed(&inner, form)).is_ok());
        let ends = inner.match_indices('.').map(|(dot, _)| dot - 1).chain([inner.len() - 1]);
        for position in ends.chain((0..inner.len()).step_by(16)) {
            for altered in one_bit_apart(&inner, position) {
                assert_eq!(open(&RING, form, &signed(&altered, form)), Err(InvalidToken), "{form:?} {position}: {altered}");
            }
        }
    }
}

#[test]
fn truncated_padded_swapped_and_extended_tokens_are_refused() {
    for form in [TokenForm::DEFAULT, idm()] {
        let token = seal(&RING, form, b"content").unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, mac] = parts[..] else { panic!("three parts") };
        for length in 0..token.len() {
            assert_eq!(open(&RING, form, &token[..length]), Err(InvalidToken), "first {length} characters");
            assert_eq!(open(&RING, form, &token[token.len() - length..]), Err(InvalidToken), "last {length} characters");
        }
        let others = [
            format!("{token}="),
            format!("{token}=="),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}\n"),
            format!(" {token}"),
            format!("{token}A"),
            format!("{token}.{mac}"),
            format!("{header}.{payload}=.{mac}"),
            format!("{header}=.{payload}.{mac}"),
            format!("{header}.{mac}.{payload}"),
            format!("{payload}.{header}.{mac}"),
            format!("{header}..{payload}.{mac}"),
            format!("{header}.{payload}."),
            format!("{header}..{mac}"),
            format!(".{payload}.{mac}"),
            format!("{header}.{payload}"),
            inner_of(&token),
            token.replace('.', " . "),
            token.to_ascii_lowercase(),
            "..".to_owned(),
            String::new(),
        ];
        for other in others {
            assert_eq!(open(&RING, form, &other), Err(InvalidToken), "{other:?}");
        }
    }
}

#[test]
fn altered_parts_behind_a_good_mac_are_refused() {
    for form in [TokenForm::DEFAULT, idm(), form(JweAlgorithm::A128Kw, Encryption::A128Gcm, JwsAlgorithm::Hs256)] {
        let inner = inner_of(&seal(&RING, form, b"content").unwrap());
        let other = inner_of(&seal(&RING, form, b"another").unwrap());
        let (parts, others): (Vec<&str>, Vec<&str>) = (inner.split('.').collect(), other.split('.').collect());
        for position in 1..5 {
            let mut mixed = parts.clone();
            mixed[position] = others[position];
            if mixed != parts {
                assert_eq!(open(&RING, form, &signed(&mixed.join("."), form)), Err(InvalidToken), "part {position} of another");
            }
            for replacement in ["", "AA", "AAAA", "not base64", "=", &"A".repeat(4000)] {
                let mut mixed = parts.clone();
                if mixed[position] != replacement {
                    mixed[position] = replacement;
                    assert_eq!(open(&RING, form, &signed(&mixed.join("."), form)), Err(InvalidToken), "{mixed:?}");
                }
            }
        }
        for wrong in [format!("{inner}."), format!("{inner}.AA"), parts[..4].join("."), String::new(), "....".to_owned()] {
            assert_eq!(open(&RING, form, &signed(&wrong, form)), Err(InvalidToken), "{wrong:?}");
        }
    }
}

#[test]
fn sec_39_the_algorithm_named_in_a_token_is_never_honoured() {
    let hs512 = TokenForm { jws: JwsAlgorithm::Hs512, ..TokenForm::DEFAULT };
    let token = seal(&RING, hs512, b"content").unwrap();
    assert_eq!(open(&RING, TokenForm::DEFAULT, &token), Err(InvalidToken), "a good MAC of another algorithm");

    let inner = inner_of(&seal(&RING, TokenForm::DEFAULT, b"content").unwrap());
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","cty":"JWT","alg":"none"}"#);
    let payload = URL_SAFE_NO_PAD.encode(&inner);
    assert_eq!(open(&RING, TokenForm::DEFAULT, &format!("{unsigned}.{payload}.")), Err(InvalidToken));

    for wanted in TokenForm::all().collect::<Vec<_>>() {
        let made = seal(&RING, TokenForm::DEFAULT, b"content").unwrap();
        assert_eq!(open(&RING, wanted, &made).is_ok(), wanted == TokenForm::DEFAULT, "{wanted:?}");
    }
}

#[test]
fn only_the_given_forms_are_tried() {
    let accepted = [TokenForm::DEFAULT, idm()];
    for form in TokenForm::all().collect::<Vec<_>>() {
        let token = seal(&RING, form, b"content").unwrap();
        let expected = if accepted.contains(&form) { Ok(b"content".to_vec()) } else { Err(InvalidToken) };
        assert_eq!(open_any(&RING, &accepted, &token), expected, "{form:?}");
        assert_eq!(open_any(&RING, &[], &token), Err(InvalidToken));
        assert_eq!(open_any(&RING, &TokenForm::all().collect::<Vec<_>>(), &token), Ok(b"content".to_vec()));
    }
}

#[test]
fn token_of_another_ring_is_refused() {
    let other = KeyRing::generate().unwrap();
    for form in TokenForm::all().collect::<Vec<_>>() {
        assert_eq!(open(&RING, form, &seal(&other, form, b"content").unwrap()), Err(InvalidToken), "{form:?}");
    }
}

#[test]
fn two_seals_of_one_content_differ() {
    for form in TokenForm::all().collect::<Vec<_>>() {
        assert_ne!(seal(&RING, form, b"content").unwrap(), seal(&RING, form, b"content").unwrap(), "{form:?}");
    }
}

#[test]
fn longest_content_opens_and_longer_is_refused() {
    for form in TokenForm::all().collect::<Vec<_>>() {
        let content = vec![b'x'; MAX_CONTENT_LEN];
        let token = seal(&RING, form, &content).unwrap();
        assert!(token.len() <= MAX_TOKEN_LEN);
        assert_eq!(open(&RING, form, &token), Ok(content), "{form:?}");
    }
    let error = seal(&RING, TokenForm::DEFAULT, &vec![0; MAX_CONTENT_LEN + 1]).unwrap_err();
    assert_eq!(error, Error::ContentTooLong { length: MAX_CONTENT_LEN + 1, limit: MAX_CONTENT_LEN });
}

/// The inner token of IDM's form with content of any length, which [`seal`] would refuse past its limit.
fn long_inner(length: usize) -> String {
    let document: serde_json::Value = serde_json::from_str(&RING.to_json()).unwrap();
    let pkcs8 = STANDARD.decode(document["keys"][0]["rsa"].as_str().unwrap()).unwrap();
    let pair = RsaPair::from_pkcs8(&pkcs8).unwrap();
    let header = r#"{"typ":"JWT","enc":"A128CBC-HS256","alg":"RSA1_5"}"#;
    jwe::encrypt(KeyManagement::RsaPkcs1(&pair), Encryption::A128CbcHs256, header, &vec![b'x'; length]).unwrap()
}

#[test]
fn a_token_past_the_length_limit_is_refused_even_if_genuine() {
    let token = |length: usize| signed(&long_inner(length), idm());
    let fitting = (MAX_CONTENT_LEN..).step_by(16).take_while(|length| token(*length).len() <= MAX_TOKEN_LEN).last().unwrap();
    assert_eq!(open(&RING, idm(), &token(fitting)), Ok(vec![b'x'; fitting]));
    assert_eq!(open(&RING, idm(), &token(fitting + 16)), Err(InvalidToken));
}

fn any_form() -> impl Strategy<Value = TokenForm> {
    prop::sample::select(TokenForm::all().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_was_sealed_is_opened(form in any_form(), content in prop::collection::vec(any::<u8>(), 0..2048)) {
        let token = seal(&RING, form, &content).unwrap();
        prop_assert_eq!(open(&RING, form, &token), Ok(content));
    }

    #[test]
    fn no_text_makes_opening_panic(text in any::<String>()) {
        prop_assert_eq!(open_any(&RING, &TokenForm::all().collect::<Vec<_>>(), &text), Err(InvalidToken));
    }

    #[test]
    fn no_text_that_looks_like_a_token_makes_opening_panic(text in "[A-Za-z0-9_=-]{0,80}(\\.[A-Za-z0-9_=-]{0,80}){0,6}") {
        prop_assert_eq!(open_any(&RING, &TokenForm::all().collect::<Vec<_>>(), &text), Err(InvalidToken));
    }

    #[test]
    fn no_inner_text_behind_a_good_mac_makes_opening_panic(form in any_form(), rest in "(\\.[A-Za-z0-9_=-]{0,60}){0,6}") {
        let header = inner_of(&seal(&RING, form, b"").unwrap()).split('.').next().unwrap().to_owned();
        prop_assert_eq!(open(&RING, form, &signed(&format!("{header}{rest}"), form)), Err(InvalidToken));
    }
}

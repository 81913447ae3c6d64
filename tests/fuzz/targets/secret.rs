//! No text or object is a hash unless it says so; what is recognised is named without its content, and no hash fits what it was not made of.
#![no_main]

use std::sync::{LazyLock, Mutex, PoisonError};

use identity::secret::{HashParameters, Scratch, Secret, StoredSecret, Verdict, hash_in, is_crypto_object, verify, verify_stored_in};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Forms that are verified at no cost to speak of.
const CHEAP: [&str; 6] = ["unsalted digest", "salted SHA-1", "salted SHA-256", "salted SHA-384", "salted SHA-512", "salted digest"];

/// Memory of hashes, taken once: the sanitizer makes taking it slow.
static SCRATCH: LazyLock<Mutex<Scratch>> = LazyLock::new(Mutex::default);

// The first line is a stored value, the rest what somebody types.
fuzz_target!(|input: &str| {
    let (stored, typed) = input.split_once('\n').unwrap_or((input, "Passw0rd"));
    let parameters = HashParameters::cheap();
    let values = [Some(Value::from(stored)), serde_json::from_str::<Value>(stored).ok()];
    for value in values.iter().flatten() {
        let Some(found) = StoredSecret::recognise(value) else { continue };
        let says_so = value.as_str().map_or_else(|| is_crypto_object(value), |text| text.starts_with(['$', '{']));
        assert!(says_so, "{value} was taken for a hash");
        let cut: String = stored.chars().skip(4).take(400).collect();
        if found.is_verifiable() && cut.len() > 16 {
            assert!(!format!("{found:?}").contains(&cut));
        }
        let secret = Secret::exact("not what anything here was made of").expect("short");
        if CHEAP.contains(&found.name()) {
            assert_eq!(verify(&found, &secret, &parameters), Verdict::Differs);
        } else if !found.is_verifiable() {
            assert_eq!(verify(&found, &secret, &parameters), Verdict::Unverifiable);
        }
    }

    let Ok(secret) = Secret::password(typed) else { return };
    assert_eq!(format!("{secret} {secret:?}"), "… Secret(…)");
    let mut scratch = SCRATCH.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(text) = hash_in(&mut scratch, &secret, [7; 16], &parameters) else {
        assert!(secret.is_empty());
        return;
    };
    let made = Value::from(text);
    assert_eq!(verify_stored_in(&mut scratch, &secret, Some(&made), &parameters), Verdict::Matches { rehash: false });
    let other = Secret::password(&format!("{typed}x").chars().skip(1).collect::<String>()).expect("not longer");
    if other.expose() != secret.expose() {
        assert!(!verify_stored_in(&mut scratch, &other, Some(&made), &parameters).matches());
    }
});

//! What is hashed, and how. A JSON value is hashed in its canonical form (members sorted, no white space), so that reformatting a file
//! changes nothing for people in flight.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest;
use serde_json::Value;

/// SHA-256 in hexadecimal digits, as `sha256sum` prints it. For texts that nobody can guess, such as random codes; never for passwords.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// SHA-256 of parts, each told apart from the next by its length.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Writes the form of `value` to `sink`, piece by piece.
pub(crate) fn canonical(value: &Value, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Object(members) => {
            sink(b"{");
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (key, member) in sorted {
                sink(Value::String(key.clone()).to_string().as_bytes());
                sink(b":");
                canonical(member, sink);
                sink(b",");
            }
            sink(b"}");
        }
        Value::Array(items) => {
            sink(b"[");
            for item in items {
                canonical(item, sink);
                sink(b",");
            }
            sink(b"]");
        }
        scalar => sink(scalar.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_the_command_prints() {
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

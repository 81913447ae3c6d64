//! The key document: `{"version":1,"keys":[{"rsa":…,"signing":…,"master":…}]}`, the generation that seals first, values in Base64. With
//! `"prepared":true` the second one seals next.
//!
//! An error names a place, never the text found there: the text is a secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::generation::{Generation, MASTER_LEN};
use crate::error::Error;
use crate::rsa::RsaPair;

const VERSION: u64 = 1;

/// Only the version, so that a later document is called later and not damaged.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u64,
    keys: Vec<Entry>,
    #[serde(default)]
    prepared: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rsa: String,
    signing: String,
    master: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.rsa.zeroize();
        self.signing.zeroize();
        self.master.zeroize();
    }
}

/// Reads and prepares every generation of the document; and whether the second one seals next.
pub(super) fn read(document: &str) -> Result<(Vec<Generation>, bool), Error> {
    let version = parse::<Versioned>(document)?.version;
    if version != VERSION {
        return Err(Error::NewerDocument(version));
    }
    let document = parse::<Document>(document)?;
    let generations: Vec<Generation> = document.keys.iter().map(restore).collect::<Result<_, _>>()?;
    Ok((generations, document.prepared))
}

/// Writes every generation; no value needs escaping, because Base64 has neither quotes nor backslashes.
pub(super) fn write<'g>(generations: impl Iterator<Item = &'g Generation>, prepared: bool) -> Zeroizing<String> {
    let generations: Vec<_> = generations.map(Generation::secrets).collect();
    let secret_bytes: usize = generations.iter().flatten().map(|(_, secret)| secret.len()).sum();
    // One allocation of enough room: a string that grows would leave copies of secrets behind.
    let mut json = Zeroizing::new(String::with_capacity(secret_bytes * 4 / 3 + generations.len() * 64 + 64));
    json.push_str(r#"{"version":1,"keys":["#);
    for (index, secrets) in generations.iter().enumerate() {
        json.push_str(if index == 0 { "{" } else { ",{" });
        for (position, (name, secret)) in secrets.iter().enumerate() {
            json.push_str(if position == 0 { "\"" } else { ",\"" });
            json.push_str(name);
            json.push_str("\":\"");
            STANDARD.encode_string(secret, &mut json);
            json.push('"');
        }
        json.push('}');
    }
    // Releases that know nothing of it read every document without it.
    json.push_str(if prepared { "],\"prepared\":true}" } else { "]}" });
    json
}

fn parse<'d, T: Deserialize<'d>>(document: &'d str) -> Result<T, Error> {
    serde_json::from_str(document).map_err(|error| Error::DamagedDocument { line: error.line(), column: error.column() })
}

fn restore(entry: &Entry) -> Result<Generation, Error> {
    let rsa = RsaPair::from_pkcs8(&decode("rsa", &entry.rsa)?)
        .map_err(|fault| Error::RefusedKey { what: "the RSA key of the key document".to_owned(), fault })?;
    let mut master = Zeroizing::new([0; MASTER_LEN]);
    let stored = decode("master", &entry.master)?;
    if stored.len() != MASTER_LEN {
        return Err(Error::DamagedMember("master"));
    }
    master.copy_from_slice(&stored);
    Generation::restore(rsa, decode("signing", &entry.signing)?, master)
}

fn decode(member: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| Error::DamagedMember(member))
}

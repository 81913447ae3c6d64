//! JCEKS, the keystore that IDM makes at its first start and that only Java reads otherwise: the layout of
//! `com.sun.crypto.provider.JceKeyStore`, whose keys are protected by `PBEWithMD5AndTripleDES` (docs/adr/0038-keystores-of-java.md).
//!
//! Easiest to break: the hash over all of it is compared before anything is looked at. It needs the password, so nothing of a file that somebody
//! else made is ever taken apart; whether the file is damaged or the password another one cannot be told.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::java_stream::{self, Input};
use super::{Entry, Keystore};
use crate::error::Error;

pub(super) const MAGIC: [u8; 4] = [0xce; 4];
const HASH_BYTES: usize = 20;
/// Stands between the password and the file in the hash over it.
const WORDS: &[u8] = b"Mighty Aphrodite";
/// What Java itself lets an operator set (`jdk.jceks.iterationCount`).
const MOST_ITERATIONS: u32 = 5_000_000;
/// The object identifier of the protection of private keys, 1.3.6.1.4.1.42.2.19.1, in DER.
const PROTECTOR: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x13, 0x01];

type TripleDes = cbc::Decryptor<des::TdesEde3>;

/// Opens a file in this format.
pub(super) fn open(file: &[u8], password: &str) -> Result<Keystore, Error> {
    let damaged = || Error::DamagedKeystore("it is cut, or no JCEKS file behind its first bytes".to_owned());
    let (content, hash) = file.split_last_chunk::<HASH_BYTES>().ok_or_else(damaged)?;
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let wide: Zeroizing<Vec<u8>> = Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect());
    digest.update(&wide);
    digest.update(WORDS);
    digest.update(content);
    if digest.finish().as_ref() != hash.as_slice() {
        return Err(Error::KeystorePassword);
    }
    // The password as Java's PBEKey has it: seven bits a character.
    let narrow: Zeroizing<Vec<u8>> =
        Zeroizing::new(password.encode_utf16().map(|unit| u8::try_from(unit & 0x7f).unwrap_or_default()).collect());
    entries(content, &narrow).ok_or_else(damaged)
}

/// Reads the entries, and opens what is protected. An entry that has another password than the keystore is passed over, as are certificates.
fn entries(content: &[u8], password: &[u8]) -> Option<Keystore> {
    let mut input = Input { rest: content };
    if input.take(4)? != MAGIC {
        return None;
    }
    let version = input.u32()?;
    if !matches!(version, 1 | 2) {
        return None;
    }
    let mut keystore = Keystore { private_keys: Vec::new(), secret_keys: Vec::new() };
    for _ in 0..input.u32()? {
        let kind = input.u32()?;
        let alias = input.text()?;
        input.take(8)?;
        match kind {
            1 => {
                let protected = input.counted()?;
                for _ in 0..input.u32()? {
                    certificate(&mut input, version)?;
                }
                keystore.private_keys.extend(private_key(protected, password).map(|key| Entry::new(alias, key)));
            }
            2 => certificate(&mut input, version)?,
            3 => {
                let sealed = java_stream::read(&mut input)?;
                keystore.secret_keys.extend(secret_key(&sealed, password).map(|key| Entry::new(alias, key)));
            }
            _ => return None,
        }
    }
    input.rest.is_empty().then_some(keystore)
}

fn certificate(input: &mut Input<'_>, version: u32) -> Option<()> {
    if version == 2 {
        input.text()?;
    }
    input.counted().map(drop)
}

/// An `EncryptedPrivateKeyInfo` (RFC 5958 §3) of Java's own protection.
fn private_key(protected: &[u8], password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Input { rest: der(&mut Input { rest: protected }, 0x30)? };
    let mut algorithm = Input { rest: der(&mut whole, 0x30)? };
    let identifier = der(&mut algorithm, 0x06)?;
    if identifier != PROTECTOR {
        return None;
    }
    let (salt, iterations) = parameters(algorithm.rest)?;
    open_sealed(der(&mut whole, 0x04)?, password, salt, iterations)
}

/// A `SealedObject`, inside which the key stands as an object again: a `SecretKeySpec` or a `KeyRep`.
fn secret_key(sealed: &java_stream::Item, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let algorithm = sealed.field("paramsAlg")?.text()?;
    if algorithm != "PBEWithMD5AndTripleDES" {
        return None;
    }
    let (salt, iterations) = parameters(sealed.field("encodedParams")?.bytes()?)?;
    let opened = open_sealed(sealed.field("encryptedContent")?.bytes()?, password, salt, iterations)?;
    let object = java_stream::read(&mut Input { rest: &opened })?;
    let key = object.field("key").or_else(|| object.field("encoded"))?.bytes()?;
    Some(Zeroizing::new(key.to_vec()))
}

/// `SEQUENCE { salt OCTET STRING, iterationCount INTEGER }`.
fn parameters(encoded: &[u8]) -> Option<([u8; 8], NonZeroU32)> {
    let mut inside = Input { rest: der(&mut Input { rest: encoded }, 0x30)? };
    let salt = der(&mut inside, 0x04)?.try_into().ok()?;
    let count = der(&mut inside, 0x02)?;
    let count = (count.len() <= 4).then(|| count.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)))?;
    NonZeroU32::new(count).filter(|count| count.get() <= MOST_ITERATIONS).map(|count| (salt, count))
}

/// The content of the next element, which has this tag.
fn der<'b>(input: &mut Input<'b>, tag: u8) -> Option<&'b [u8]> {
    if input.u8()? != tag {
        return None;
    }
    let length = match input.u8()? {
        short @ 0..=0x7f => usize::from(short),
        long @ 0x81..=0x83 => input.take(usize::from(long & 0x7f))?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)),
        _ => return None,
    };
    input.take(length)
}

/// Opens what `PBEWithMD5AndTripleDES` protects: two rows of hashes, one from each half of the salt, are the key and the vector.
fn open_sealed(content: &[u8], password: &[u8], mut salt: [u8; 8], iterations: NonZeroU32) -> Option<Zeroizing<Vec<u8>>> {
    let (first, second) = salt.split_at_mut(4);
    if first == second {
        // As Java does it, its slip of the pen included: four bytes a, b, c, d become d, a, b, d.
        let [a, b, _, d] = *first.first_chunk::<4>()?;
        first.copy_from_slice(&[d, a, b, d]);
    }
    let mut derived = Zeroizing::new(Vec::with_capacity(32));
    for half in salt.chunks(4) {
        let mut hashed = Zeroizing::new(half.to_vec());
        for _ in 0..iterations.get() {
            let mut digest = Md5::new();
            digest.update(hashed.as_slice());
            digest.update(password);
            *hashed = digest.finalize().to_vec();
        }
        derived.extend_from_slice(&hashed);
    }
    let (key, vector) = derived.split_at_checked(24)?;
    let mut opened = Zeroizing::new(content.to_vec());
    let length = TripleDes::new_from_slices(key, vector).ok()?.decrypt_padded::<Pkcs7>(&mut opened).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

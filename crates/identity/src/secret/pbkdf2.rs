//! PBKDF2 (RFC 8018 §5.2). Four pseudo-random functions come from the library; SHA-224 and SHA-3, which IDM 7 offers, it does not
//! have for PBKDF2, so HMAC and the loop are spelled out for them.

use std::num::NonZeroU32;

use aws_lc_rs::digest::Context;
use aws_lc_rs::pbkdf2 as lc;
use zeroize::Zeroizing;

use super::kind::Digest;

pub(super) fn derive(prf: Digest, iterations: NonZeroU32, salt: &[u8], secret: &[u8], out: &mut [u8]) {
    let algorithm = match prf {
        Digest::Sha1 => lc::PBKDF2_HMAC_SHA1,
        Digest::Sha256 => lc::PBKDF2_HMAC_SHA256,
        Digest::Sha384 => lc::PBKDF2_HMAC_SHA384,
        Digest::Sha512 => lc::PBKDF2_HMAC_SHA512,
        Digest::Sha224 | Digest::Sha3_256 | Digest::Sha3_384 | Digest::Sha3_512 => {
            return derive_by_hand(prf, iterations, salt, secret, out);
        }
    };
    lc::derive(algorithm, iterations, salt, secret, out);
}

fn derive_by_hand(prf: Digest, iterations: NonZeroU32, salt: &[u8], secret: &[u8], out: &mut [u8]) {
    let mac = Hmac::new(prf, secret);
    for (chunk, number) in out.chunks_mut(prf.bytes()).zip(1u32..) {
        let mut round = mac.sign(&[salt, &number.to_be_bytes()]);
        let mut block = round.clone();
        for _ in 1..iterations.get() {
            round = mac.sign(&[&round]);
            block.iter_mut().zip(round.iter()).for_each(|(sum, byte)| *sum ^= byte);
        }
        chunk.iter_mut().zip(block.iter()).for_each(|(target, byte)| *target = *byte);
    }
}

/// RFC 2104, the two keyed blocks absorbed once.
struct Hmac {
    inner: Context,
    outer: Context,
}

impl Hmac {
    fn new(digest: Digest, key: &[u8]) -> Self {
        let algorithm = digest.algorithm();
        let mut block = Zeroizing::new(vec![0u8; algorithm.block_len()]);
        if key.len() > block.len() {
            let short = aws_lc_rs::digest::digest(algorithm, key);
            block.iter_mut().zip(short.as_ref()).for_each(|(target, byte)| *target = *byte);
        } else {
            block.iter_mut().zip(key).for_each(|(target, byte)| *target = *byte);
        }
        let keyed = |pad: u8| {
            let mut context = Context::new(algorithm);
            context.update(&Zeroizing::new(block.iter().map(|byte| byte ^ pad).collect::<Vec<_>>()));
            context
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut inner = self.inner.clone();
        for part in parts {
            inner.update(part);
        }
        let mut outer = self.outer.clone();
        outer.update(inner.finish().as_ref());
        outer.finish().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelled_out_loop_agrees_with_the_library_where_both_can() {
        let iterations = NonZeroU32::new(3).unwrap();
        for secret in [&b"short"[..], &[7; 200], &[7; 64], b""] {
            for digest in [Digest::Sha1, Digest::Sha256, Digest::Sha384, Digest::Sha512] {
                let (mut ours, mut theirs) = ([0; 150], [0; 150]);
                derive_by_hand(digest, iterations, b"salt", secret, &mut ours);
                derive(digest, iterations, b"salt", secret, &mut theirs);
                assert_eq!(ours, theirs, "{digest:?}");
            }
        }
    }
}

//! AES key wrap with 128, 192 and 256 bits (RFC 3394, RFC 7518 §4.4).
//!
//! The wrap is written here over the library's AES block because the library's own has no 192-bit key and expands the
//! key anew at every call; a test holds both against each other where both exist.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::content::MAX_KEY_LEN;
use crate::error::{CryptoFailure, Error};

/// Bytes by which a wrapped key is longer than the key.
pub(crate) const OVERHEAD: usize = 8;
/// RFC 3394 §2.2.3.1: what the integrity register holds before wrapping.
const INITIAL: [u8; 8] = [0xA6; 8];
const ROUNDS: u8 = 6;

/// A key-encryption key with its key schedule computed once.
pub struct WrappingKey {
    encrypting: EncryptingKey,
    decrypting: DecryptingKey,
}

impl WrappingKey {
    /// Prepares `key`, which must have 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::Crypto`] for any other length.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        Ok(Self::prepare(key)?)
    }

    /// As [`WrappingKey::new`], for use inside the crate.
    pub(crate) fn prepare(key: &[u8]) -> Result<Self, CryptoFailure> {
        let cipher = match key.len() {
            16 => &AES_128,
            24 => &AES_192,
            32 => &AES_256,
            _ => return Err(CryptoFailure),
        };
        Ok(Self {
            encrypting: EncryptingKey::ecb(UnboundCipherKey::new(cipher, key)?)?,
            decrypting: DecryptingKey::ecb(UnboundCipherKey::new(cipher, key)?)?,
        })
    }

    /// Wraps `key` into `out`, which must be exactly [`OVERHEAD`] bytes longer (RFC 3394 §2.2.1, indexed form).
    pub(crate) fn wrap(&self, key: &[u8], out: &mut [u8]) -> Result<(), CryptoFailure> {
        check_length(key.len())?;
        if out.len() != key.len() + OVERHEAD {
            return Err(CryptoFailure);
        }
        let (register, body) = out.split_at_mut_checked(OVERHEAD).ok_or(CryptoFailure)?;
        body.copy_from_slice(key);
        let mut integrity = INITIAL;
        let mut step = 0_u64;
        for _ in 0..ROUNDS {
            for half in body.chunks_exact_mut(8) {
                step += 1;
                let mut block = join(integrity, half);
                self.encrypting.encrypt(&mut block)?;
                integrity = (u64::from_be_bytes(upper(&block)?) ^ step).to_be_bytes();
                half.copy_from_slice(&lower(&block)?);
            }
        }
        register.copy_from_slice(&integrity);
        Ok(())
    }

    /// Unwraps `wrapped` into `out` and returns the key (RFC 3394 §2.2.2, indexed form); fails when `wrapped` was altered.
    pub(crate) fn unwrap<'o>(&self, wrapped: &[u8], out: &'o mut [u8]) -> Result<&'o mut [u8], CryptoFailure> {
        let (register, body) = wrapped.split_at_checked(OVERHEAD).ok_or(CryptoFailure)?;
        check_length(body.len())?;
        let out = out.get_mut(..body.len()).ok_or(CryptoFailure)?;
        out.copy_from_slice(body);
        let mut integrity = upper(register)?;
        let mut step = u64::from(ROUNDS) * u64::try_from(body.len() / 8).map_err(|_| CryptoFailure)?;
        for _ in 0..ROUNDS {
            for half in out.rchunks_exact_mut(8) {
                let masked = (u64::from_be_bytes(integrity) ^ step).to_be_bytes();
                let mut block = join(masked, half);
                self.decrypting.decrypt(&mut block, DecryptionContext::None)?;
                integrity = upper(&block)?;
                half.copy_from_slice(&lower(&block)?);
                step -= 1;
            }
        }
        verify_slices_are_equal(&integrity, &INITIAL)?;
        Ok(out)
    }
}

impl std::fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrappingKey").finish_non_exhaustive()
    }
}

fn check_length(key: usize) -> Result<(), CryptoFailure> {
    if (16..=MAX_KEY_LEN).contains(&key) && key.is_multiple_of(8) { Ok(()) } else { Err(CryptoFailure) }
}

fn join(integrity: [u8; 8], half: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    let (left, right) = block.split_at_mut(8);
    left.copy_from_slice(&integrity);
    right.copy_from_slice(half);
    block
}

fn upper(block: &[u8]) -> Result<[u8; 8], CryptoFailure> {
    block.first_chunk::<8>().copied().ok_or(CryptoFailure)
}

fn lower(block: &[u8; 16]) -> Result<[u8; 8], CryptoFailure> {
    block.last_chunk::<8>().copied().ok_or(CryptoFailure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::key_wrap::{self, KeyWrap as _};
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.replace(' ', "");
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    const KEK: &str = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    const DATA: &str = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F";

    /// RFC 3394 §4.1 to §4.6: bytes of the key-encryption key, bytes of the key, wrapped key.
    const VECTORS: [(usize, usize, &str); 6] = [
        (16, 16, "1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5"),
        (24, 16, "96778B25AE6CA435 F92B5B97C050AED2 468AB8A17AD84E5D"),
        (32, 16, "64E8C3F9CE0F5BA2 63E9777905818A2A 93C8191E7D6E8AE7"),
        (24, 24, "031D33264E15D332 68F24EC260743EDC E1C6C7DDEE725A93 6BA814915C6762D2"),
        (32, 24, "A8F9BC1612C68B3F F6E6F4FBE30E71E4 769C8B80A32CB895 8CD5D17D6B254DA1"),
        (32, 32, "28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21"),
    ];

    #[test]
    fn rfc_3394_section_4() {
        for (kek_len, key_len, wrapped) in VECTORS {
            let kek = WrappingKey::new(&hex(KEK)[..kek_len]).unwrap();
            let key = &hex(DATA)[..key_len];
            let mut out = vec![0; key_len + OVERHEAD];
            kek.wrap(key, &mut out).unwrap();
            assert_eq!(out, hex(wrapped), "{kek_len} {key_len}");
            let mut back = [0; MAX_KEY_LEN];
            assert_eq!(kek.unwrap(&out, &mut back).unwrap(), key);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let kek = WrappingKey::new(&hex(KEK)[..24]).unwrap();
        let wrapped = hex(VECTORS[3].2);
        for bit in 0..wrapped.len() * 8 {
            let mut altered = wrapped.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(kek.unwrap(&altered, &mut [0; MAX_KEY_LEN]), Err(CryptoFailure), "bit {bit}");
        }
    }

    #[test]
    fn lengths_outside_the_rfc_are_refused() {
        let kek = WrappingKey::new(&[7; 16]).unwrap();
        for length in [0, 8, 15, 17, 20, 72] {
            assert_eq!(kek.wrap(&vec![0; length], &mut vec![0; length + OVERHEAD]), Err(CryptoFailure), "{length}");
            assert_eq!(kek.unwrap(&vec![0; length + OVERHEAD], &mut [0; 128]), Err(CryptoFailure), "{length}");
        }
        for length in [0, 1, 15, 20, 33] {
            assert!(WrappingKey::new(&vec![0; length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_library_where_it_has_the_size(
            kek in prop_oneof![prop::collection::vec(any::<u8>(), 16), prop::collection::vec(any::<u8>(), 32)],
            key in (2_usize..=8).prop_flat_map(|halves| prop::collection::vec(any::<u8>(), halves * 8)),
        ) {
            let cipher = if kek.len() == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
            let mut theirs = vec![0; key.len() + OVERHEAD];
            key_wrap::AesKek::new(cipher, &kek).unwrap().wrap(&key, &mut theirs).unwrap();
            let mut ours = vec![0; key.len() + OVERHEAD];
            WrappingKey::new(&kek).unwrap().wrap(&key, &mut ours).unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }
}

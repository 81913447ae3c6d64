//! Argon2id, version 1.3 (RFC 9106), with the block function written for the vector units of the processor it runs on.
//!
//! A password hash is meant to be costly for whoever guesses, and should cost the server no more than the arithmetic it is made of. The
//! memory of one computation is filled by [`Kernel`]s: AVX-512, AVX2, or the portable crate `argon2` on every other processor. Which one
//! runs is decided at run time; all give the same tags.
//!
//! Easiest to break: nothing may be read from [`Memory`] before it was written in the same computation. Every block is written before it
//! is referred to, so what an earlier computation left behind changes no result; it is overwritten by the next one, or given back.

#![cfg_attr(
    target_arch = "x86_64",
    expect(clippy::inline_always, reason = "what is not inlined is compiled without the instructions of the processor")
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod fill;
mod initial;
mod memory;
mod portable;

pub use memory::Memory;

use argon2::AssociatedData;

/// Length of every tag, bytes.
pub const TAG_BYTES: usize = 32;

/// What one computation costs (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, KiB; at least eight a lane.
    pub memory_kib: u32,
    /// Passes over that memory; at least one.
    pub passes: u32,
    /// Lanes, computed one after the other; at least one.
    pub lanes: u32,
}

/// What is hashed.
#[derive(Clone, Copy, Default)]
pub struct Input<'a> {
    /// The password, `P`.
    pub password: &'a [u8],
    /// The salt, `S`.
    pub salt: &'a [u8],
    /// A key of the server, `K`; empty for none.
    pub key: &'a [u8],
    /// Associated data, `X`, of [`MAX_DATA`] bytes at most; empty for none.
    pub data: &'a [u8],
}

/// Most associated data. RFC 9106 has no such limit; the portable kernel does, and what one of them refuses all do.
pub const MAX_DATA: usize = AssociatedData::MAX_LEN;

/// Why there is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Less than argon2 can do: see [`Cost`].
    #[error("fewer than one pass, one lane or eight KiB a lane")]
    Cost,
    /// An input that is too long or, for the salt, shorter than eight bytes.
    #[error("an input of a length that argon2 does not take")]
    Input,
    /// The system does not give the memory.
    #[error("the memory is not to be had")]
    Memory,
}

/// How the blocks are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// 512-bit vectors: two rows of a block at a time.
    Avx512,
    /// 256-bit vectors.
    Avx2,
    /// The crate `argon2`.
    Portable,
}

impl Kernel {
    /// Every kernel, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The fastest one that this processor has.
    #[must_use]
    pub fn fastest() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this processor can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }
}

/// Computes a tag with the fastest kernel.
///
/// # Errors
/// [`Error`], before anything is computed.
pub fn hash(memory: &mut Memory, cost: Cost, input: Input<'_>, tag: &mut [u8; TAG_BYTES]) -> Result<(), Error> {
    hash_with(Kernel::fastest(), memory, cost, input, tag)
}

/// Computes a tag with a kernel of the caller's choice; with the portable one where the processor lacks it.
///
/// # Errors
/// As [`hash`].
pub fn hash_with(kernel: Kernel, memory: &mut Memory, cost: Cost, input: Input<'_>, tag: &mut [u8; TAG_BYTES]) -> Result<(), Error> {
    if cost.lanes < 1 || cost.passes < 1 || u64::from(cost.memory_kib) < 8 * u64::from(cost.lanes) {
        return Err(Error::Cost);
    }
    let fits = |bytes: &[u8]| u32::try_from(bytes.len()).is_ok();
    if input.salt.len() < 8 || input.data.len() > MAX_DATA || ![input.password, input.salt, input.key, input.data].into_iter().all(fits) {
        return Err(Error::Input);
    }
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 => {
            if let Some(simd) = pulp::x86::V4::try_new() {
                return fill::run(simd, |fill| simd.vectorize(fill), memory, cost, &input, tag);
            }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => {
            if let Some(simd) = pulp::x86::V3::try_new() {
                return fill::run(simd, |fill| simd.vectorize(fill), memory, cost, &input, tag);
            }
        }
        _ => {}
    }
    portable::run(memory, cost, &input, tag)
}

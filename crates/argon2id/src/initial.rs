//! The ends of a computation: what goes into its first blocks, and how the last ones become the tag (RFC 9106 §3.2, §3.3).

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the portable kernel does this by itself"))]

use blake2::Blake2b;
use blake2::digest::Digest as _;
use blake2::digest::consts::{U32, U64};
use zeroize::Zeroizing;

use crate::{Cost, Input, TAG_BYTES};

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 1024;

const VERSION: u32 = 0x13;
const ARGON2ID: u32 = 2;

/// `H_0` of everything that was given.
pub(crate) fn seed(cost: Cost, input: &Input<'_>) -> Zeroizing<[u8; 64]> {
    let mut state = Blake2b::<U64>::new();
    for number in [cost.lanes, length(&[0; TAG_BYTES]), cost.memory_kib, cost.passes, VERSION, ARGON2ID] {
        state.update(number.to_le_bytes());
    }
    for bytes in [input.password, input.salt, input.key, input.data] {
        state.update(length(bytes).to_le_bytes());
        state.update(bytes);
    }
    Zeroizing::new(state.finalize().into())
}

/// The first (`index` 0) and the second block of a lane: `H'^1024(H_0 || index || lane)`.
pub(crate) fn first_block(seed: &[u8; 64], index: u32, lane: u32) -> Zeroizing<[u8; BLOCK_BYTES]> {
    let mut state = Blake2b::<U64>::new();
    state.update(length(&[0; BLOCK_BYTES]).to_le_bytes());
    state.update(seed);
    state.update(index.to_le_bytes());
    state.update(lane.to_le_bytes());
    let mut digest: [u8; 64] = state.finalize().into();
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    let (halves, last) = block.split_at_mut(BLOCK_BYTES - 64);
    for half in halves.chunks_exact_mut(32) {
        half.copy_from_slice(digest.first_chunk::<32>().unwrap_or(&[0; 32]));
        digest = Blake2b::<U64>::digest(digest).into();
    }
    last.copy_from_slice(&digest);
    block
}

/// `H'^32` of the exclusive or of all last blocks.
pub(crate) fn tag(last: &[u8; BLOCK_BYTES]) -> [u8; TAG_BYTES] {
    let mut state = Blake2b::<U32>::new();
    state.update(length(&[0; TAG_BYTES]).to_le_bytes());
    state.update(last);
    state.finalize().into()
}

/// The length of an input; [`crate::hash_with`] refuses longer ones.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

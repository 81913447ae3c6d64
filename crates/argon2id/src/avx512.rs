//! The block function on 512-bit vectors.
//!
//! A block is eight rows of sixteen words. A vector here holds four words of two neighbouring rows: `4·p + q` has words `4q..4q+4` of row
//! `2p` in its lower half and of row `2p + 1` in its upper. In this order both passes of the permutation `P` work in place: over rows, the
//! four vectors of a pair of rows are the columns `a, b, c, d` of two rounds; over columns, so are the four vectors of one `q`, because words
//! that belong together stand in neighbouring rows. A round needs six shuffles between its halves, a block 48, and no transposition.

#![expect(clippy::indexing_slicing, reason = "indices below the length of an array, unrolled")]

use std::arch::x86_64::__m512i;

use pulp::u64x8;
use pulp::x86::V4;

use crate::fill::Blocks;

/// Four vectors of a round.
type Round = [__m512i; 4];

impl Blocks for V4 {
    type Block = [__m512i; 16];

    #[inline(always)]
    fn place(word: usize) -> usize {
        let (row, column) = (word / 16, word % 16);
        (row / 2) * 32 + (column / 4) * 8 + (row % 2) * 4 + column % 4
    }

    #[inline(always)]
    fn make<const OVER: bool>(self, previous: &mut Self::Block, reference: &Self::Block, target: &mut Self::Block) {
        let xor = |left, right| self.avx512f._mm512_xor_si512(left, right);
        let mut state = *previous;
        for i in 0..16 {
            state[i] = xor(state[i], reference[i]);
        }
        let mut kept = state;
        if OVER {
            for i in 0..16 {
                kept[i] = xor(kept[i], target[i]);
            }
        }
        let mut pairs = [[state[0]; 4]; 4];
        for p in 0..4 {
            pairs[p] = [state[4 * p], state[4 * p + 1], state[4 * p + 2], state[4 * p + 3]];
        }
        let rows = rows(self, pairs);
        let mut cells = [[state[0]; 4]; 4];
        for q in 0..4 {
            cells[q] = [rows[0][q], rows[1][q], rows[2][q], rows[3][q]];
        }
        let columns = columns(self, cells);
        for p in 0..4 {
            for q in 0..4 {
                state[4 * p + q] = xor(columns[q][p], kept[4 * p + q]);
            }
        }
        *previous = state;
        *target = state;
    }
}

/// Both halves of `P` over all rows.
#[inline(always)]
fn rows(simd: V4, mut rounds: [Round; 4]) -> [Round; 4] {
    let ops = simd.avx512f;
    for round in &mut rounds {
        *round = mix(simd, *round);
    }
    for [_, b, c, d] in &mut rounds {
        *b = ops._mm512_permutex_epi64::<0x39>(*b);
        *c = ops._mm512_permutex_epi64::<0x4E>(*c);
        *d = ops._mm512_permutex_epi64::<0x93>(*d);
    }
    for round in &mut rounds {
        *round = mix(simd, *round);
    }
    for [_, b, c, d] in &mut rounds {
        *b = ops._mm512_permutex_epi64::<0x93>(*b);
        *c = ops._mm512_permutex_epi64::<0x4E>(*c);
        *d = ops._mm512_permutex_epi64::<0x39>(*d);
    }
    rounds
}

/// Both halves of `P` over all columns. A vector holds two words each of four columns' rounds; the shuffles move them as the permutations of
/// [`rows`] do, one step and its inverse.
#[inline(always)]
fn columns(simd: V4, mut rounds: [Round; 4]) -> [Round; 4] {
    let ops = simd.avx512f;
    let forward: __m512i = pulp::cast(u64x8(1, 4, 3, 6, 5, 0, 7, 2));
    let backward: __m512i = pulp::cast(u64x8(5, 0, 7, 2, 1, 4, 3, 6));
    for round in &mut rounds {
        *round = mix(simd, *round);
    }
    for [_, b, c, d] in &mut rounds {
        *b = ops._mm512_permutexvar_epi64(forward, *b);
        *c = ops._mm512_shuffle_i64x2::<0x4E>(*c, *c);
        *d = ops._mm512_permutexvar_epi64(backward, *d);
    }
    for round in &mut rounds {
        *round = mix(simd, *round);
    }
    for [_, b, c, d] in &mut rounds {
        *b = ops._mm512_permutexvar_epi64(backward, *b);
        *c = ops._mm512_shuffle_i64x2::<0x4E>(*c, *c);
        *d = ops._mm512_permutexvar_epi64(forward, *d);
    }
    rounds
}

/// `GB` of RFC 9106 §3.6, eight at a time.
#[inline(always)]
fn mix(simd: V4, [a, b, c, d]: Round) -> Round {
    let ops = simd.avx512f;
    let a = multiply_add(simd, a, b);
    let d = ops._mm512_ror_epi64::<32>(ops._mm512_xor_si512(d, a));
    let c = multiply_add(simd, c, d);
    let b = ops._mm512_ror_epi64::<24>(ops._mm512_xor_si512(b, c));
    let a = multiply_add(simd, a, b);
    let d = ops._mm512_ror_epi64::<16>(ops._mm512_xor_si512(d, a));
    let c = multiply_add(simd, c, d);
    let b = ops._mm512_ror_epi64::<63>(ops._mm512_xor_si512(b, c));
    [a, b, c, d]
}

/// `a + b + 2·low(a)·low(b)`.
#[inline(always)]
fn multiply_add(simd: V4, a: __m512i, b: __m512i) -> __m512i {
    let ops = simd.avx512f;
    let product = ops._mm512_mul_epu32(a, b);
    ops._mm512_add_epi64(ops._mm512_add_epi64(a, b), ops._mm512_add_epi64(product, product))
}

//! The block function on 256-bit vectors.
//!
//! A block stands in its usual order, a row in four vectors. Over rows, the four are the columns `a, b, c, d` of a round; over columns,
//! two neighbouring rows hold the sixteen words of two rounds each, and the permutation between its halves is a shift across a pair of
//! vectors.

#![expect(clippy::indexing_slicing, reason = "indices below the length of an array, unrolled")]

use std::arch::x86_64::__m256i;

use pulp::x86::V3;

use crate::fill::Blocks;

/// Four vectors of a round.
type Round = [__m256i; 4];

/// Shuffles of bytes that rotate each word to the right.
#[derive(Clone, Copy)]
struct Rotations {
    by_24: __m256i,
    by_16: __m256i,
}

impl Rotations {
    #[inline(always)]
    fn new() -> Self {
        const fn by<const BYTES: u8>() -> [u8; 32] {
            let mut shuffle = [0; 32];
            let mut at: u8 = 0;
            while at < 32 {
                shuffle[at as usize] = (at & 8) | ((at + BYTES) & 7);
                at += 1;
            }
            shuffle
        }
        Self { by_24: pulp::cast(const { by::<3>() }), by_16: pulp::cast(const { by::<2>() }) }
    }
}

impl Blocks for V3 {
    type Block = [__m256i; 32];

    #[inline(always)]
    fn place(word: usize) -> usize {
        word
    }

    #[inline(always)]
    fn make<const OVER: bool>(self, previous: &mut Self::Block, reference: &Self::Block, target: &mut Self::Block) {
        let xor = |left, right| self.avx2._mm256_xor_si256(left, right);
        let rotations = Rotations::new();
        let mut state = *previous;
        // Written out, since a loop of eight is not unrolled, and then every access goes through memory.
        macro_rules! rows {
            ($($row:literal)*) => {$(
                let mut round: Round = [state[0]; 4];
                for q in 0..4 {
                    round[q] = xor(previous[4 * $row + q], reference[4 * $row + q]);
                    previous[4 * $row + q] = if OVER { xor(round[q], target[4 * $row + q]) } else { round[q] };
                }
                let round = row(self, rotations, round);
                for q in 0..4 {
                    state[4 * $row + q] = round[q];
                }
            )*};
        }
        rows!(0 1 2 3 4 5 6 7);
        macro_rules! columns {
            ($($q:literal)*) => {$(
                let mut rounds = [state[0]; 8];
                for r in 0..8 {
                    rounds[r] = state[4 * r + $q];
                }
                let rounds = columns(self, rotations, rounds);
                for r in 0..8 {
                    let word = xor(previous[4 * r + $q], rounds[r]);
                    previous[4 * r + $q] = word;
                    target[4 * r + $q] = word;
                }
            )*};
        }
        columns!(0 1 2 3);
    }
}

/// `P` over a row.
#[inline(always)]
fn row(simd: V3, rotations: Rotations, round: Round) -> Round {
    let ops = simd.avx2;
    let [a, b, c, d] = mix(simd, rotations, round);
    let b = ops._mm256_permute4x64_epi64::<0x39>(b);
    let c = ops._mm256_permute4x64_epi64::<0x4E>(c);
    let d = ops._mm256_permute4x64_epi64::<0x93>(d);
    let [a, b, c, d] = mix(simd, rotations, [a, b, c, d]);
    [a, ops._mm256_permute4x64_epi64::<0x93>(b), ops._mm256_permute4x64_epi64::<0x4E>(c), ops._mm256_permute4x64_epi64::<0x39>(d)]
}

/// `P` over two columns of pairs: one vector of each row.
#[inline(always)]
fn columns(simd: V3, rotations: Rotations, rows: [__m256i; 8]) -> [__m256i; 8] {
    let ops = simd.avx2;
    let [a0, b0, c0, d0] = mix(simd, rotations, [rows[0], rows[2], rows[4], rows[6]]);
    let [a1, b1, c1, d1] = mix(simd, rotations, [rows[1], rows[3], rows[5], rows[7]]);
    let (b0, b1) = (ops._mm256_alignr_epi8::<8>(b1, b0), ops._mm256_alignr_epi8::<8>(b0, b1));
    let (d0, d1) = (ops._mm256_alignr_epi8::<8>(d0, d1), ops._mm256_alignr_epi8::<8>(d1, d0));
    let [a0, b0, c1, d0] = mix(simd, rotations, [a0, b0, c1, d0]);
    let [a1, b1, c0, d1] = mix(simd, rotations, [a1, b1, c0, d1]);
    let (b0, b1) = (ops._mm256_alignr_epi8::<8>(b0, b1), ops._mm256_alignr_epi8::<8>(b1, b0));
    let (d0, d1) = (ops._mm256_alignr_epi8::<8>(d1, d0), ops._mm256_alignr_epi8::<8>(d0, d1));
    [a0, a1, b0, b1, c0, c1, d0, d1]
}

/// `GB` of RFC 9106 §3.6, four at a time.
#[inline(always)]
fn mix(simd: V3, rotations: Rotations, [a, b, c, d]: Round) -> Round {
    let ops = simd.avx2;
    let a = multiply_add(simd, a, b);
    let d = ops._mm256_shuffle_epi32::<0xB1>(ops._mm256_xor_si256(d, a));
    let c = multiply_add(simd, c, d);
    let b = ops._mm256_shuffle_epi8(ops._mm256_xor_si256(b, c), rotations.by_24);
    let a = multiply_add(simd, a, b);
    let d = ops._mm256_shuffle_epi8(ops._mm256_xor_si256(d, a), rotations.by_16);
    let c = multiply_add(simd, c, d);
    let b = ops._mm256_xor_si256(b, c);
    // A word rotated by 63 to the right is doubled, and its highest bit becomes its lowest.
    let b = ops._mm256_or_si256(ops._mm256_srli_epi64::<63>(b), ops._mm256_add_epi64(b, b));
    [a, b, c, d]
}

/// `a + b + 2·low(a)·low(b)`.
#[inline(always)]
fn multiply_add(simd: V3, a: __m256i, b: __m256i) -> __m256i {
    let ops = simd.avx2;
    let product = ops._mm256_mul_epu32(a, b);
    ops._mm256_add_epi64(ops._mm256_add_epi64(a, b), ops._mm256_add_epi64(product, product))
}

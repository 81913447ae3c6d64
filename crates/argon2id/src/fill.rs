//! Filling the memory: which block is made from which two, for a block function of the processor (RFC 9106 §3.4).
//!
//! A block function keeps the 128 words of a block in an order of its own, [`Blocks::place`]; only the first word, which chooses the next
//! reference, stands first in every order.

use bytemuck::{Pod, Zeroable};
use pulp::NullaryFnOnce;
use zeroize::{Zeroize as _, Zeroizing};

use crate::initial::{self, BLOCK_BYTES};
use crate::{Cost, Error, Input, Memory, TAG_BYTES};

/// 64-bit words of a block.
const WORDS: usize = BLOCK_BYTES / 8;
/// Slices of a lane.
const SLICES: usize = 4;

/// A block function `G` on vectors.
pub(crate) trait Blocks: Copy {
    /// A block in this function's order.
    type Block: Pod;

    /// Where a word of a block stands.
    fn place(word: usize) -> usize;

    /// Makes `target` from the block before it and a reference, and keeps a copy in `previous`. `OVER`: what `target` held is combined with
    /// it, as every pass but the first does.
    fn make<const OVER: bool>(self, previous: &mut Self::Block, reference: &Self::Block, target: &mut Self::Block);
}

/// Fills the memory. A type and no closure, so that everything in it is compiled for the instructions of `blocks`.
pub(crate) struct Fill<'a, B: Blocks> {
    function: B,
    memory: &'a mut [B::Block],
    passes: u32,
    lanes: usize,
}

/// Where in the memory the work is.
#[derive(Clone, Copy)]
struct Segment {
    pass: u32,
    slice: usize,
    lane: usize,
}

impl<B: Blocks> NullaryFnOnce for Fill<'_, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Fill { function, memory, passes, lanes } = self;
        for pass in 0..passes {
            for slice in 0..SLICES {
                for lane in 0..lanes {
                    let segment = Segment { pass, slice, lane };
                    if pass == 0 && slice < SLICES / 2 {
                        let addresses = Addresses::new(function, segment, memory.len(), passes);
                        segment.fill::<B, false>(function, memory, lanes, Some(addresses));
                    } else if pass == 0 {
                        segment.fill::<B, false>(function, memory, lanes, None);
                    } else {
                        segment.fill::<B, true>(function, memory, lanes, None);
                    }
                }
            }
        }
    }
}

impl Segment {
    #[inline(always)]
    fn fill<B: Blocks, const OVER: bool>(self, function: B, memory: &mut [B::Block], lanes: usize, mut addresses: Option<Addresses<B>>) {
        let Self { pass, slice, lane } = self;
        let length = memory.len() / lanes;
        let segment = length / SLICES;
        let beginning = pass == 0 && slice == 0;
        let first = if beginning { 2 } else { 0 };
        // Blocks that may be referred to before this segment, and where they begin.
        let (done, start) = if pass == 0 { (slice * segment, 0) } else { (length - segment, (slice + 1) % SLICES * segment) };
        let base = lane * length + slice * segment;
        let before = lane * length + (slice * segment + first + length - 1) % length;
        let Some(mut previous) = memory.get(before).copied() else { return };
        for index in first..segment {
            let random = match &mut addresses {
                Some(addresses) => addresses.at(index, index == first),
                None => words(&previous).first().copied().unwrap_or_default(),
            };
            let (low, high) = (random & 0xffff_ffff, random >> 32);
            let of = if beginning || lanes == 1 { lane } else { narrow(high) % lanes };
            let area = if of == lane { done + index - 1 } else { done - usize::from(index == 0) };
            let back = narrow((area as u64 * ((low * low) >> 32)) >> 32);
            let place = start + area - 1 - back;
            let place = if place >= length { place - length } else { place };
            let pair = memory.get_disjoint_mut([of * length + place, base + index]);
            debug_assert!(pair.is_ok(), "a reference is another block of the same memory");
            let Ok([reference, target]) = pair else { return };
            function.make::<OVER>(&mut previous, reference, target);
        }
        words_mut(&mut previous).zeroize();
    }
}

/// The references of the first half of the first pass, which depend on no secret: a counter run through the block function.
struct Addresses<B: Blocks> {
    function: B,
    input: B::Block,
    made: B::Block,
}

impl<B: Blocks> Addresses<B> {
    #[inline(always)]
    fn new(function: B, segment: Segment, blocks: usize, passes: u32) -> Self {
        let mut input = B::Block::zeroed();
        let numbers = [u64::from(segment.pass), segment.lane as u64, segment.slice as u64, blocks as u64, u64::from(passes), 2];
        for (word, number) in numbers.into_iter().enumerate() {
            if let Some(place) = words_mut(&mut input).get_mut(B::place(word)) {
                *place = number;
            }
        }
        Self { function, input, made: B::Block::zeroed() }
    }

    #[inline(always)]
    fn at(&mut self, index: usize, first: bool) -> u64 {
        const COUNTER: usize = 6;
        if first || index.is_multiple_of(WORDS) {
            if let Some(counter) = words_mut(&mut self.input).get_mut(B::place(COUNTER)) {
                *counter += 1;
            }
            let mut once = B::Block::zeroed();
            self.function.make::<false>(&mut B::Block::zeroed(), &self.input, &mut once);
            self.function.make::<false>(&mut B::Block::zeroed(), &once, &mut self.made);
        }
        words(&self.made).get(B::place(index % WORDS)).copied().unwrap_or_default()
    }
}

/// Computes a tag; `vectorize` runs the filling with the instructions of `function`.
pub(crate) fn run<B: Blocks>(
    function: B,
    vectorize: impl FnOnce(Fill<'_, B>),
    memory: &mut Memory,
    cost: Cost,
    input: &Input<'_>,
    tag: &mut [u8; TAG_BYTES],
) -> Result<(), Error> {
    let lanes = usize::try_from(cost.lanes).map_err(|_| Error::Cost)?;
    let length = SLICES * (usize::try_from(cost.memory_kib).map_err(|_| Error::Cost)? / (SLICES * lanes));
    let bytes = memory.bytes(length * lanes)?;
    let blocks: &mut [B::Block] = bytemuck::try_cast_slice_mut(bytes).map_err(|_| Error::Memory)?;
    let seed = initial::seed(cost, input);
    for (lane, blocks) in (0..).zip(blocks.chunks_exact_mut(length)) {
        for (index, block) in (0..2).zip(blocks) {
            let bytes = initial::first_block(&seed, index, lane);
            for (word, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
                if let Some(place) = words_mut(block).get_mut(B::place(word)) {
                    *place = u64::from_le_bytes(*eight);
                }
            }
        }
    }
    vectorize(Fill { function, memory: &mut *blocks, passes: cost.passes, lanes });
    let mut last = Zeroizing::new([0; BLOCK_BYTES]);
    for block in blocks.chunks_exact(length).filter_map(<[B::Block]>::last) {
        for (word, eight) in last.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let other = words(block).get(B::place(word)).copied().unwrap_or_default();
            *eight = (u64::from_le_bytes(*eight) ^ other).to_le_bytes();
        }
    }
    *tag = initial::tag(&last);
    Ok(())
}

#[inline(always)]
fn words<T: Pod>(block: &T) -> &[u64] {
    bytemuck::cast_slice(std::slice::from_ref(block))
}

#[inline(always)]
fn words_mut<T: Pod>(block: &mut T) -> &mut [u64] {
    bytemuck::cast_slice_mut(std::slice::from_mut(block))
}

/// Half a word as an index; a processor with these vectors has 64-bit addresses.
#[inline(always)]
fn narrow(half: u64) -> usize {
    usize::try_from(half).unwrap_or(usize::MAX)
}

// SPDX-License-Identifier: GPL-2.0

//! Extended registers: an XSAVE area without the blocks that are zero, which most are.

use crate::{
    check::{CheckError, Rec},
    read::is_zero,
    uapi::*,
};

const BLOCK: usize = CR_XSTATE_BLOCK as usize;

/// Bytes of a buffer for an area of `size` bytes: whole blocks.
pub const fn buffer_len(size: usize) -> usize {
    size.next_multiple_of(BLOCK)
}

/// Moves the blocks of an area that are not zero to its beginning; returns which they are, and
/// them. The area is as long as [`buffer_len`] says.
pub fn pack(area: &mut [u8]) -> (cr_img_xstate, &[u8]) {
    let mut xstate = cr_img_xstate::default();
    let mut used = 0usize;
    for at in 0..area.len().div_ceil(BLOCK) {
        let start = at.saturating_mul(BLOCK);
        let block = area.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>);
        let Some(block) = block.filter(|block| !is_zero(*block)).copied() else {
            continue;
        };
        set(&mut xstate, at);
        let to = area.get_mut(used..).and_then(<[u8]>::first_chunk_mut);
        if let Some(to) = to {
            *to = block;
            used = used.saturating_add(BLOCK);
        }
    }
    (xstate, area.get(..used).unwrap_or_default())
}

/// Puts the blocks of a record into their places in an area, as long as [`buffer_len`] says. What the
/// record does not have is zero.
pub fn unpack(rec: &Rec<'_>, area: &mut [u8]) -> Result<(), CheckError> {
    let xstate: cr_img_xstate = rec.fixed()?;
    let mut blocks = rec.variable::<cr_img_xstate>().chunks_exact(BLOCK);
    for (at, place) in area.chunks_exact_mut(BLOCK).enumerate() {
        match has(&xstate, at).then(|| blocks.next()).flatten() {
            Some(block) => place.copy_from_slice(block),
            None => place.fill(0),
        }
    }
    Ok(())
}

/// A block of a record, if it is there.
pub(crate) fn block<'a>(rec: &Rec<'a>, xstate: &cr_img_xstate, at: usize) -> Option<&'a [u8]> {
    let (word, bit) = (at >> 6, at & 63);
    let earlier = xstate.blocks.get(..word)?.iter();
    let before = xstate.blocks.get(word)? & (1u64 << bit).wrapping_sub(1);
    let before = earlier.fold(before.count_ones(), |sum, word| {
        sum.saturating_add(word.count_ones())
    });
    let mut blocks = rec.variable::<cr_img_xstate>().chunks_exact(BLOCK);
    has(xstate, at)
        .then(|| blocks.nth(before as usize))
        .flatten()
}

/// Blocks that the record says it has, and one more than the last of them.
pub(crate) fn extent(xstate: &cr_img_xstate) -> (usize, usize) {
    let mut extent = (0u32, 0u32);
    for (word, before) in xstate.blocks.iter().zip((0u32..).step_by(64)) {
        extent.0 = extent.0.saturating_add(word.count_ones());
        if *word != 0 {
            extent.1 = before
                .saturating_add(64)
                .saturating_sub(word.leading_zeros());
        }
    }
    (extent.0 as usize, extent.1 as usize)
}

fn has(xstate: &cr_img_xstate, at: usize) -> bool {
    let word = xstate.blocks.get(at >> 6).copied().unwrap_or(0);
    word & (1 << (at & 63)) != 0
}

fn set(xstate: &mut cr_img_xstate, at: usize) {
    if let Some(word) = xstate.blocks.get_mut(at >> 6) {
        *word |= 1 << (at & 63);
    }
}

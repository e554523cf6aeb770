// SPDX-License-Identifier: GPL-2.0

//! Extended registers: an XSAVE area without the blocks that are zero, which most are.

use crate::{
    check::{CheckError, Rec},
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
        let Some(block) = block.filter(|block| !is_zero(block)).copied() else {
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
    let before = (0..at).filter(|at| has(xstate, *at)).count();
    let mut blocks = rec.variable::<cr_img_xstate>().chunks_exact(BLOCK);
    has(xstate, at).then(|| blocks.nth(before)).flatten()
}

/// Blocks that the record says it has, and one more than the last of them.
pub(crate) fn extent(xstate: &cr_img_xstate) -> (usize, usize) {
    let all = || (0..xstate.blocks.len().saturating_mul(64)).filter(|at| has(xstate, *at));
    (
        all().count(),
        all().last().map_or(0, |last| last.saturating_add(1)),
    )
}

/// By words: the comparison of arrays goes byte by byte in the kernel.
fn is_zero(block: &[u8; BLOCK]) -> bool {
    let words = block.chunks_exact(8).map(<[u8]>::first_chunk::<8>);
    let all = words.flatten().copied().map(u64::from_ne_bytes);
    all.fold(0, |set, word| set | word) == 0
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

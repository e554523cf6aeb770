// SPDX-License-Identifier: GPL-2.0

//! With whom a process shares most of its private pages.
//!
//! That is its parent as a rule, but need not be: the parent may have written to its pages since it
//! forked, or executed another program, or it is dead and init has adopted its children. What those
//! have in common is the page frames.

use super::inherit::Frames;
use cr_sys::task::TaskInfo;
use kernel::prelude::*;

/// Who can fork a process: its parent, and who is in the same pid namespace. Others cannot enter
/// that, and its init belongs to who has made it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Origin {
    pid: u32,
    parent: u32,
    pid_ns: u64,
    ns_init: bool,
}

impl Origin {
    /// That of a process whose leader this is.
    pub(crate) fn of(leader: &TaskInfo) -> Self {
        Self {
            pid: leader.tgid,
            parent: leader.ppid,
            pid_ns: leader.pid_ns,
            ns_init: leader.ns_init != 0,
        }
    }

    fn may_be(&self, other: &Self) -> bool {
        other.pid == self.parent || other.pid_ns == self.pid_ns && !self.ns_init
    }
}

/// A page frame, and the first and the last process so far that has it. Frame 0 is none.
#[derive(Clone, Copy, Default)]
struct Seen {
    frame: u64,
    first: u32,
    last: u32,
}

/// The processes that were looked at, by their page frames.
pub(crate) struct Kin {
    /// Open addressing; half of it stays empty.
    seen: KVVec<Seen>,
    /// For each process, how many of the frames of another one it has. Nobody asks all who have a
    /// frame: that were too many where a hundred processes share all they have.
    votes: KVVec<u32>,
    /// For each process so far, which one is the closest, and how long a chain that makes.
    chosen: KVVec<(Option<usize>, u32)>,
}

/// How long a chain of processes may be that are forked from one another: a fork takes time for each
/// one before it in the chain.
const LONGEST_CHAIN: u32 = 32;

impl Kin {
    /// For so many processes, which have so many page frames in all.
    pub(crate) fn new(processes: usize, frames: usize) -> Result<Self> {
        let room = frames.saturating_mul(2).next_power_of_two();
        Ok(Self {
            seen: KVVec::from_elem(Seen::default(), room, GFP_KERNEL)?,
            votes: KVVec::from_elem(0, processes, GFP_KERNEL)?,
            chosen: KVVec::with_capacity(processes, GFP_KERNEL)?,
        })
    }

    /// Looks at the next one of these processes: which one before it has most of its page frames, and
    /// can fork it?
    pub(crate) fn closest(&mut self, of: &[(Origin, usize, Frames)]) -> Result<Option<usize>> {
        let at = self.chosen.len();
        let (origin, _, frames) = &of[at];
        let may_be = |other: usize| origin.may_be(&of[other].0);
        let mut closest = self.elect(at, frames, may_be);
        // Brothers in a row are forked from the first one of them, and not from each other.
        while let Some((Some(before), length)) = closest.map(|closest| self.chosen[closest]) {
            let common = |other: usize| frames.in_common(&of[other].2);
            let is_worse = closest.is_some_and(|one| common(before) < common(one));
            if !may_be(before) || length < LONGEST_CHAIN && is_worse {
                break;
            }
            closest = Some(before);
        }
        let length = closest.map_or(0, |closest| self.chosen[closest].1 + 1);
        self.chosen.push((closest, length), GFP_KERNEL)?;
        Ok(closest)
    }

    fn elect(
        &mut self,
        at: usize,
        frames: &Frames,
        may_be: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.votes.fill(0);
        for frame in frames.frames().filter(|frame| *frame != 0) {
            let me = at as u32;
            let seen = self.entry(frame);
            let (first, last) = match seen.frame {
                0 => (me, me),
                _ => (seen.first, seen.last),
            };
            *seen = Seen {
                frame,
                first,
                last: me,
            };
            // It may have a frame at two places.
            for (voter, is_new) in [(first, true), (last, last != first)] {
                if voter != me && is_new && may_be(voter as usize) {
                    self.votes[voter as usize] += 1;
                }
            }
        }
        let most = self.votes[..at]
            .iter()
            .copied()
            .max()
            .filter(|most| *most > 0)?;
        // The earliest of several is the least dependent on others.
        self.votes.iter().position(|votes| *votes == most)
    }

    /// Where a frame is, or belongs.
    fn entry(&mut self, frame: u64) -> &mut Seen {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mask = self.seen.len() - 1;
        let mut at = (frame.wrapping_mul(GOLDEN) >> 32) as usize & mask;
        while ![0, frame].contains(&self.seen[at].frame) {
            at = (at + 1) & mask;
        }
        &mut self.seen[at]
    }
}

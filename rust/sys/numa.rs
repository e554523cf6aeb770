// SPDX-License-Identifier: GPL-2.0

//! NUMA memory policies.
//!
//! C header: [`include/linux/mempolicy.h`](srctree/include/linux/mempolicy.h).

use crate::{
    bindings,
    file::FileRef,
    mm::{Mm, PAGE_SIZE},
    task::TaskRef,
};
use cr_codec::uapi::*;
use kernel::prelude::*;

/// Room for two sets of nodes.
type Sets = [u64; 2 * CR_MAX_NODE_WORDS as usize];

/// What tells a policy from others.
pub type PolicyKey = ([u32; 4], Sets);

/// A policy.
pub struct Policy {
    /// All but its nodes.
    pub record: cr_img_policy,
    sets: Sets,
}

impl Policy {
    const NONE: Self = Self {
        record: cr_img_policy {
            mode: 0,
            flags: 0,
            home_node: 0,
            nr_words: 0,
        },
        sets: [0; 2 * CR_MAX_NODE_WORDS as usize],
    };

    /// Room for one. It is large for a stack.
    #[inline(never)]
    pub fn room() -> Result<KBox<Self>> {
        Ok(KBox::new(Self::NONE, GFP_KERNEL)?)
    }

    /// The nodes that were asked for, then those that are in effect, for the record.
    pub fn sets(&self) -> &[u64] {
        &self.sets[..2 * self.record.nr_words as usize]
    }

    /// What tells it from others.
    pub fn key(&self) -> PolicyKey {
        let cr_img_policy {
            mode,
            flags,
            home_node,
            nr_words,
        } = self.record;
        ([mode, flags, home_node, nr_words], self.sets)
    }
}

impl TaskRef {
    /// Its policy, if it has one; and how far that is, in `sched`.
    pub fn read_policy(&self, sched: &mut cr_img_sched) -> Option<Policy> {
        // SAFETY: The task is valid.
        if !unsafe { bindings::cr_shim_has_task_policy(self.as_ptr()) } {
            return None;
        }
        let mut policy = Policy::NONE;
        let (record, sets) = (&mut policy.record, policy.sets.as_mut_ptr());
        // SAFETY: The task is valid, `record` and `sched` are valid for writes, and there is room for
        // two sets.
        let found = unsafe { bindings::cr_shim_task_policy(self.as_ptr(), record, sets, sched) };
        found.then_some(policy)
    }
}

impl Mm {
    /// The policy of the mapping at `addr`, if it has one of its own.
    pub fn read_policy(&self, addr: u64) -> Option<Policy> {
        let mut policy = Policy::NONE;
        let (record, sets) = (&mut policy.record, policy.sets.as_mut_ptr());
        // SAFETY: The memory is valid, `record` is valid for writes, and there is room for two sets.
        let found = unsafe { bindings::cr_shim_vma_policy(self.as_ptr(), addr, record, sets) };
        found.then_some(policy)
    }
}

impl FileRef {
    /// Whether it is on tmpfs, where a policy of a mapping is one of a part of the file.
    pub fn has_shared_policies(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_has_shared_policies(self.as_ptr()) }
    }

    /// The first part of it that has a policy and ends behind an offset; the policy goes into `policy`.
    pub fn shared_policy(&self, offset: u64, policy: &mut Policy) -> Option<cr_img_run> {
        let mut run = cr_img_run::default();
        let (record, sets) = (&mut policy.record, policy.sets.as_mut_ptr());
        // SAFETY: The file is valid, `run` and `record` are valid for writes, and there is room for two
        // sets.
        let found = unsafe {
            bindings::cr_shim_shared_policy(self.as_ptr(), offset, &mut run, record, sets)
        };
        found.then_some(run)
    }
}

/// What the current process has mapped for a moment.
pub struct Mapped {
    addr: u64,
    len: u64,
}

impl Mapped {
    /// Memory to pass arguments in.
    pub fn memory(len: u64) -> Result<Self> {
        // SAFETY: No file; mmap checks all else, and replaces nothing.
        let addr = unsafe { bindings::cr_shim_map_anywhere(core::ptr::null_mut(), len, true, 0) };
        Self::at(addr, len)
    }

    /// A part of a file, which is not accessed.
    pub fn part(file: &FileRef, start: u64, nr_pages: u64) -> Result<Self> {
        let len = nr_pages.checked_mul(PAGE_SIZE as u64).ok_or(EINVAL)?;
        // SAFETY: The file is valid; mmap checks all else, and replaces nothing.
        let addr = unsafe { bindings::cr_shim_map_anywhere(file.as_ptr(), len, false, start) };
        Self::at(addr, len)
    }

    fn at(addr: isize, len: u64) -> Result<Self> {
        match addr {
            -4095..=-1 => Err(Error::from_errno(addr as i32)),
            addr => Ok(Self {
                addr: addr as u64,
                len,
            }),
        }
    }

    /// Where it is.
    pub fn addr(&self) -> u64 {
        self.addr
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.len
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody has been told of it.
        unsafe { bindings::cr_shim_unmap(self.addr, self.len) }
    }
}

/// Says how far the interleaving policy of the current task is.
pub fn set_place(sched: &cr_img_sched) {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_task_policy_set(sched.last_node, sched.last_weight) }
}

/// The first of these nodes that the current task may not use.
pub fn missing_node(nodes: &[u64]) -> Option<u32> {
    // SAFETY: `nodes` has as many words as said.
    let node = unsafe { bindings::cr_shim_missing_node(nodes.as_ptr(), nodes.len() as u32) };
    u32::try_from(node).ok()
}

/// Whether there is such a node.
pub fn is_online(node: u32) -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_node_online(node) }
}

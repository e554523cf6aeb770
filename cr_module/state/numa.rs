// SPDX-License-Identifier: GPL-2.0

//! NUMA memory policies, of threads and of mappings.
//!
//! A policy is saved once, whoever has it: so a mapping that a process shares with its parent has the
//! same one. It is asked for again by set_mempolicy(2) and mbind(2), with the nodes that it was asked for
//! then; those that it came to have to be there. On which nodes pages are is not kept, but a mapping has its
//! policy before it has pages.
//!
//! Refused: policies of shared memory, which are those of a file or object of tmpfs, in parts.

use crate::{
    build::Build,
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::FileRef,
    mm::{Mm, Vma},
    numa::{self, Policy},
    task::TaskRef,
    vec,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves the policy of a thread, and how far it is, into the record of its scheduling.
pub(crate) fn save_task(save: &mut Save<'_>, task: &TaskRef, sched: &mut cr_img_sched) -> Result {
    if let Some(policy) = task.read_policy(sched) {
        sched.policy = save_policy(save, &policy)?;
    }
    Ok(())
}

/// Saves the policy of a mapping. 0 if it has none.
pub(crate) fn save_vma(save: &mut Save<'_>, mm: &Mm, vma: &Vma) -> Result<u64> {
    if !vma.policy {
        return Ok(0);
    }
    match mm.read_policy(vma.start) {
        Some(_) if vma.vdso => fail!(
            EOPNOTSUPP(),
            "has a NUMA policy (mbind), which is not supported yet"
        ),
        Some(policy) => save_policy(save, &policy),
        None => Ok(0),
    }
}

fn save_policy(save: &mut Save<'_>, policy: &Policy) -> Result<u64> {
    let key = policy.key();
    if let Some(id) = save.policies.get(&key) {
        return Ok(*id);
    }
    let id = save.objects.add_private()?;
    save.policies.try_create_and_insert(key, id, GFP_KERNEL)?;
    save.object(id, &policy.record, &[policy.sets().as_bytes()])?;
    Ok(id)
}

/// Refuses shared memory whose parts have policies.
pub(crate) fn check_shared(file: &FileRef) -> Result {
    if file.has_policy() {
        fail!(
            EOPNOTSUPP(),
            "shared memory has a NUMA policy (mbind), which is not supported yet"
        );
    }
    Ok(())
}

/// Refuses an image with policies for nodes that there are not, or not for the caller.
pub(crate) fn check(rec: &Rec<'_>) -> Result {
    Asked::of(rec).map(|_| ())
}

/// A policy of an image that is possible here.
struct Asked {
    policy: cr_img_policy,
    nodes: KVVec<u64>,
}

impl Asked {
    fn of(rec: &Rec<'_>) -> Result<Self> {
        let policy: cr_img_policy = rec.fixed()?;
        let words = policy.nr_words as usize;
        let mut sets: KVVec<u64> = vec::zeroed(2 * words, GFP_KERNEL)?;
        for (to, word) in sets.iter_mut().zip(rec.array(size_of::<cr_img_policy>())) {
            *to = word;
        }
        let home = policy.home_node.checked_sub(1);
        let missing = numa::missing_node(&sets[words..])
            .or_else(|| home.filter(|node| !numa::is_online(*node)));
        if let Some(node) = missing {
            fail!(
                ENODEV,
                "a NUMA memory policy needs node {node}, which this machine does not have, or not for \
                 the caller (cpuset)"
            );
        }
        sets.truncate(words);
        Ok(Self {
            policy,
            nodes: sets,
        })
    }

    /// Mode, address and length of the set, as the system calls take them.
    fn args(&self, build: &Build<'_>) -> Result<[u64; 3]> {
        let mode = u64::from(self.policy.mode | self.policy.flags);
        if self.nodes.is_empty() {
            return Ok([mode, 0, 0]);
        }
        let addr = build.scratch(0, self.nodes.as_bytes())?;
        // The kernel takes one bit less than it is told.
        Ok([mode, addr, u64::from(self.policy.nr_words) * 64 + 1])
    }
}

const SYS_MBIND: u32 = 237;
const SYS_SET_MEMPOLICY: u32 = 238;
const SYS_SET_MEMPOLICY_HOME_NODE: u32 = 450;
const MPOL_DEFAULT: u64 = 0;

/// Gives the current thread the policy of its record, or takes that of its creator away.
pub(crate) fn restore_task(build: &Build<'_>, sched: &cr_img_sched) -> Result {
    let args = match sched.policy {
        0 if TaskRef::current()
            .read_policy(&mut cr_img_sched::default())
            .is_none() =>
        {
            return Ok(());
        }
        0 => [MPOL_DEFAULT, 0, 0],
        id => Asked::of(&build.object(id)?)?.args(build)?,
    };
    build
        .syscall(SYS_SET_MEMPOLICY, args)
        .context(format_args!("NUMA memory policy"))?;
    Ok(())
}

/// The last thing that the thread does, since all memory that it takes until then moves an interleaving
/// policy on.
pub(crate) fn restore_place(sched: &cr_img_sched) {
    if sched.policy != 0 {
        numa::set_place(sched);
    }
}

/// Gives a new mapping its policy.
pub(crate) fn bind(build: &Build<'_>, vma: &cr_img_vma) -> Result {
    if vma.policy == 0 {
        return Ok(());
    }
    let (start, length) = (vma.start, vma.end - vma.start);
    let asked = Asked::of(&build.object(vma.policy)?)?;
    let [mode, nodes, nr_nodes] = asked.args(build)?;
    build
        .syscall6(SYS_MBIND, [start, length, mode, nodes, nr_nodes, 0])
        .context(format_args!("mbind"))?;
    if let Some(node) = asked.policy.home_node.checked_sub(1) {
        let args = [start, length, u64::from(node), 0, 0, 0];
        build
            .syscall6(SYS_SET_MEMPOLICY_HOME_NODE, args)
            .context(format_args!("set_mempolicy_home_node"))?;
    }
    Ok(())
}

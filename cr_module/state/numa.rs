// SPDX-License-Identifier: GPL-2.0

//! NUMA memory policies, of threads and of mappings.
//!
//! A policy is saved once, whoever has it: so a mapping that a process shares with its parent has the
//! same one. It is asked for again by set_mempolicy(2) and mbind(2), with the nodes that it was asked for
//! then; those that it came to have to be there. On which nodes pages are is not kept, but a mapping has its
//! policy before it has pages.
//!
//! Policies of shared memory are those of a file or object of tmpfs, in parts, which all have that map it. An
//! image has these, and that a mapping was made for one only where it is still in effect, since another mapping
//! may have brought another one. The caller of restart maps the parts for a moment, and asks for their policies,
//! before they have any contents.
//!
//! Refused: policies of files of tmpfs that have a name, which stay with the file, but not if that is copied;
//! those that the mount of a removed one has brought (mpol=).

use crate::{
    build::Build,
    image::Records,
    report::{fail, Context, Result},
    save::Save,
    state::inherit::run_end,
};
use cr_codec::{
    check::{Rec, USER_END},
    uapi::*,
};
use cr_sys::{
    build,
    errno::EOPNOTSUPP,
    file::FileRef,
    mm::{Mm, Vma, PAGE_SIZE},
    numa::{self, Mapped, Policy},
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
        Some(policy) => match &vma.file {
            Some(file) if file.has_shared_policies() && !is_in_effect(file, vma, &policy)? => Ok(0),
            _ => save_policy(save, &policy),
        },
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

/// Saves the policies of the parts of an object, if it has any.
pub(crate) fn save_shared(save: &mut Save<'_>, object: u64, file: &FileRef) -> Result {
    if !file.has_shared_policies() {
        return Ok(());
    }
    let (mut runs, mut offset) = (KVVec::new(), 0);
    let mut policy = Policy::room()?;
    while let Some(run) = file.shared_policy(offset, &mut policy) {
        let length = run.nr_pages.checked_mul(PAGE_SIZE as u64);
        if length.is_none_or(|length| length > USER_END) {
            fail!(
                EOPNOTSUPP(),
                "has the NUMA policy of its mount (mpol=), which is not supported yet"
            );
        }
        offset = run_end(&run);
        let policy = save_policy(save, &policy)?;
        let run = cr_img_policy_run {
            start: run.start,
            nr_pages: run.nr_pages,
            policy,
        };
        runs.push(run, GFP_KERNEL)?;
    }
    if runs.is_empty() {
        return Ok(());
    }
    let record = cr_img_shared_policy {
        object,
        nr_runs: runs.len() as u32,
        reserved: 0,
    };
    save.record(&record, &[runs.as_bytes()])
}

/// Whether the part of shared memory that a mapping shows has this policy, and no other.
fn is_in_effect(file: &FileRef, vma: &Vma, policy: &Policy) -> Result<bool> {
    let start = vma.pgoff.saturating_mul(PAGE_SIZE as u64);
    let mut shared = Policy::room()?;
    let run = file.shared_policy(start, &mut shared);
    Ok(run.is_some_and(|run| {
        run.start <= start
            && run_end(&run) - start >= vma.end - vma.start
            && shared.key() == policy.key()
    }))
}

/// Gives new objects, `file_of` which is one of them, the policies that their parts had.
pub(crate) fn restore_shared<'a>(
    records: &Records,
    file_of: impl Fn(u64) -> Result<&'a FileRef>,
) -> Result {
    let mut scratch = None;
    for (_, rec) in records.tagged(CR_TAG_SHARED_POLICY) {
        let file = file_of(rec.fixed::<cr_img_shared_policy>()?.object)?;
        let scratch = match &scratch {
            Some(scratch) => scratch,
            None => scratch.insert(Mapped::memory(PAGE_SIZE as u64)?),
        };
        for run in rec.array::<cr_img_policy_run>(size_of::<cr_img_shared_policy>()) {
            let asked = Asked::of(&records.get(records.find(run.policy)?))?;
            let part = Mapped::part(file, run.start, run.nr_pages)
                .context(format_args!("mapping shared memory with a NUMA policy"))?;
            let args = asked.args(|nodes| {
                build::write_user(scratch.addr(), nodes)?;
                Ok(scratch.addr())
            })?;
            asked.bind(part.addr(), part.length(), args)?;
        }
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
    fn args(&self, write: impl FnOnce(&[u8]) -> Result<u64>) -> Result<[u64; 3]> {
        let mode = u64::from(self.policy.mode | self.policy.flags);
        if self.nodes.is_empty() {
            return Ok([mode, 0, 0]);
        }
        let addr = write(self.nodes.as_bytes())?;
        // The kernel takes one bit less than it is told.
        Ok([mode, addr, u64::from(self.policy.nr_words) * 64 + 1])
    }

    /// Asks for it for a mapping of the current process, with these arguments.
    fn bind(&self, start: u64, length: u64, [mode, nodes, nr_nodes]: [u64; 3]) -> Result {
        build::syscall(SYS_MBIND, [start, length, mode, nodes, nr_nodes, 0])
            .context(format_args!("mbind"))?;
        if let Some(node) = self.policy.home_node.checked_sub(1) {
            let args = [start, length, u64::from(node), 0, 0, 0];
            build::syscall(SYS_SET_MEMPOLICY_HOME_NODE, args)
                .context(format_args!("set_mempolicy_home_node"))?;
        }
        Ok(())
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
        id => Asked::of(&build.object(id)?)?.args(|nodes| build.scratch(0, nodes))?,
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
    let asked = Asked::of(&build.object(vma.policy)?)?;
    let args = asked.args(|nodes| build.scratch(0, nodes))?;
    asked.bind(vma.start, vma.end - vma.start, args)
}

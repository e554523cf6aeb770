// SPDX-License-Identifier: GPL-2.0

//! Restrictions of system calls: seccomp(2).
//!
//! Filters form trees: each is asked together with those that were there before it, and tasks have
//! them in common by fork(2) or SECCOMP_FILTER_FLAG_TSYNC, which later asks who has what in common.
//! So a filter is an object. The first task that needs it installs it, and the others share it.
//!
//! The system calls that rebuild a task are not asked about, so it does not matter when that is.

use crate::{
    build::Build,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, list::read_all, task::TaskRef, vec};
use kernel::{prelude::*, rbtree::RBTree};
use zerocopy::{FromZeros, IntoBytes};

/// Saves the filters of a thread, and returns the id of the newest one, or 0.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    let identities = read_all(|room: &mut [u64]| Result::Ok(thread.task.read_seccomp(room)))?;
    let mut prev = 0;
    for (depth, identity) in (1..).zip(identities.iter().rev()) {
        prev = match save.objects.find(Kind::Seccomp, *identity) {
            Some(id) => id,
            None => save_filter(save, &thread.task, depth, *identity, prev)?,
        };
    }
    Ok(prev)
}

fn save_filter(
    save: &mut Save<'_>,
    task: &TaskRef,
    depth: usize,
    identity: u64,
    prev: u64,
) -> Result<u64> {
    let mut record = cr_img_seccomp::new_zeroed();
    let mut insns = vec::zeroed(CR_MAX_FILTER as usize, GFP_KERNEL)?;
    let nr = match task.read_filter(depth, &mut record, &mut insns) {
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "has a seccomp filter with a supervisor (user notification), which is not supported yet"
        ),
        nr => nr?,
    };
    record.prev = prev;
    record.nr_insns = nr as u32;
    let id = save.objects.add(Kind::Seccomp, identity)?;
    save.object(id, &record, &[insns[..nr].as_bytes()])?;
    Ok(id)
}

/// The filters that have been installed by now: a task that has each, and how many it had with it.
pub(crate) type Installed = RBTree<u64, (TaskRef, usize)>;

const SYS_SECCOMP: u32 = 317;
const SECCOMP_SET_MODE_FILTER: u64 = 1;
const SECCOMP_FILTER_FLAG_LOG: u64 = 2;
/// Speculation is restored with its own controls.
const SECCOMP_FILTER_FLAG_SPEC_ALLOW: u64 = 4;
const PR_SET_SECCOMP: u64 = 22;
const SECCOMP_MODE_STRICT: u64 = 1;

/// `struct sock_fprog`, which goes before the program in scratch memory.
const FPROG_LEN: u64 = 16;

/// Bytes of scratch memory for the program of a filter.
pub(crate) fn scratch_len(rec: &Rec<'_>) -> u64 {
    FPROG_LEN + rec.variable::<cr_img_seccomp>().len() as u64
}

/// Restricts the current thread.
pub(crate) fn restore(build: &Build<'_>, thread: &cr_img_thread) -> Result {
    if thread.flags & CR_THREAD_SECCOMP_STRICT != 0 {
        build
            .prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)
            .context(format_args!("seccomp"))?;
    }
    if thread.seccomp == 0 {
        return Ok(());
    }
    let mut chain = KVVec::new();
    let mut id = thread.seccomp;
    while id != 0 {
        chain.push(id, GFP_KERNEL)?;
        id = build.object(id)?.fixed::<cr_img_seccomp>()?.prev;
    }
    chain.reverse();
    restore_chain(build, &chain).context(format_args!("seccomp filter"))
}

/// Gives the current thread these filters, the oldest first.
fn restore_chain(build: &Build<'_>, chain: &[u64]) -> Result {
    // Nobody else installs the same one meanwhile, or uses the scratch memory for it.
    let mut installed = build.installed_filters();
    let mut depth = chain.len();
    while depth > 0 {
        if let Some((task, at)) = installed.get(&chain[depth - 1]) {
            task.share_filters(*at)?;
            break;
        }
        depth -= 1;
    }
    for id in &chain[depth..] {
        install(build, &build.object(*id)?)?;
        depth += 1;
        installed.try_create_and_insert(*id, (TaskRef::current(), depth), GFP_KERNEL)?;
    }
    Ok(())
}

fn install(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    let filter: cr_img_seccomp = rec.fixed()?;
    let mut flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if filter.flags & CR_SECCOMP_LOG != 0 {
        flags |= SECCOMP_FILTER_FLAG_LOG;
    }
    let program = build.filter_scratch(FPROG_LEN, rec.variable::<cr_img_seccomp>())?;
    let fprog = [u64::from(filter.nr_insns), program];
    let fprog = build.filter_scratch(0, fprog.as_bytes())?;
    build.syscall(SYS_SECCOMP, [SECCOMP_SET_MODE_FILTER, flags, fprog])?;
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! NUMA memory policies.

use core::mem::size_of;

use super::{memory, Placed, Rec, Result, State, USER_END};
use crate::uapi::*;

/// `MPOL_*` and `MPOL_F_*` of `include/uapi/linux/mempolicy.h`.
const MPOL_PREFERRED: u32 = 1;
const MPOL_BIND: u32 = 2;
const MPOL_INTERLEAVE: u32 = 3;
const MPOL_LOCAL: u32 = 4;
const MPOL_PREFERRED_MANY: u32 = 5;
const MPOL_WEIGHTED_INTERLEAVE: u32 = 6;
const MPOL_F_NUMA_BALANCING: u32 = 1 << 13;
const MPOL_F_RELATIVE_NODES: u32 = 1 << 14;
const MPOL_F_STATIC_NODES: u32 = 1 << 15;

/// Nodes that there may be.
const NODES: u32 = CR_MAX_NODE_WORDS * u64::BITS;
/// Most pages that a node gets in turn, by its weight.
const WEIGHT_MAX: u32 = 255;

/// A NUMA memory policy.
pub(super) fn policy(rec: &Rec<'_>) -> Result {
    let policy: cr_img_policy = rec.fixed()?;
    let words = policy.nr_words;
    rec.require_elements::<cr_img_policy, u64>(u64::from(words).saturating_mul(2))?;
    let sets = rec.array::<u64>(size_of::<cr_img_policy>());
    let (asked, nodes) = (sets.clone().first(words), sets.skip(words as usize));
    let both = || asked.clone().zip(nodes.clone());
    rec.require(
        both().last() != Some((0, 0)),
        "sets of nodes that end in nothing",
    )?;

    let whose = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
    let is_many = matches!(policy.mode, MPOL_BIND | MPOL_PREFERRED_MANY);
    let flags = match policy.mode {
        MPOL_LOCAL => 0,
        MPOL_BIND | MPOL_PREFERRED_MANY => whose | MPOL_F_NUMA_BALANCING,
        MPOL_PREFERRED | MPOL_INTERLEAVE | MPOL_WEIGHTED_INTERLEAVE => whose,
        _ => return Err(rec.error("unknown NUMA policy")),
    };
    rec.require(
        policy.flags & !flags == 0 && policy.flags & whose != whose,
        "flags that its mode does not have",
    )?;
    rec.require(
        policy.home_node == 0 || (is_many && policy.home_node <= NODES),
        "impossible home node",
    )?;
    let counts = both().fold((0u32, 0u32), |(a, n), (asked, nodes)| {
        let count = |before: u32, word: u64| before.saturating_add(word.count_ones());
        (count(a, asked), count(n, nodes))
    });
    rec.require(
        match (policy.mode, counts) {
            (MPOL_LOCAL, counts) => counts == (0, 0),
            (MPOL_PREFERRED, (asked, nodes)) => asked > 0 && nodes == 1,
            (_, (asked, nodes)) => asked > 0 && nodes > 0,
        },
        "another number of nodes than its mode has",
    )?;
    rec.require(
        match policy.flags & whose {
            0 => both().all(|(asked, nodes)| asked == nodes),
            MPOL_F_STATIC_NODES => both().all(|(asked, nodes)| nodes & !asked == 0),
            _ => true,
        },
        "nodes that were not asked for",
    )
}

/// The policies of the parts of an object, which is returned.
pub(super) fn shared(state: &State<'_>, rec: Placed<'_>) -> Result<u64> {
    let shared: cr_img_shared_policy = rec.fixed()?;
    let none = "no object that has policies";
    let Some(object) = state.find_placed(shared.object) else {
        return Err(rec.error(none));
    };
    let possible = match object.tag {
        CR_TAG_SHMEM => {
            let object = state.refers::<cr_img_shmem>(rec, shared.object, none)?;
            object.fixed::<cr_img_shmem>()?.flags & CR_SHMEM_HUGETLB == 0
        }
        _ => {
            let object = state.refers::<cr_img_inode>(rec, shared.object, none)?;
            matches!(
                object.fixed::<cr_img_inode>()?.kind,
                CR_INODE_MEMFD | CR_INODE_REMOVED | CR_INODE_TMPFILE
            )
        }
    };
    rec.require(possible, none)?;
    rec.require(shared.reserved == 0, "a reserved member is not zero")?;
    rec.require(shared.nr_runs > 0, "no policy")?;
    rec.require_elements::<cr_img_shared_policy, cr_img_policy_run>(u64::from(shared.nr_runs))?;
    let runs = rec.array::<cr_img_policy_run>(size_of::<cr_img_shared_policy>());
    for run in runs.clone() {
        state.refers::<cr_img_policy>(rec, run.policy, "no NUMA policy")?;
    }
    memory::ascending_offsets(state, &rec, runs.map(place), |run| {
        let length = run.end.saturating_sub(run.start);
        rec.require(
            length <= USER_END && run.end < 1 << 63,
            "more than can be mapped",
        )
    })?;
    Ok(shared.object)
}

fn place(run: cr_img_policy_run) -> cr_img_run {
    let cr_img_policy_run {
        start, nr_pages, ..
    } = run;
    cr_img_run { start, nr_pages }
}

/// The NUMA memory policy of a thread, and how far it is.
pub(super) fn policy_of_task(state: &State<'_>, rec: Placed<'_>, sched: &cr_img_sched) -> Result {
    let mut interleaves = false;
    if sched.policy != 0 {
        let policy = state
            .refers::<cr_img_policy>(rec, sched.policy, "no NUMA policy")?
            .fixed::<cr_img_policy>()?;
        rec.require(policy.home_node == 0, "a home node, which is of mappings")?;
        interleaves = matches!(policy.mode, MPOL_INTERLEAVE | MPOL_WEIGHTED_INTERLEAVE);
    }
    let last = (sched.last_node, sched.last_weight);
    rec.require(
        match interleaves {
            true => sched.last_node < NODES && sched.last_weight <= WEIGHT_MAX,
            false => last == (0, 0),
        },
        "impossible place of a NUMA policy",
    )
}

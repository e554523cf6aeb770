// SPDX-License-Identifier: GPL-2.0

//! Maps of bpf(2).

use super::{sockets, Placed, Rec, Result, State};
use crate::{record, uapi::*};

const HASH: u32 = 1;
const ARRAY: u32 = 2;
const PERCPU_HASH: u32 = 5;
const PERCPU_ARRAY: u32 = 6;
const LPM_TRIE: u32 = 11;
const QUEUE: u32 = 22;
const STACK: u32 = 23;

/// Flags of BPF_MAP_CREATE. The first two are the open file's.
const RDONLY: u32 = 0x8;
const WRONLY: u32 = 0x10;
const NO_PREALLOC: u32 = 0x1;
const NUMA_NODE: u32 = 0x4;
const ZERO_SEED: u32 = 0x40;
const RDONLY_PROG: u32 = 0x80;
const WRONLY_PROG: u32 = 0x100;
const MMAPABLE: u32 = 0x400;
const INNER_MAP: u32 = 0x1000;
/// Those that such maps can have; which ones go together, the kernel knows.
const FLAGS: u32 = RDONLY
    | WRONLY
    | NO_PREALLOC
    | NUMA_NODE
    | ZERO_SEED
    | RDONLY_PROG
    | WRONLY_PROG
    | MMAPABLE
    | INNER_MAP;

pub(super) fn map(rec: &Rec<'_>) -> Result {
    let map: cr_img_bpf_map = rec.fixed()?;
    rec.require(
        matches!(
            map.type_,
            HASH | ARRAY | PERCPU_HASH | PERCPU_ARRAY | LPM_TRIE | QUEUE | STACK
        ),
        "unknown type of map",
    )?;
    rec.require(map.reserved == 0, "a reserved member is not zero")?;
    rec.require(
        map.map_flags & !FLAGS == 0
            && map.map_flags & (RDONLY | WRONLY) != RDONLY | WRONLY
            && map.flags & !CR_BPF_MAP_FROZEN == 0,
        "unknown flags",
    )?;
    rec.require(
        map.map_flags & NUMA_NODE != 0 || map.numa_node == 0,
        "a node that it is not on",
    )?;
    rec.require(record::is_nul_padded(&map.name), "not a name")?;
    let is_line = matches!(map.type_, QUEUE | STACK);
    rec.require(
        (map.key_size == 0) == is_line && map.value_size > 0 && map.max_entries > 0,
        "impossible sizes",
    )?;
    let is_percpu = matches!(map.type_, PERCPU_HASH | PERCPU_ARRAY);
    rec.require(
        (map.nr_cpus != 0) == is_percpu,
        "values for processors that there are none for",
    )?;
    let is_array = matches!(map.type_, ARRAY | PERCPU_ARRAY);
    rec.require(
        match is_array {
            true => map.nr == map.max_entries && map.key_size == 4,
            false => map.nr <= map.max_entries,
        },
        "impossible number of elements",
    )?;
    let value = u64::from(map.value_size);
    let values = match is_percpu {
        true => value
            .next_multiple_of(8)
            .saturating_mul(u64::from(map.nr_cpus)),
        false => value,
    };
    let element = values.saturating_add(u64::from(map.key_size));
    rec.require_elements::<cr_img_bpf_map, u8>(element.saturating_mul(u64::from(map.nr)))
}

pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_bpf_map>(rec, file.target, "no BPF map behind it")?;
    sockets::nothing_else(&rec, file)
}

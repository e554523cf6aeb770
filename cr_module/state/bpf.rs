// SPDX-License-Identifier: GPL-2.0

//! Maps of bpf(2) that are open files: arrays, hash tables, tries, queues and stacks.
//!
//! Refused: maps of other types, with types of their own (BTF), that others have as well, be that
//! another open file, a program, or a name in a file system; mappings, as those of devices; programs,
//! links and all else that bpf(2) makes.

use crate::{
    report::{fail, words_for, Context, Result},
    save::Save,
};
use cr_codec::{check::Rec, uapi::*, Record};
use cr_sys::{bpf::*, errno::EOPNOTSUPP, file::FileRef, vec};
use kernel::prelude::*;

const REFUSED: &[(u32, &str)] = &[
    (
        CR_BPF_X_TYPE,
        "is none of an array, a hash table, a trie, a queue, a stack",
    ),
    (
        CR_BPF_X_BTF,
        "has types of its own (BTF), or other maps in it",
    ),
    (
        CR_BPF_X_USED,
        "is used by a program, has a name, or is open more than once",
    ),
];

/// Saves a map, and returns its id.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    let (mut map, unsupported) = file.read_bpf_map();
    if let Some(why) = words_for(REFUSED, unsupported) {
        fail!(EOPNOTSUPP(), "{why}, which is not supported yet");
    }
    let (length, _) = file.read_bpf_elements(&mut [])?;
    let whole = size_of::<cr_img_bpf_map>().saturating_add(length);
    if !cr_img_bpf_map::KIND.length_fits(whole as u64) {
        fail!(
            EOPNOTSUPP(),
            "has more elements than an image has room for, which is not supported yet"
        );
    }
    let mut elements = vec::zeroed(length, GFP_KERNEL)?;
    let (again, nr) = file.read_bpf_elements(&mut elements)?;
    if again != length {
        return Err(EAGAIN.into());
    }
    map.nr = nr;
    let id = save.objects.add_private()?;
    save.object(id, &map, &[&elements])?;
    Ok(id)
}

/// Makes a map with its elements.
pub(crate) fn restore(rec: &Rec<'_>) -> Result<FileRef> {
    let map: cr_img_bpf_map = rec.fixed()?;
    match FileRef::make_bpf_map(&map, rec.variable::<cr_img_bpf_map>()) {
        Err(error) if error == ERANGE => fail!(
            EOPNOTSUPP(),
            "a BPF map has values for {} processors, another number than this machine may have",
            map.nr_cpus
        ),
        Err(error) if error == EPERM => fail!(EPERM, "a BPF map, which needs CAP_BPF"),
        result => result.context(format_args!("a BPF map")),
    }
}

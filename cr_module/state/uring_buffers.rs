// SPDX-License-Identifier: GPL-2.0

//! Buffers that programs have provided to io_uring instances: groups with a ring, in their own memory or
//! in that of the kernel, up to where it is used; and groups without one.
//!
//! A ring in memory of the kernel is made together with its instance, since processes map it. The other
//! groups are made by the task that is charged for the instance, when it has its memory.
//!
//! Refused: rings in other memory than that task has there by now.

use crate::{
    build::Build,
    files::Files,
    image::places_of,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::uring_table::{self, Opened},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, file::FileRef};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// Saves the groups of all instances.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    save.for_each_ring(save_of)
}

fn save_of(save: &mut Save<'_>, ring: &FileRef, id: u64) -> Result {
    let mm = uring_table::charged(save, ring)?;
    let mut from = 0;
    loop {
        let found = match ring.uring_group(from, &mm) {
            Err(error) if error == EXDEV => fail!(
                EOPNOTSUPP(),
                "a ring of provided buffers whose memory was unmapped or changed since, or is another \
                 process', is not supported yet: register it again"
            ),
            result => result?,
        };
        let Some((mut group, buffers)) = found else {
            return Ok(());
        };
        from = group.group + 1;
        group.ring = id;
        if group.addr != 0 {
            group.mm = save.objects.find(Kind::Mm, mm.identity()).ok_or(EINVAL)?;
        }
        save.record(&group, &[buffers.as_bytes()])?;
    }
}

/// What follows the record of a group.
fn buffers_of(rec: &Rec<'_>) -> Result<KVVec<cr_img_uring_buffer>> {
    let group: cr_img_uring_group = rec.fixed()?;
    let mut buffers = KVVec::with_capacity(group.nr as usize, GFP_KERNEL)?;
    for buffer in rec.array::<cr_img_uring_buffer>(size_of::<cr_img_uring_group>()) {
        buffers.push(buffer, GFP_KERNEL)?;
    }
    Ok(buffers)
}

/// Makes a group whose ring is memory of the kernel, with an instance that the caller has made.
pub(crate) fn make(files: &Files<'_>, rec: &Rec<'_>) -> Result {
    let group: cr_img_uring_group = rec.fixed()?;
    if group.flags & CR_URING_GROUP_MAPPED == 0 {
        return Ok(());
    }
    let ring = files.made(group.ring)?;
    ring.make_uring_group(&group, &buffers_of(rec)?)
        .context(format_args!("a ring of provided buffers of io_uring"))
}

const REGISTER_PBUF_RING: u64 = 22;

/// struct io_uring_buf_reg
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Register {
    addr: u64,
    places: u32,
    group: u16,
    flags: u16,
    min_left: u32,
    reserved: [u32; 5],
}

/// Makes the other groups of an instance that the current task is charged for.
pub(crate) fn restore(build: &Build<'_>, id: u64, ring: &FileRef) -> Result {
    let mut groups = places_of(&build.plan.uring_groups, id).peekable();
    if groups.peek().is_none() {
        return Ok(());
    }
    let _spare = build.spare_descriptors();
    let opened = Opened::new(build, ring)?;
    for at in groups {
        let rec = build.record(at);
        let group: cr_img_uring_group = rec.fixed()?;
        match group.flags {
            CR_URING_GROUP_LIST => ring
                .provide_uring_buffers(opened.fd() as u32, group.group, &buffers_of(&rec)?)
                .context(format_args!("providing buffers"))?,
            flags if flags & CR_URING_GROUP_MAPPED == 0 => register(build, &opened, ring, &group)?,
            _ => {}
        }
    }
    Ok(())
}

fn register(
    build: &Build<'_>,
    opened: &Opened<'_>,
    ring: &FileRef,
    group: &cr_img_uring_group,
) -> Result {
    if group.mm != build.process.process.mm {
        fail!(EINVAL, "a ring of provided buffers is in other memory");
    }
    let arg = Register {
        addr: group.addr,
        places: group.nr_places,
        group: group.group as u16,
        flags: group.flags as u16,
        min_left: group.min_left,
        reserved: [0; 5],
    };
    opened
        .register(REGISTER_PBUF_RING, arg.as_bytes(), 1)
        .context(format_args!("registering a ring of provided buffers"))?;
    Ok(ring.continue_uring_group(group)?)
}

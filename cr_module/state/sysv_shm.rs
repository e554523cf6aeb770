// SPDX-License-Identifier: GPL-2.0

//! System V shared memory.
//!
//! Behind a segment there is an object of the kernel's own tmpfs, as behind shared anonymous memory:
//! it is saved as that is, once, and filled before there is any process. The container's init makes
//! the segments, which take these objects over, and attaches each for a moment: the open file that
//! this makes is what processes map, wherever they had attached it, in whole or in part.

use crate::{
    build::Build,
    objects::Kind as Object,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::{hugetlb, ipc, shmem},
};
use cr_codec::uapi::*;
use cr_sys::{
    errno::EOPNOTSUPP,
    file::FileRef,
    pid_ns::PidNs,
    sysv::{self, Ipc, Kind},
};
use kernel::prelude::*;

/// A segment that has been saved.
pub(crate) struct Segment {
    id: i32,
    object: u64,
    /// How many mappings there are of it, and how many of them have been met.
    attached: u64,
    met: u64,
}

/// Saves all segments.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let segments = Ipc::of(&save.init)?;
    let mut at = 0;
    while let Some((mut record, info)) = segments.next_segment(save.container.ns(), &mut at)? {
        let id = record.perm.id;
        if info.locked {
            fail!(
                EOPNOTSUPP(),
                "System V shared memory {id} is locked (SHM_LOCK), which is not supported yet"
            );
        }
        record.object = shmem::save_segment(save, &info.file)?;
        save.record(&record, &[])?;
        let segment = Segment {
            id,
            object: record.object,
            attached: info.attached,
            met: 0,
        };
        save.segments.push(segment, GFP_KERNEL)?;
    }
    Ok(())
}

/// The object behind a mapping of a segment.
pub(crate) fn object_of(save: &mut Save<'_>, inode: u64) -> Result<u64> {
    let Some(object) = save.objects.find(Object::Shmem, inode) else {
        fail!(
            EOPNOTSUPP(),
            "System V shared memory of another IPC namespace is not supported yet"
        );
    };
    let mut segments = save.segments.iter_mut();
    if let Some(segment) = segments.find(|segment| segment.object == object) {
        segment.met += 1;
    }
    Ok(object)
}

/// Refuses segments that somebody outside of the container has attached.
pub(crate) fn check_contained(save: &Save<'_>) -> Result {
    for segment in &save.segments {
        if segment.attached > segment.met {
            fail!(
                EBUSY,
                "System V shared memory {} is also attached outside of the container",
                segment.id
            );
        }
    }
    Ok(())
}

/// What processes map: the object, and open files to write to it, and to read only.
pub(crate) type Attachable = (u64, [FileRef; 2]);

const SYS_SHMGET: u32 = 29;
const SYS_SHMAT: u32 = 30;
const SYS_SHMDT: u32 = 67;
const SHM_RDONLY: u64 = 0o10000;
const SHM_NORESERVE: u64 = 0o10000;

/// Makes all segments, in the container's init.
pub(crate) fn restore(build: &Build<'_>) -> Result {
    for (_, rec) in build.plan.records.tagged(CR_TAG_SHM) {
        let mut segment: cr_img_shm = rec.fixed()?;
        let id = segment.perm.id;
        // What goes with its last mapping has lost its key.
        if segment.flags & CR_SHM_DEST != 0 {
            segment.perm.key = 0;
        }
        let memory: cr_img_shmem = build.object(segment.object)?.fixed()?;
        let pages = hugetlb::segment_flags(&memory);
        ipc::create(&segment.perm, Kind::Shm, |key, flags| {
            // It has memory, which is accounted for.
            build.syscall(
                SYS_SHMGET,
                [key, segment.size, flags | pages | SHM_NORESERVE],
            )
        })
        .and_then(|()| Ok(sysv::adopt_segment(&segment, build.file(segment.object)?)?))
        .context(format_args!("System V shared memory {id}"))?;
        let files = [attach(build, id, 0)?, attach(build, id, SHM_RDONLY)?];
        build.plan.add_segment((segment.object, files))?;
    }
    Ok(())
}

/// Attaches a segment for a moment, and returns the open file.
fn attach(build: &Build<'_>, id: i32, flags: u64) -> Result<FileRef> {
    let place = build
        .syscall(SYS_SHMAT, [id as u64, 0, flags])
        .context(format_args!("attaching System V shared memory {id}"))? as u64;
    let file = sysv::file_at(place)?;
    build.syscall(SYS_SHMDT, [place, 0, 0])?;
    Ok(file)
}

/// Gives all segments what only the kernel can.
pub(crate) fn finish(plan: &Plan, ipc: &Ipc, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_SHM) {
        let segment: cr_img_shm = rec.fixed()?;
        let maker = ns.pid_or_number(segment.cpid)?;
        let user = ns.pid_or_number(segment.lpid)?;
        let creator = match segment.creator {
            0 => None,
            tid => Some(ns.find_task(tid).ok_or(ESRCH)?),
        };
        ipc.finish_segment(&segment, maker.as_ref(), user.as_ref(), creator.as_ref())
            .context(format_args!(
                "owner of System V shared memory {}",
                segment.perm.id
            ))?;
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Contexts of asynchronous I/O: io_setup(2).
//!
//! The name of a context is the address of its ring, a mapping in the process. A restart sets up a new
//! one, moves its ring to that address, and fills in the events that nobody has fetched.
//!
//! Requests in progress are waited for: the container stands still, so that no more come. Those that do
//! not end by themselves (IOCB_CMD_POLL, reads of an empty pipe) are refused.

use crate::{
    build::Build,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::mm::PROTECTION,
};
use cr_codec::uapi::*;
use cr_sys::{
    aio, build as sys,
    errno::EOPNOTSUPP,
    file::FileRef,
    misc,
    mm::{Mm, Vma, PAGE_SIZE},
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// How long requests may take, ns: what disks take at most.
const PATIENCE_NS: u64 = 2_000_000_000;

/// Saves the context whose ring a mapping shows.
pub(crate) fn save(save: &mut Save<'_>, mm: &Mm, vma: &Vma, ring: &FileRef) -> Result<u64> {
    let begin = misc::monotonic_ns();
    let (aio, events) = loop {
        match mm.read_aio(vma.start) {
            Err(error) if error == EBUSY && misc::monotonic_ns() - begin < PATIENCE_NS => {
                misc::nap(500);
            }
            Err(error) if error == EBUSY => fail!(
                EOPNOTSUPP(),
                "asynchronous I/O (io_submit) is still in progress, which is not supported yet"
            ),
            Err(error) if error == ENOENT => return part(),
            result => break result?,
        }
    };
    let length = u64::from(aio.nr_pages) * PAGE_SIZE as u64;
    if vma.pgoff != 0 || vma.end - vma.start != length {
        return part();
    }
    let id = save.objects.add(Kind::Aio, ring.identity())?;
    save.object(id, &aio, &[events.as_bytes()])?;
    Ok(id)
}

fn part<T>() -> Result<T> {
    fail!(
        EOPNOTSUPP(),
        "shows a part of the ring of an asynchronous I/O context (io_setup), which is not supported \
         yet"
    )
}

/// Refuses contexts whose rings were not found among the mappings.
pub(crate) fn check(mm: &Mm, vmas: &[cr_img_vma]) -> Result {
    let rings = vmas.iter().filter(|vma| vma.kind == CR_VMA_AIO);
    if mm.aio_contexts() as usize != rings.count() {
        fail!(
            EOPNOTSUPP(),
            "an asynchronous I/O context (io_setup) whose ring was unmapped is not supported yet"
        );
    }
    Ok(())
}

const SYS_MPROTECT: u32 = 10;
const SYS_MREMAP: u32 = 25;
const SYS_IO_SETUP: u32 = 206;

const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
const MAP_PRIVATE_ANONYMOUS: u32 = 0x22;

/// Sets up the context whose ring the current process is to have there.
pub(crate) fn restore(build: &Build<'_>, vma: &cr_img_vma) -> Result {
    let rec = build.object(vma.object)?;
    let record: cr_img_aio = rec.fixed()?;
    let mut events = KVVec::new();
    for event in rec.array::<cr_img_aio_event>(size_of::<cr_img_aio>()) {
        events.push(event, GFP_KERNEL)?;
    }
    let length = vma.end - vma.start;
    // So that the kernel does not choose a place that overlaps this one.
    sys::map(None, vma.start, length, 0, MAP_PRIVATE_ANONYMOUS, 0)?;
    let mut name = [0; 8];
    let at = build.scratch(0, &name)?;
    match build.syscall(SYS_IO_SETUP, [u64::from(record.max_requests), at, 0]) {
        Err(failure) if failure.errno() == EAGAIN => fail!(
            EAGAIN,
            "more asynchronous I/O than the system allows: see fs.aio-max-nr"
        ),
        result => result.context(format_args!("io_setup"))?,
    };
    sys::read_user(at, &mut name)?;
    let made = u64::from_ne_bytes(name);
    let how = MREMAP_MAYMOVE | MREMAP_FIXED;
    match aio::fill(made, &record, &events) {
        Err(error) if error == ERANGE => fail!(
            EOPNOTSUPP(),
            "the ring of an asynchronous I/O context (io_setup) has another size on a machine with \
             so many processors"
        ),
        result => result?,
    }
    build
        .syscall6(SYS_MREMAP, [made, length, length, how, vma.start, 0])
        .context(format_args!(
            "moving the ring of an asynchronous I/O context"
        ))?;
    let prot = vma.flags & PROTECTION;
    if prot != CR_VMA_READ | CR_VMA_WRITE {
        build
            .syscall(SYS_MPROTECT, [vma.start, length, u64::from(prot)])
            .context(format_args!("mprotect"))?;
    }
    Ok(())
}

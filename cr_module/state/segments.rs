// SPDX-License-Identifier: GPL-2.0

//! Segments that programs have made: in the local descriptor table of a process (modify_ldt(2)), and
//! three of each thread in the global one (set_thread_area(2)).
//!
//! Which of them a thread uses is in its registers: see [`regs`](crate::state::regs).

use crate::{
    build::Build,
    report::{fail, Context, Result},
    save::Save,
    tree::Thread,
};
use cr_codec::{check::Rec, segment::user_desc, uapi::*};
use cr_sys::{mm::Mm, segments, task::TaskRef};
use kernel::{error::Error, prelude::*};
use zerocopy::IntoBytes;

const SYS_MODIFY_LDT: u32 = 154;
const WRITE_LDT: u64 = 0x11;

/// Saves the local descriptor table of a memory descriptor that has one.
pub(crate) fn save_ldt(save: &mut Save<'_>, id: u64, mm: &Mm) -> Result {
    let entries = mm.ldt()?;
    if entries.is_empty() {
        return Ok(());
    }
    let record = cr_img_ldt {
        mm: id,
        nr: entries.len() as u32,
        reserved: 0,
    };
    save.record(&record, &[entries.as_bytes()])
}

/// Gives it to the current process, whose children are there already: they would inherit it.
pub(crate) fn restore_ldt(build: &Build<'_>) -> Result {
    // One that is empty cannot be taken away either.
    if !Mm::current().ok_or(ESRCH)?.ldt()?.is_empty() {
        fail!(
            EPERM,
            "the caller has a local descriptor table (modify_ldt), which the container would inherit"
        );
    }
    let Some(at) = build.process.ldt else {
        return Ok(());
    };
    let rec = build.record(at);
    let last = rec.fixed::<cr_img_ldt>()?.nr - 1;
    for (entry, descriptor) in (0..).zip(rec.array::<u64>(size_of::<cr_img_ldt>())) {
        // The last one makes it as long as it was.
        if descriptor != 0 || entry == last {
            write_ldt(build, entry, descriptor).context(format_args!(
                "entry {entry} of the local descriptor table (modify_ldt)"
            ))?;
        }
    }
    Ok(())
}

fn write_ldt(build: &Build<'_>, entry: u32, descriptor: u64) -> Result {
    let desc = user_desc(entry, descriptor);
    let addr = build.scratch(0, desc.as_bytes())?;
    let length = size_of_val(&desc) as u64;
    // It returns 32 bits, also of an error.
    match build.syscall(SYS_MODIFY_LDT, [WRITE_LDT, addr, length])? as i32 {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno).into()),
    }
}

/// Saves the segments in the global descriptor table of a thread that has any.
pub(crate) fn save_tls(save: &mut Save<'_>, thread: &Thread) -> Result {
    let tls = thread.task.tls();
    match tls.descriptor == [0; CR_NR_TLS as usize] {
        true => Ok(()),
        false => save.record(&tls, &[]),
    }
}

/// Gives them to the current thread, or takes those that it has from the caller.
pub(crate) fn restore_tls(build: &Build<'_>, tls: Option<Rec<'_>>) -> Result {
    let wanted: cr_img_tls = match tls {
        Some(rec) => rec.fixed()?,
        None => cr_img_tls::default(),
    };
    let has = TaskRef::current().tls();
    let both = wanted.descriptor.into_iter().zip(has.descriptor);
    for (entry, (descriptor, has)) in (0..).zip(both) {
        if descriptor != has {
            let addr = build.scratch(0, user_desc(entry, descriptor).as_bytes())?;
            segments::set_tls(entry, addr)
                .context(format_args!("TLS segment {entry} (set_thread_area)"))?;
        }
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! General and extended registers, in the form that ptrace(2) has.

use crate::{checkpoint::Save, report::Result, tree::Thread};
use cr_codec::{record::Xstate, uapi::*};
use cr_sys::{regs, task::TaskRef};

/// Places in `cr_img_regs`, of the result and of the number of a system call.
pub(crate) const REG_AX: usize = 10;
pub(crate) const REG_ORIG_AX: usize = 15;

/// Saves both sets of a thread that stands still.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread, general: &cr_img_regs) -> Result {
    save.record(general, &[])?;
    let mut xstate = core::mem::take(&mut save.xstate);
    let result = save_extended(save, thread, &mut xstate);
    save.xstate = xstate;
    result
}

fn save_extended(save: &mut Save<'_>, thread: &Thread, xstate: &mut [u8]) -> Result {
    thread.task.read_xstate(xstate)?;
    save.note_xfeatures(regs::xfeatures(xstate));
    save.record(&Xstate {}, &[xstate])
}

/// Sets both sets of a parked thread.
pub(crate) fn restore(task: &TaskRef, general: &cr_img_regs, xstate: &[u8]) -> Result {
    task.write_regs(general)?;
    task.write_xstate(xstate)?;
    Ok(())
}

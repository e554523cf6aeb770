// SPDX-License-Identifier: GPL-2.0

//! Debug registers: hardware breakpoints, which a debugger gives a thread by PTRACE_POKEUSER, and
//! which the thread has until it executes another program.

use crate::{report::Result, save::Save, tree::Thread};
use cr_codec::uapi::*;
use cr_sys::task::TaskRef;
use zerocopy::IntoBytes;

/// Saves the debug registers of a thread that has any.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result {
    let registers = thread.task.read_debugregs();
    match registers.as_bytes() == cr_img_debugregs::default().as_bytes() {
        true => Ok(()),
        false => save.record(&registers, &[]),
    }
}

/// Gives them to a parked thread.
pub(crate) fn restore(task: &TaskRef, registers: &cr_img_debugregs) -> Result {
    Ok(task.write_debugregs(registers)?)
}

// SPDX-License-Identifier: GPL-2.0

//! General and extended registers, in the form that ptrace(2) has.

use crate::{
    report::{fail, Result},
    save::Save,
    tree::Thread,
};
use cr_codec::{check::Rec, record::MAX_XSTATE, uapi::*, xstate};
use cr_sys::{errno::EOPNOTSUPP, regs, task::TaskRef, vec};
use kernel::prelude::*;

/// Places in `cr_img_regs`, of the result of a system call, and of the instruction.
pub(crate) const REG_AX: usize = 10;
pub(crate) const REG_IP: usize = 16;

/// Saves both sets of a thread that stands still.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread, general: &cr_img_regs) -> Result {
    save.record(general, &[])?;
    let mut area = core::mem::take(&mut save.xstate);
    let result = save_extended(save, thread, &mut area);
    save.xstate = area;
    result
}

fn save_extended(save: &mut Save<'_>, thread: &Thread, area: &mut [u8]) -> Result {
    thread.task.read_xstate(&mut area[..regs::xstate_size()])?;
    save.note_xfeatures(regs::xfeatures(area));
    let (xstate, blocks) = xstate::pack(area);
    save.record(&xstate, &[blocks])
}

/// Room for the extended registers of one thread.
pub(crate) fn buffer() -> Result<KVVec<u8>> {
    let size = regs::xstate_size();
    if size > MAX_XSTATE as usize {
        fail!(
            EOPNOTSUPP(),
            "this processor has {size} bytes of extended registers, which is not supported yet"
        );
    }
    Ok(vec::zeroed(xstate::buffer_len(size), GFP_KERNEL)?)
}

/// Sets both sets of a parked thread. `area` is what [`buffer`] has made, with any contents.
pub(crate) fn restore(
    task: &TaskRef,
    general: &cr_img_regs,
    extended: &Rec<'_>,
    area: &mut [u8],
) -> Result {
    xstate::unpack(extended, area)?;
    task.write_regs(general)?;
    task.write_xstate(&area[..regs::xstate_size()])?;
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Job control: processes that a signal has stopped. What is saved of them is read with the process
//! and its threads ([`task`](crate::state::task)).
//!
//! A stopped thread waits in the kernel, on its way to user mode, and its registers say nothing about
//! that. Another stop signal would stop it again, but its parent would be told so. So a thread that is
//! restarted finds the process stopped already, and joins it the way a thread does that is created
//! during the stop. Those who were still to stop at the moment of the checkpoint complete the stop,
//! and tell the parent.

use cr_codec::uapi::*;
use cr_sys::task::TaskRef;

/// Whether a process has stopped, or is about to.
pub(crate) fn is_in_stop(process: &cr_img_process) -> bool {
    process.stop_signal != 0
}

/// Whether a thread has stopped, so that nobody is to see it before it has again.
pub(crate) fn has_stopped(process: &cr_img_process, thread: &cr_img_thread) -> bool {
    is_in_stop(process) && thread.flags & CR_THREAD_STOPPING == 0
}

/// Puts a process, all of whose threads are parked, into the stop that it was in.
pub(crate) fn restore(leader: &TaskRef, process: &cr_img_process) {
    let has = |flag| process.flags & flag != 0;
    let (complete, waited) = (has(CR_PROCESS_STOPPED), has(CR_PROCESS_STOP_WAITED));
    leader.set_stop(process.stop_signal, complete, waited);
}

/// Lets a parked thread stop before it returns to user mode. What one does that is traced is up to its
/// tracer.
pub(crate) fn restore_thread(
    task: &TaskRef,
    process: &cr_img_process,
    thread: &cr_img_thread,
    is_traced: bool,
) {
    match is_traced {
        true => task.note_stop(process.stop_signal),
        false => task.join_stop(process.stop_signal, !has_stopped(process, thread)),
    }
}

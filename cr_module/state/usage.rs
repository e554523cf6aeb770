// SPDX-License-Identifier: GPL-2.0

//! What tasks have used and when they have started: CPU times, context switches, page faults, input
//! and output, memory. They go on from what they were, so that clocks of CPU time, timers and limits
//! by them, and what a parent is told at the end, are as if nothing had happened.
//!
//! Each thread sets its own, as late as it can, so that little of the restart is among it: before
//! the timers of its process are armed, which go by the sums.

use crate::{build::Build, report::Result, save::Save, tree::Thread};
use cr_codec::uapi::*;
use cr_sys::{build as sys, task::TaskRef};

/// Adds what a thread has used to its record.
pub(crate) fn save_thread(save: &Save<'_>, thread: &Thread, record: &mut cr_img_thread) {
    thread.task.read_usage(&save.init, record);
}

/// Adds what belongs to a process as a whole to its record.
pub(crate) fn save_process(leader: &Thread, record: &mut cr_img_process) {
    leader.task.read_process_usage(record);
}

/// Sets what the current thread has used.
pub(crate) fn restore_thread(thread: &cr_img_thread) {
    sys::set_usage(thread);
}

/// Sets what a thread has used that has died: its death is not among it. False until it has left its
/// CPU.
pub(crate) fn restore_dead(task: &TaskRef, thread: &cr_img_thread) -> bool {
    task.set_remains(thread)
}

/// Sets what belongs to the current process as a whole.
pub(crate) fn restore_process(process: &cr_img_process) {
    sys::set_process_usage(process);
}

/// Sets how much memory the current process has had at most: it must not map any more.
pub(crate) fn restore_peaks(build: &Build<'_>, mm: u64) -> Result {
    sys::set_memory_peaks(&build.object(mm)?.fixed()?);
    Ok(())
}

// SPDX-License-Identifier: GPL-2.0

//! Tasks that others trace, and debug registers.
//!
//! C header: [`include/linux/ptrace.h`](srctree/include/linux/ptrace.h).

use crate::{bindings, pid_ns::PidNs, task::TaskRef};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

impl TaskRef {
    /// Who traces it, and how; the kind of its stop is left open.
    ///
    /// It stands still. Fails with EXDEV when the tracer is not in the namespace, with EPERM when
    /// that one had other rights when it has attached, with EBUSY when its process is being
    /// stopped or continued, with EUSERS when all signals wait for the thread.
    pub fn read_trace(&self, ns: &PidNs) -> Result<Option<cr_img_trace>> {
        let mut out = cr_img_trace::default();
        // SAFETY: Both are valid as long as their handles, `out` is valid for writes.
        to_result(unsafe { bindings::cr_shim_trace_read(self.as_ptr(), ns.as_ptr(), &mut out) })?;
        Ok((out.tracer != 0).then_some(out))
    }

    /// Lets `tracer` trace it. Both are parked, and it has all of its registers.
    pub fn set_trace(&self, tracer: &TaskRef, trace: &cr_img_trace) -> Result {
        // SAFETY: Both tasks are valid.
        to_result(unsafe { bindings::cr_shim_trace_link(self.as_ptr(), tracer.as_ptr(), trace) })?;
        // SAFETY: It is parked, so that nothing else changes its registers and flags.
        unsafe { bindings::cr_shim_trace_resume(self.as_ptr(), trace) };
        Ok(())
    }

    /// Its process has been stopped by this signal, which its tracer knows, or is going to. It is parked.
    pub fn note_stop(&self, signal: u32) {
        // SAFETY: The task is valid; the signal was checked.
        unsafe { bindings::cr_shim_trace_note_stop(self.as_ptr(), signal) }
    }

    /// Whether its tracer waits for the end of the system call that it is in.
    pub fn is_waited_for(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_trace_waits(self.as_ptr()) }
    }

    /// Lets it, which is parked and traced, stop for its tracer when it goes on.
    pub fn stop_for_tracer(&self, trace: &cr_img_trace) {
        // SAFETY: The task is valid; its signals are changed under their lock.
        unsafe { bindings::cr_shim_trace_stop(self.as_ptr(), trace) }
    }

    /// When it has done that: what its tracer is to see, and which signals it blocks. False as
    /// long as it has not.
    pub fn has_stopped_for_tracer(&self, trace: &cr_img_trace, blocked: u64) -> bool {
        // SAFETY: As for `stop_for_tracer`.
        unsafe { bindings::cr_shim_trace_stopped(self.as_ptr(), trace, blocked) }
    }

    /// Whether its process is not told about stops (SA_NOCLDSTOP). Returns whether it was.
    pub fn set_nocldstop(&self, set: bool) -> bool {
        // SAFETY: The task is valid; its signal actions are changed under their lock.
        unsafe { bindings::cr_shim_set_nocldstop(self.as_ptr(), set) }
    }

    /// All threads of its process are to stop at their exit: it exits with `code`, and maybe since it
    /// was `killed`.
    pub fn set_group_exit(&self, code: u32, killed: bool) {
        // SAFETY: The task is valid; its process is changed under the lock.
        unsafe { bindings::cr_shim_trace_group_exit(self.as_ptr(), code, killed) }
    }

    /// When its tracer has stopped it: a number that changes when it goes on.
    pub fn trace_stamp(&self) -> Option<usize> {
        // SAFETY: The task is valid; this may wait for it to be off its CPU, which is soon.
        match unsafe { bindings::cr_shim_trace_stamp(self.as_ptr()) } {
            0 => None,
            stamp => Some(stamp),
        }
    }

    /// Its debug registers. It stands still.
    pub fn read_debugregs(&self) -> cr_img_debugregs {
        let mut out = cr_img_debugregs::default();
        // SAFETY: The task is valid and stands still, so that its breakpoints stay.
        unsafe { bindings::cr_shim_debugregs_read(self.as_ptr(), &mut out) };
        out
    }

    /// Gives it, which is parked and has none, debug registers.
    pub fn write_debugregs(&self, registers: &cr_img_debugregs) -> Result {
        // SAFETY: The task is valid and parked, as one that ptrace(2) is used on.
        to_result(unsafe { bindings::cr_shim_debugregs_write(self.as_ptr(), registers) })
    }
}

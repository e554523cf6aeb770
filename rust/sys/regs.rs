// SPDX-License-Identifier: GPL-2.0

//! Registers, in the form that ptrace(2) and core dumps use.
//!
//! C header: [`include/linux/regset.h`](srctree/include/linux/regset.h).

use crate::{bindings, task::TaskRef};
use cr_codec::uapi::cr_img_regs;
use kernel::{error::to_result, prelude::*};

/// Bytes of extended state (FPU, SSE, AVX ...) of a thread.
pub fn xstate_size() -> usize {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_xstate_size() }
}

/// The XSAVE components that may be in use, from extended state: `xstate_fx_sw_bytes[0]`.
pub fn xfeatures(xstate: &[u8]) -> u64 {
    const SW_BYTES: usize = 464;
    match xstate.get(SW_BYTES..SW_BYTES + 8) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().unwrap_or([0; 8])),
        None => 0,
    }
}

/// The features of processors that programs can use, by the names in /proc/cpuinfo; and whether
/// this one has them.
pub fn cpu_features() -> impl Iterator<Item = (&'static [u8], bool)> {
    (0..).map_while(|n| {
        let mut has = false;
        // SAFETY: `has` is valid for writes.
        let name = unsafe { bindings::cr_shim_cpu_feature(n, &mut has) };
        if name.is_null() {
            return None;
        }
        // SAFETY: It is a constant of the module, and ends in a NUL.
        let name = unsafe { CStr::from_char_ptr(name) };
        Some((name.to_bytes(), has))
    })
}

impl TaskRef {
    /// General registers. The task stands still, or is the current one.
    pub fn read_regs(&self, out: &mut cr_img_regs) -> Result {
        // SAFETY: The task is valid, `out` is valid for writes.
        to_result(unsafe { bindings::cr_shim_regs_get(self.as_ptr(), out) })
    }

    /// Sets the general registers. The task is parked: see [`TaskRef::is_parked`].
    pub fn write_regs(&self, regs: &cr_img_regs) -> Result {
        // SAFETY: The task is valid and does not run; the regset checks every value.
        to_result(unsafe { bindings::cr_shim_regs_set(self.as_ptr(), regs) })
    }

    /// Makes a thread that is parked one of a 32-bit program: its system calls map memory below 4 GiB.
    pub fn set_compat(&self) {
        // SAFETY: The task is valid, and does nothing meanwhile.
        unsafe { bindings::cr_shim_compat_thread_set(self.as_ptr()) }
    }

    /// Extended state; `out` is [`xstate_size`] long. The task stands still, or is current.
    pub fn read_xstate(&self, out: &mut [u8]) -> Result {
        // SAFETY: The task is valid, `out` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_xstate_get(self.as_ptr(), out.as_mut_ptr().cast(), out.len())
        })
    }

    /// Sets the extended state. The task is parked.
    pub fn write_xstate(&self, xstate: &[u8]) -> Result {
        // SAFETY: The task is valid and does not run; the regset checks the header.
        to_result(unsafe {
            bindings::cr_shim_xstate_set(self.as_ptr(), xstate.as_ptr().cast(), xstate.len())
        })
    }
}

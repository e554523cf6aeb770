// SPDX-License-Identifier: GPL-2.0

//! Programs of classic BPF that sockets ask.
//!
//! C source: [`net/core/filter.c`](srctree/net/core/filter.c).

use crate::{bindings, inet::SockRef};
use kernel::{error::to_result, prelude::*};

impl SockRef {
    /// Whether it has a program that was attached by this option of setsockopt(2).
    pub fn has_program(&self, option: u32) -> bool {
        self.read_program(option, &mut []) != 0
    }

    /// The program that was attached by this option, of which as many instructions as fit are written:
    /// how many there are.
    pub fn read_program(&self, option: u32, insns: &mut [u64]) -> usize {
        let max = insns.len() as u32;
        // SAFETY: The socket is valid, `insns` is valid for writes of its length.
        let nr = unsafe {
            bindings::cr_shim_program_read(self.as_ptr(), option, insns.as_mut_ptr(), max)
        };
        nr as usize
    }

    /// Attaches a program by this option, by way of memory of the current task. Nobody else has the
    /// socket yet.
    pub fn attach_program(&self, option: u32, insns: &[u64]) -> Result {
        let nr = u16::try_from(insns.len()).map_err(|_| EINVAL)?;
        // SAFETY: The socket is valid, `insns` is valid for reads of its length.
        to_result(unsafe {
            bindings::cr_shim_program_attach(self.as_ptr(), option, insns.as_ptr(), nr)
        })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Buffers that are provided to io_uring instances, and what is mapped of instances.
//!
//! C source: [`io_uring/kbuf.c`](srctree/io_uring/kbuf.c).

use crate::{bindings, file::FileRef, mm::Mm, vec};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// A group of buffers, and what follows its record.
pub type Group = (cr_img_uring_group, KVVec<cr_img_uring_buffer>);

impl FileRef {
    /// The first group of buffers of an instance with that number or a higher one. Its tasks stand still.
    /// EXDEV: its ring is none of the memory that `mm` has now.
    pub fn uring_group(&self, from: u32, mm: &Mm) -> Result<Option<Group>> {
        let mut buffers = KVVec::new();
        loop {
            let mut out = cr_img_uring_group::default();
            // SAFETY: The file is a valid instance, whose lock the call takes, and the memory is valid;
            // `out` is valid for writes, `buffers` for as many as it has.
            let result = to_result(unsafe {
                bindings::cr_shim_uring_group(
                    self.as_ptr(),
                    from,
                    mm.as_ptr(),
                    &mut out,
                    buffers.as_mut_ptr(),
                    buffers.len() as u32,
                )
            });
            match result {
                Err(error) if error == ENOENT => return Ok(None),
                result => result?,
            }
            let nr = out.nr as usize;
            if nr <= buffers.len() {
                buffers.truncate(nr);
                return Ok(Some((out, buffers)));
            }
            buffers = vec::zeroed(nr, GFP_KERNEL)?;
        }
    }

    /// Continues a ring of buffers in the memory of the current task, which has registered it.
    pub fn continue_uring_group(&self, group: &cr_img_uring_group) -> Result {
        let none = cr_img_uring_group { nr: 0, ..*group };
        // SAFETY: The file is a valid instance, whose lock the call takes; no buffers are read.
        to_result(unsafe {
            bindings::cr_shim_uring_continue_group(self.as_ptr(), &none, core::ptr::null())
        })
    }

    /// Registers a ring of buffers in memory of the kernel with an instance that the current task has
    /// made. For a moment, it has a descriptor of the instance.
    pub fn make_uring_group(
        &self,
        group: &cr_img_uring_group,
        buffers: &[cr_img_uring_buffer],
    ) -> Result {
        if buffers.len() != group.nr as usize {
            return Err(EINVAL);
        }
        // SAFETY: The file is a valid instance, whose lock the call takes; `buffers` has as many as
        // `group` says.
        to_result(unsafe {
            bindings::cr_shim_uring_make_group(self.as_ptr(), group, buffers.as_ptr())
        })
    }

    /// Provides a new group of buffers without a ring to an instance, as the current task, which has it
    /// as that descriptor.
    pub fn provide_uring_buffers(
        &self,
        ring_fd: u32,
        group: u32,
        buffers: &[cr_img_uring_buffer],
    ) -> Result {
        // SAFETY: The file is a valid instance that is used by nobody else; `buffers` is valid for reads.
        to_result(unsafe {
            bindings::cr_shim_uring_provide(
                self.as_ptr(),
                ring_fd,
                group,
                buffers.as_ptr(),
                buffers.len() as u32,
            )
        })
    }

    /// Whether a mapping of an instance shows what somebody would see who mapped it again.
    pub fn uring_is_mapped(&self, mm: &Mm, start: u64, end: u64, pgoff: u64) -> bool {
        // SAFETY: The file is a valid instance, the memory is valid; the call takes the locks of both.
        unsafe {
            bindings::cr_shim_uring_is_mapped(
                self.as_ptr(),
                mm.as_ptr(),
                start,
                end.saturating_sub(start),
                pgoff,
            )
        }
    }
}

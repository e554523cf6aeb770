// SPDX-License-Identifier: GPL-2.0

//! Maps of bpf(2).
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use crate::{bindings, file::FileRef};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use bindings::{CR_BPF_X_BTF, CR_BPF_X_TYPE, CR_BPF_X_USED};

/// A BPF map.
impl FileRef {
    /// All but its elements, and what is not supported of it, as bits: CR_BPF_X_*.
    pub fn read_bpf_map(&self) -> (cr_img_bpf_map, u64) {
        let mut out = cr_img_bpf_map::default();
        // SAFETY: The file is a valid map, `out` is valid for writes.
        let unsupported = unsafe { bindings::cr_shim_bpf_read(self.as_ptr(), &mut out) };
        (out, u64::from(unsupported))
    }

    /// How many bytes its elements take, and how many they are; as many as fit are written. Fails
    /// with EAGAIN when somebody changes them.
    pub fn read_bpf_elements(&self, room: &mut [u8]) -> Result<(usize, u32)> {
        let (mut length, mut nr) = (0, 0);
        // SAFETY: The file is a valid map; `room` is valid for writes of its length, the rest, too.
        to_result(unsafe {
            bindings::cr_shim_bpf_elements(
                self.as_ptr(),
                room.as_mut_ptr(),
                room.len(),
                &mut length,
                &mut nr,
            )
        })?;
        Ok((length, nr))
    }

    /// A map with these elements, the record of which was checked. For a moment, the current task has a descriptor of it. ERANGE: this
    /// machine may have another number of processors.
    pub fn make_bpf_map(map: &cr_img_bpf_map, elements: &[u8]) -> Result<Self> {
        // SAFETY: `map` is valid; the result is an error or referenced.
        let file = Self::from_result(unsafe { bindings::cr_shim_bpf_make(map) })?;
        // SAFETY: The file is a valid map, which nobody else has, with elements of the size that the
        // record says, of which `elements` has as many as the codec has counted.
        to_result(unsafe { bindings::cr_shim_bpf_fill(file.as_ptr(), elements.as_ptr(), map.nr) })?;
        if map.flags & CR_BPF_MAP_FROZEN != 0 {
            // SAFETY: The file is a valid map.
            unsafe { bindings::cr_shim_bpf_freeze(file.as_ptr()) };
        }
        Ok(file)
    }
}

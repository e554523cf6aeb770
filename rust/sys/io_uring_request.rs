// SPDX-License-Identifier: GPL-2.0

//! Requests of io_uring in progress.
//!
//! C source: [`io_uring/`](srctree/io_uring).

use crate::{bindings, file::FileRef};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use crate::bindings::{
    CR_URING_R_ASYNC, CR_URING_R_CHANGED, CR_URING_R_CREDS, CR_URING_R_DRAIN, CR_URING_R_KIND,
    CR_URING_R_LINKED, CR_URING_R_OTHER, CR_URING_R_PARTIAL, CR_URING_R_PASSED,
    CR_URING_R_REPLACED, CR_URING_R_SELECTED,
};

/// A request in progress.
pub struct Request {
    read: bindings::cr_shim_uring_request,
    file: Option<FileRef>,
}

impl Request {
    /// What it says, but for other objects and the place of a registered file.
    pub fn image(&self) -> &cr_img_uring_request {
        &self.read.image
    }

    /// The file that it is about, unless that is a registered one.
    pub fn file(&self) -> Option<&FileRef> {
        self.file.as_ref()
    }

    /// The identity of what a registered file is in, 0: none.
    pub fn node(&self) -> u64 {
        self.read.node
    }

    /// The identity of the thread that has submitted it.
    pub fn task(&self) -> usize {
        self.read.task as usize
    }

    /// `CR_URING_R_*`, as bits.
    pub fn unsupported(&self) -> u32 {
        self.read.unsupported
    }

    /// What tells it from others.
    pub fn identity(&self) -> u64 {
        self.read.identity
    }

    /// The same of the one before it in the queue of its file, 0: there is none.
    pub fn before(&self) -> u64 {
        self.read.before
    }

    /// Whether it is in the part of the queue of which one is woken.
    pub fn is_exclusive(&self) -> bool {
        self.read.exclusive != 0
    }
}

impl FileRef {
    /// The requests of an instance whose tasks stand still: time-outs first, in their order.
    pub fn uring_requests(&self) -> Result<KVVec<Request>> {
        let mut requests = KVVec::new();
        loop {
            let room = requests.len();
            let mut read = KVVec::with_capacity(room, GFP_KERNEL)?;
            for _ in 0..room {
                read.push(bindings::cr_shim_uring_request::default(), GFP_KERNEL)?;
            }
            // SAFETY: The file is a valid instance, the results are valid for writes, as many as there
            // is room for.
            let nr = unsafe {
                bindings::cr_shim_uring_requests(self.as_ptr(), read.as_mut_ptr(), room as u32)
            } as usize;
            for (place, read) in requests.iter_mut().zip(read) {
                // SAFETY: The reference is ours.
                let file = NonNull::new(read.file).map(|file| unsafe { FileRef::from_owned(file) });
                *place = Request { read, file };
            }
            if nr <= room {
                requests.truncate(nr);
                return Ok(requests);
            }
            requests.clear();
            for _ in 0..nr {
                let nothing = Request {
                    read: bindings::cr_shim_uring_request::default(),
                    file: None,
                };
                requests.push(nothing, GFP_KERNEL)?;
            }
        }
    }

    /// What the registered files of an instance are in, with their places.
    pub fn uring_nodes(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let mut next = Some(0u32);
        core::iter::from_fn(move || {
            let mut at = next?;
            // SAFETY: The file is a valid instance.
            let node = unsafe { bindings::cr_shim_uring_node(self.as_ptr(), &mut at) };
            next = at.checked_add(1);
            (node != 0).then_some((node, at))
        })
    }

    /// Submits a request of an instance again, as the current task, which has the two as descriptors.
    pub fn issue_uring_request(
        &self,
        request: &cr_img_uring_request,
        ring_fd: u32,
        fd: u32,
    ) -> Result {
        // SAFETY: The file is a valid instance that is used by nobody else; the current task has the
        // right to submit requests.
        to_result(unsafe { bindings::cr_shim_uring_issue(self.as_ptr(), request, ring_fd, fd) })
    }
}

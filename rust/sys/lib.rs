// SPDX-License-Identifier: GPL-2.0

//! Safe wrappers over what checkpoint and restart need of the kernel and the `kernel` crate lacks.
//!
//! All unsafe code of the module is in this crate, and in the C shims under `shim/` for what Rust
//! cannot reach at all. Types are handles that own a reference for as long as they live; nothing
//! here knows what a checkpoint is.
//!
//! - [`task`] — tasks, and reading what they are.
//! - [`pid_ns`] — pid namespaces, and numbers in them.
//! - [`park`] — making tasks stand still.
//! - [`call`] — system calls by their numbers.
//! - [`regs`] — registers.
//! - [`security`] — audit ids, and who may trace a process.
//! - [`session`] — what comes with a session.
//! - [`mm`] — memory descriptors, mappings and pages.
//! - [`aio`] — contexts of asynchronous I/O.
//! - [`io_uring`] — io_uring instances.
//! - [`io_uring_buffers`] — buffers that are provided to them.
//! - [`io_uring_request`] — requests of io_uring in progress.
//! - [`file`] — open files, pipes, locks, shared memory.
//! - [`kernfs_file`] — files of cgroups.
//! - [`path`] — places in a tree of mounts.
//! - [`pidfd`] — processes as files.
//! - [`signalfd`] — signals as files.
//! - [`timerfd`] — timers as files.
//! - [`fanotify`] — what fanotify groups watch, and have to tell.
//! - [`inotify`] — what inotify instances watch, and have to tell; names of inodes.
//! - [`hugetlb`] — huge pages that programs have asked for.
//! - [`inode`] — inodes whose contents are in the image.
//! - [`sysv`] — System V semaphores, message queues and shared memory.
//! - [`shared`] — shared memory as it was at one moment.
//! - [`track`] — which pages change between checkpoints.
//! - [`build`] — creating tasks, and system calls in their context.
//! - [`sync`] — waiting that ends when the waiter is killed.
//! - [`misc`] — clocks, checksums, the module's own reference count.

// Kbuild says no_std as well.
#![allow(unused_attributes, clippy::duplicated_attributes)]
#![no_std]

pub mod aio;
pub mod bpf;
pub mod build;
pub mod call;
mod cork;
pub mod cred;
pub mod dnotify;
pub mod errno;
pub mod fanotify;
pub mod file;
pub mod hugetlb;
pub mod inet;
pub mod inode;
pub mod inotify;
pub mod io_uring;
pub mod io_uring_buffers;
pub mod io_uring_request;
pub mod kernfs_file;
pub mod landlock;
pub mod lazy;
pub mod list;
pub mod misc;
pub mod mm;
pub mod mqueue;
pub mod netlink;
pub mod numa;
pub mod owner;
pub mod packet;
pub mod park;
pub mod path;
pub mod pid_ns;
pub mod pidfd;
pub mod proc_file;
pub(crate) mod queue;
pub mod regs;
pub mod security;
pub mod segments;
pub mod session;
pub mod shared;
pub mod signalfd;
pub mod sleep;
mod sockerr;
pub mod socket;
mod sockfilter;
pub mod sync;
pub mod sysv;
pub mod task;
pub mod tcp;
pub mod timerfd;
pub mod trace;
pub mod track;
pub mod tty;
pub mod udp;
pub mod vec;
pub mod vfork;
pub mod work;

pub(crate) mod bindings {
    #![allow(
        missing_docs,
        dead_code,
        non_camel_case_types,
        non_upper_case_globals,
        improper_ctypes,
        unreachable_pub,
        clippy::all,
        clippy::undocumented_unsafe_blocks
    )]
    use cr_codec::uapi::*;
    pub(crate) use kernel::bindings::*;
    use kernel::ffi;
    include!(concat!(env!("CR_OBJ"), "/rust/sys/shim_generated.rs"));
}

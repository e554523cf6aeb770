// SPDX-License-Identifier: GPL-2.0

//! The kinds of state, one file for each: its records, how it is saved, how it is restored, and
//! what is refused and why.

pub(crate) mod audit;
pub(crate) mod clock;
pub(crate) mod controls;
pub(crate) mod cpu;
pub(crate) mod cred;
pub(crate) mod debugreg;
pub(crate) mod event;
pub(crate) mod fdtable;
pub(crate) mod file;
pub(crate) mod fs;
pub(crate) mod guard;
pub(crate) mod inherit;
pub(crate) mod inode;
pub(crate) mod ipc;
pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod mm;
pub(crate) mod owner;
pub(crate) mod pid_ns;
pub(crate) mod pidfd;
pub(crate) mod pipe;
pub(crate) mod posix_timer;
pub(crate) mod proc_mem;
pub(crate) mod ptracer;
pub(crate) mod regs;
pub(crate) mod sched;
pub(crate) mod seccomp;
pub(crate) mod session;
pub(crate) mod shmem;
pub(crate) mod signal;
pub(crate) mod signalfd;
pub(crate) mod socket;
pub(crate) mod stop;
pub(crate) mod syscall;
pub(crate) mod task;
pub(crate) mod thread;
pub(crate) mod timer;
pub(crate) mod timerfd;
pub(crate) mod trace;
pub(crate) mod usage;
pub(crate) mod uts;

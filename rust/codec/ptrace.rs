// SPDX-License-Identifier: GPL-2.0

//! What ptrace(2) calls the events at which it stops a thread, and tells of system calls.
//!
//! Kernel header: `include/uapi/linux/ptrace.h`.

/// PTRACE_EVENT_FORK
pub const EVENT_FORK: u32 = 1;
/// PTRACE_EVENT_EXEC
pub const EVENT_EXEC: u32 = 4;
/// PTRACE_EVENT_VFORK_DONE
pub const EVENT_VFORK_DONE: u32 = 5;
/// PTRACE_EVENT_EXIT
pub const EVENT_EXIT: u32 = 6;
/// PTRACE_EVENT_SECCOMP
pub const EVENT_SECCOMP: u32 = 7;
/// PTRACE_EVENT_STOP
pub const EVENT_STOP: u32 = 128;
/// PTRACE_EVENTMSG_SYSCALL_ENTRY
pub const SYSCALL_ENTRY: u64 = 1;
/// PTRACE_EVENTMSG_SYSCALL_EXIT
pub const SYSCALL_EXIT: u64 = 2;

// SPDX-License-Identifier: GPL-2.0

//! The first life of the guardian of a cgroup: a process that shares the memory of `crctl`.
//!
//! Somebody waits for a restart. A fork takes longer than all that `crctl` does besides, an exec
//! again three times as long; to start a process in the memory that is there takes next to nothing.
//! The price is that it runs beside `crctl` with the same thread-local storage and the same heap. So
//! it makes bare system calls (those of the C library write `errno`), does not allocate, cannot
//! panic, and reads nothing but its [`Plan`], which nobody writes any more. When there is time, it
//! becomes a process like others by an exec.

use std::{
    arch::asm,
    ffi::{c_char, c_int, c_void, CStr, CString},
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    ptr,
};

use nix::{
    errno::Errno,
    sys::signal::{sigprocmask, SigSet, SigmaskHow},
    unistd::Pid,
};

/// What `crctl` says: it goes, the container stays.
pub const RELEASE: u8 = b'r';
/// What `crctl` says: it stays with the container, nobody waits any more.
pub const STAY: u8 = b's';

/// Argument of the second life: the container stays when `crctl` has gone.
pub const RELEASED: &CStr = c"released";

const NAME: &CStr = c"crctl: guardian";
const PROGRAM: &CStr = c"/proc/self/exe";
const STACK: usize = 4 << 10;

/// All that the process needs to know. It is never freed: the process may outlive `crctl`.
struct Plan {
    pipe: RawFd,
    parent: RawFd,
    arg0: CString,
}

/// Starts the process. At the end of `crctl`, or when it is told to, it executes this program with
/// `arg0` and perhaps [`RELEASED`] as arguments, `pipe` as standard input and `parent` as standard
/// output.
pub fn start(pipe: BorrowedFd<'_>, parent: BorrowedFd<'_>, arg0: CString) -> nix::Result<Pid> {
    let plan: &'static Plan = Box::leak(Box::new(Plan {
        pipe: pipe.as_raw_fd(),
        parent: parent.as_raw_fd(),
        arg0,
    }));
    let stack = vec![0u128; STACK / size_of::<u128>()].leak();

    // It has no handlers that could be called, and nothing may end it but SIGKILL.
    let mut mask = SigSet::empty();
    sigprocmask(
        SigmaskHow::SIG_SETMASK,
        Some(&SigSet::all()),
        Some(&mut mask),
    )?;
    // SAFETY: `live` gets the argument that it expects, and a stack which is its own: neither is ever
    // freed. It does nothing that could disturb its parent, see there.
    let pid = unsafe {
        libc::clone(
            live,
            stack.as_mut_ptr_range().end.cast(),
            libc::CLONE_VM | libc::SIGCHLD,
            ptr::from_ref(plan).cast_mut().cast(),
        )
    };
    let pid = Errno::result(pid).map(Pid::from_raw);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
    let pid = pid?;
    // What is sent to the group of `crctl` is not for the guardian, from now on.
    nix::unistd::setpgid(pid, pid)?;
    Ok(pid)
}

/// Runs in the memory of `crctl`: only system calls, nothing that panics, no thread-local storage.
extern "C" fn live(plan: *mut c_void) -> c_int {
    // SAFETY: This is the argument of `start`, which is never freed and does not change.
    let plan = unsafe { &*plan.cast_const().cast::<Plan>() };

    call(
        libc::SYS_prctl,
        [libc::PR_SET_NAME as usize, NAME.as_ptr() as usize, 0],
    );
    // No descriptor of `crctl` may stay open longer than `crctl`.
    call(libc::SYS_dup2, [plan.pipe as usize, 0, 0]);
    call(libc::SYS_dup2, [plan.parent as usize, 1, 0]);
    call(libc::SYS_dup2, [plan.parent as usize, 2, 0]);
    call(libc::SYS_close_range, [3, c_int::MAX as usize, 0]);

    let mut word = 0;
    let released = hear(&mut word) == 1 && word == RELEASE;
    if released {
        // Its end first: who waits for it does not have to wait for the exec.
        while hear(&mut word) > 0 {}
        nap(50);
    }
    let mode = match released {
        true => RELEASED.as_ptr(),
        false => ptr::null(),
    };
    let args: [*const c_char; 3] = [plan.arg0.as_ptr(), mode, ptr::null()];
    let environment: [*const c_char; 1] = [ptr::null()];
    loop {
        call(
            libc::SYS_execve,
            [
                PROGRAM.as_ptr() as usize,
                args.as_ptr() as usize,
                environment.as_ptr() as usize,
            ],
        );
        // There was no memory. There will be.
        nap(1000);
    }
}

/// Waits for a byte on standard input; the result is that of read(2).
fn hear(word: &mut u8) -> isize {
    call(libc::SYS_read, [0, ptr::from_mut(word) as usize, 1])
}

fn nap(ms: i64) {
    let time = libc::timespec {
        tv_sec: ms / 1000,
        tv_nsec: ms % 1000 * 1_000_000,
    };
    call(libc::SYS_nanosleep, [ptr::from_ref(&time) as usize, 0, 0]);
}

/// A system call, without `errno`.
fn call(number: i64, args: [usize; 3]) -> isize {
    let [a, b, c] = args;
    let result;
    // SAFETY: Those above write to the variables of their callers only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

// SPDX-License-Identifier: GPL-2.0

//! System calls by their names, which people are told.

/// A system call, for people.
#[derive(Clone, Copy)]
pub(crate) enum CallName {
    /// By its name.
    Name(&'static str),
    /// By its name, and restart_syscall(2), which would continue it, is forbidden.
    NoRestart(&'static str),
    /// By its number.
    Number(u32),
    /// By the number that 32-bit programs have for it.
    Compat(u32),
    /// One whose end its tracer waits for.
    Traced,
    /// Not in a system call at all.
    NoCall,
}

impl core::fmt::Display for CallName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}(2)"),
            Self::NoRestart(name) => write!(
                f,
                "{name}(2) under a seccomp filter that does not allow restart_syscall(2)"
            ),
            Self::Number(nr) => write!(f, "system call {nr}"),
            Self::Compat(nr) => write!(f, "system call {nr} of 32-bit programs"),
            Self::Traced => f.write_str("a system call that its tracer waits for"),
            Self::NoCall => f.write_str("the kernel"),
        }
    }
}

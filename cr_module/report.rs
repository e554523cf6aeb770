// SPDX-License-Identifier: GPL-2.0

//! Failures, and the words for them.
//!
//! A failure carries an error number for programs and a line for people. The line is put together
//! from the inside out: the place that fails says what is wrong, and each place that passes the
//! failure on says whose it is, so that the user reads "pid 12 (redis-server): fd 7: ...".

use core::fmt::{self, Write};
use cr_codec::{check::CheckError, uapi::CR_COMM_LEN, FormatError, FormatErrorKind};
use cr_sys::{errno::*, file::FileRef};
use kernel::{alloc::AllocError, error::Error, prelude::*, str::CString};

/// A failure: what the call returns, and why.
pub(crate) struct Failure {
    errno: Error,
    /// None when there was no memory for words.
    text: Option<CString>,
}

/// Result of nearly everything here.
pub(crate) type Result<T = ()> = core::result::Result<T, Failure>;

impl Failure {
    /// A failure with a line of text.
    pub(crate) fn new(errno: Error, text: fmt::Arguments<'_>) -> Self {
        Self {
            errno,
            text: CString::try_from_fmt(text).ok(),
        }
    }

    /// What the call returns.
    pub(crate) fn errno(&self) -> Error {
        self.errno
    }

    /// Puts words before the text.
    fn prefixed(self, prefix: fmt::Arguments<'_>) -> Self {
        let text = match &self.text {
            Some(text) => {
                let text = text.to_str().unwrap_or("");
                CString::try_from_fmt(format_args!("{prefix}: {text}")).ok()
            }
            None => CString::try_from_fmt(format_args!("{prefix}: {}", Words(self.errno))).ok(),
        };
        Self { text, ..self }
    }
}

/// The name of an error number.
struct Words(Error);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => write!(f, "{}", name.to_str().unwrap_or("error")),
            None => write!(f, "error {}", self.0.to_errno()),
        }
    }
}

impl From<Error> for Failure {
    fn from(errno: Error) -> Self {
        Self { errno, text: None }
    }
}

impl From<AllocError> for Failure {
    fn from(_: AllocError) -> Self {
        ENOMEM.into()
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        let errno = match error.kind {
            FormatErrorKind::Version(_)
            | FormatErrorKind::Architecture { .. }
            | FormatErrorKind::PageSize { .. }
            | FormatErrorKind::RecordVersion { .. } => EPROTONOSUPPORT(),
            FormatErrorKind::Usage(_) => EINVAL,
            _ => EBADMSG(),
        };
        Self::new(errno, format_args!("{error}"))
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        Self::new(EBADMSG(), format_args!("{error}"))
    }
}

/// Makes a [`Failure`] of an error number and a format.
macro_rules! failure {
    ($errno:expr, $($text:tt)*) => {
        $crate::report::Failure::new($errno, format_args!($($text)*))
    };
}
pub(crate) use failure;

/// Returns a [`Failure`] made of an error number and a format.
macro_rules! fail {
    ($($text:tt)*) => {
        return Err($crate::report::failure!($($text)*))
    };
}
pub(crate) use fail;

/// Says whose failure it is.
pub(crate) trait Context<T> {
    /// Puts "prefix: " before the words of a failure.
    fn context(self, prefix: fmt::Arguments<'_>) -> Result<T>;
}

impl<T, E: Into<Failure>> Context<T> for core::result::Result<T, E> {
    fn context(self, prefix: fmt::Arguments<'_>) -> Result<T> {
        self.map_err(|error| error.into().prefixed(prefix))
    }
}

/// What is said of the first thing that is not supported and is there: `table` has words for bits of
/// `unsupported`.
pub(crate) fn words_for(table: &[(u32, &'static str)], unsupported: u64) -> Option<&'static str> {
    let found = table.iter().find(|(bit, _)| unsupported & (1 << bit) != 0);
    found.map(|(_, words)| *words)
}

/// The bytes of a name that may be anything, for people.
pub(crate) struct Name<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take_while(|byte| **byte != 0) {
            match byte {
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                _ => f.write_char('?')?,
            }
        }
        Ok(())
    }
}

/// A task, for people: "pid 12 (redis-server)".
pub(crate) struct Who {
    pub(crate) pid: u32,
    pub(crate) comm: [u8; CR_COMM_LEN as usize],
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, Name(&self.comm))
    }
}

/// Where the caller wants to read what happens.
pub(crate) struct Log(Option<FileRef>);

impl Log {
    /// The file behind a descriptor, or nobody if it is -1.
    pub(crate) fn from_fd(fd: i32) -> Result<Self> {
        match fd {
            -1 => Ok(Self(None)),
            fd => Ok(Self(Some(
                FileRef::from_fd_writable(fd).context(format_args!("log descriptor"))?,
            ))),
        }
    }

    /// Writes a line. That nobody reads it is no reason to fail.
    fn line(&self, text: fmt::Arguments<'_>) {
        let Some(file) = &self.0 else { return };
        let Ok(line) = CString::try_from_fmt(format_args!("{text}\n")) else {
            return;
        };
        let _ = file.write(line.to_bytes());
    }

    /// Reports a failure.
    pub(crate) fn failure(&self, failure: &Failure) {
        match &failure.text {
            Some(text) => self.line(format_args!("{}", text.to_str().unwrap_or("?"))),
            None => self.line(format_args!("{}", Words(failure.errno))),
        }
    }

    /// Reports how far a long piece of work is, in pages.
    pub(crate) fn progress(&self, done: u64, total: u64) {
        self.line(format_args!("progress {done} {total}"));
    }
}

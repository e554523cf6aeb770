// SPDX-License-Identifier: GPL-2.0

//! Errors and exit codes.

use std::io;

use cr_codec::{check::CheckError, FormatError};
use nix::errno::Errno;

use crate::image::ReadError;

/// Exit codes, as documented in the manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Something else went wrong.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The container has state that cannot be saved or restored; or it shares something.
    Refused = 3,
    /// The image is damaged, incomplete, or not for this machine.
    BadImage = 4,
    /// The caller may not, or the module is not there.
    NotPermitted = 5,
}

/// Errors that have an exit code of their own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See [`Code::Usage`].
    #[error("{0}")]
    Usage(String),
    /// See [`Code::Refused`].
    #[error("{0}")]
    Refused(String),
    /// See [`Code::BadImage`].
    #[error("{0}")]
    BadImage(String),
    /// See [`Code::NotPermitted`].
    #[error("{0}")]
    NotPermitted(String),
    /// The kernel has given the reason already.
    #[error("failed")]
    Reported(Code),
}

impl Error {
    /// The exit code.
    pub fn code(&self) -> Code {
        match self {
            Self::Usage(_) => Code::Usage,
            Self::Refused(_) => Code::Refused,
            Self::BadImage(_) => Code::BadImage,
            Self::NotPermitted(_) => Code::NotPermitted,
            Self::Reported(code) => *code,
        }
    }
}

/// What kind of error of input or output a cause is, if it is one.
pub fn io_kind(cause: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    match cause.downcast_ref() {
        Some(ReadError::Io(err)) => Some(err.kind()),
        _ => Some(cause.downcast_ref::<io::Error>()?.kind()),
    }
}

/// The exit code of an error.
pub fn code(err: &anyhow::Error) -> Code {
    for cause in err.chain() {
        if let Some(err) = cause.downcast_ref::<Error>() {
            return err.code();
        }
        let format = matches!(cause.downcast_ref(), Some(ReadError::Format(_)));
        let format = format || io_kind(cause) == Some(io::ErrorKind::InvalidData);
        if format || cause.is::<FormatError>() || cause.is::<CheckError>() {
            return Code::BadImage;
        }
    }
    Code::Failure
}

/// Prints an error, unless the kernel's log has said it, and returns its exit code.
pub fn report(command: &str, err: &anyhow::Error) -> Code {
    let reported = err
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(Error::Reported(_))));
    if !reported {
        eprintln!("crctl: {command}: {err:#}");
    }
    code(err)
}

/// What an error number of CHECKPOINT or RESTART means for the exit code.
pub fn code_of_errno(errno: Errno) -> Code {
    match errno {
        Errno::EOPNOTSUPP | Errno::EBUSY | Errno::ESTALE | Errno::ENXIO => Code::Refused,
        Errno::EBADMSG | Errno::EPROTONOSUPPORT => Code::BadImage,
        Errno::EPERM | Errno::EACCES => Code::NotPermitted,
        _ => Code::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn codes_are_found_below_context() {
        let err: anyhow::Result<()> = Err(Error::Refused("io_uring".into()).into());
        assert_eq!(code(&err.context("pid 1").unwrap_err()), Code::Refused);
        let err = FormatError::new(0, cr_codec::FormatErrorKind::Empty);
        assert_eq!(
            code(&anyhow::Error::new(err).context("img")),
            Code::BadImage
        );
        assert_eq!(code(&anyhow::anyhow!("what?")), Code::Failure);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Error numbers that `kernel::error::code` does not have.
//!
//! C headers: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h).

use kernel::{bindings, error::Error};

macro_rules! errno {
    ($($name:ident: $doc:literal),* $(,)?) => {
        $(
            #[doc = $doc]
            pub fn $name() -> Error {
                Error::from_errno(-(bindings::$name as i32))
            }
        )*
    };
}

#[allow(non_snake_case)]
mod code {
    use super::*;
    errno! {
        EOPNOTSUPP: "Operation not supported.",
        ENETDOWN: "Network is down: a device is.",
        EBADMSG: "Not a data message: the image is damaged.",
        EPROTONOSUPPORT: "Protocol not supported: an image of another kind.",
        ESTALE: "Stale file handle: a file is not what it was.",
        ELOOP: "A symbolic link where there was none.",
        ENOSYS: "Function not implemented.",
        EUSERS: "Too many users.",
        EADDRINUSE: "Address already in use.",
        EADDRNOTAVAIL: "Address not available.",
        ECONNREFUSED: "Connection refused.",
        EINPROGRESS: "Operation now in progress.",
        ECANCELED: "Operation canceled.",
        ENOTUNIQ: "Name not unique: somebody else notes changes.",
        ENOTCONN: "Transport endpoint is not connected.",
        ENOTSOCK: "Socket operation on something else.",
    }
}
pub use code::*;

// SPDX-License-Identifier: GPL-2.0

//! `/dev/cr`.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use crate::error::Error;

/// Path of the device.
pub const PATH: &str = "/dev/cr";

/// The device, open.
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens the device; the error says what can be done.
    pub fn open() -> Result<Self, Error> {
        let opened = OpenOptions::new().read(true).write(true).open(PATH);
        opened.map(Self).map_err(|err| {
            Error::NotPermitted(match err.kind() {
                io::ErrorKind::NotFound if Path::new("/sys/module/cr").exists() => {
                    format!("{PATH} is missing although the module is loaded: is /dev a devtmpfs?")
                }
                io::ErrorKind::NotFound => {
                    format!("{PATH} is missing: load the module (modprobe cr)")
                }
                io::ErrorKind::PermissionDenied => format!("{PATH}: {err}: try as root"),
                _ => format!("{PATH}: {err}: is the module loaded?"),
            })
        })
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

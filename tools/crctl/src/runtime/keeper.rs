// SPDX-License-Identifier: GPL-2.0

//! Who sees to the only copy of a container when `crctl checkpoint --kill` is killed itself.
//!
//! The kernel ends the container, and only then can `crctl` give the image its name. The keeper is a
//! process that is there before: when `crctl` is gone without a word, it looks whether the image is
//! complete, and gives it its name or removes it.

use std::{
    fs::File,
    io::{Read, Write},
};

use anyhow::{Context, Result};
use nix::{
    fcntl::OFlag,
    sys::wait::waitpid,
    unistd::{pipe2, setsid, ForkResult, Pid},
};

use crate::sys;

/// A process that waits for the end of this one.
#[derive(Debug)]
pub struct Keeper {
    pipe: File,
    child: Pid,
}

impl Keeper {
    /// Starts it. There must be no threads. It calls `rescue` when this process ends before
    /// [`Keeper::dismiss`].
    pub fn start(rescue: impl FnOnce()) -> Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).context("pipe")?;
        match sys::fork().context("fork")? {
            ForkResult::Parent { child } => Ok(Self {
                pipe: write.into(),
                child,
            }),
            ForkResult::Child => {
                drop(write);
                // What ends crctl is not for the keeper.
                let _ = setsid();
                let _ = nix::sys::prctl::set_name(c"crctl: keeper");
                let mut words = Vec::new();
                let heard = File::from(read).read_to_end(&mut words);
                if heard.is_ok() && words.is_empty() {
                    rescue();
                }
                sys::exit(0)
            }
        }
    }

    /// Everything is in order.
    pub fn dismiss(mut self) {
        let _ = self.pipe.write_all(b"!");
        drop(self.pipe);
        let _ = waitpid(self.child, None);
    }
}

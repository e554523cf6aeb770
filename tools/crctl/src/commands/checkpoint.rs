// SPDX-License-Identifier: GPL-2.0

//! `crctl checkpoint`.

use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use cr_codec::uapi::*;
use nix::{errno::Errno, unistd::Pid};

use crate::{
    cli::Checkpoint,
    device::Device,
    error::{code_of_errno, Code, Error},
    runtime::{cgroup, log::Log, output::Output, parents::About, section, stats},
    sys,
};

/// Key under which a standard descriptor is declared, and supplied at restart.
pub(super) const STANDARD_KEYS: [u32; 3] = [0, 1, 2];

pub(super) fn checkpoint(args: &Checkpoint) -> Result<u8> {
    let device = Device::open()?;
    let pidfd = sys::pidfd_open(Pid::from_raw(args.pid)).map_err(|err| match err {
        Errno::ESRCH | Errno::EINVAL => anyhow::anyhow!("pid {}: no such process", args.pid),
        err => anyhow::Error::new(err).context(format!("pid {}", args.pid)),
    })?;
    if let Some(path) = cgroup::below_ours(args.pid) {
        let (pid, path) = (args.pid, path.display());
        return Err(Error::Refused(format!(
            "pid {pid}: is in a cgroup that the container has made, {path}, which is not supported \
             yet: move its processes back to the cgroup above"
        ))
        .into());
    }
    let externals = externals(args);
    let mut section =
        section::Section::of_process(args.pid).with_context(|| format!("pid {}", args.pid))?;
    let mut parent = None;
    if let Some(path) = &args.parent {
        parent = Some(About::of_file(path)?.id);
        let absolute = path.canonicalize();
        section.parent = Some(absolute.with_context(|| path.display().to_string())?);
    }
    let section = section.to_bytes()?;
    let mut output = Output::open(args.output.as_deref(), args.kill)?;
    if args.kill {
        output = output.with_keeper()?;
    }
    let log = Log::start("checkpoint")?;
    let output = output.start(args.compress)?;
    let mut flags = 0;
    if args.kill {
        flags |= CR_CHECKPOINT_KILL;
    }
    if log.wants_progress() {
        flags |= CR_CHECKPOINT_PROGRESS;
    }
    if parent.is_some() {
        flags |= CR_CHECKPOINT_INCREMENT;
    }
    if !args.no_track {
        flags |= CR_CHECKPOINT_TRACK;
    }
    if args.exclude_dontdump {
        flags |= CR_CHECKPOINT_NO_DONTDUMP;
    }
    let confirm = output.confirm().filter(|_| args.kill);
    if confirm.is_some() {
        flags |= CR_CHECKPOINT_CONFIRM;
    }
    let mut arg = cr_checkpoint {
        flags,
        confirm_fd: confirm.map_or(-1, |fd| fd.as_raw_fd()),
        parent: parent.unwrap_or_default(),
        pidfd: pidfd.as_raw_fd(),
        image_fd: output.fd().as_raw_fd(),
        log_fd: log.fd().as_raw_fd(),
        timeout_ms: args.timeout_ms,
        ..Default::default()
    };
    let sections = [(section_name(section::NAME), &section[..])];
    let result = sys::checkpoint(device.as_fd(), &mut arg, &externals, &sections);
    let output = match output.settle() {
        Ok(output) => output,
        Err(err) => {
            log.discard();
            return Err(err);
        }
    };
    let explained = log.finish();
    result.map_err(|errno| failure(errno, explained))?;

    output.commit()?;
    if let Some(format) = args.stats {
        stats::print(&arg.stats, format);
    }
    Ok(0)
}

/// What the user has declared, and the standard descriptors of init.
fn externals(args: &Checkpoint) -> Vec<cr_external> {
    let mut externals: Vec<_> = args
        .externals
        .iter()
        .map(|external| cr_external {
            pid: external.pid,
            fd: external.fd,
            key: external.key,
            reserved: 0,
        })
        .collect();
    let init = section::living_thread(args.pid);
    for (fd, key) in (0..).zip(STANDARD_KEYS) {
        let declared = externals
            .iter()
            .any(|external| external.pid == 1 && external.fd == fd);
        let taken = externals.iter().any(|external| external.key == key);
        if !declared && !taken && init.join(format!("fd/{fd}")).is_symlink() {
            externals.push(cr_external {
                pid: 1,
                fd,
                key,
                reserved: 0,
            });
        }
    }
    externals
}

fn section_name(name: &str) -> [u8; 16] {
    let mut padded = [0; 16];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}

/// What an error number means, if the kernel has not said so.
fn failure(errno: Errno, explained: bool) -> anyhow::Error {
    let code = code_of_errno(errno);
    if explained {
        return Error::Reported(code).into();
    }
    let text = match errno {
        Errno::EPERM | Errno::EACCES => {
            "not permitted: CAP_CHECKPOINT_RESTORE is needed, and the right to read the processes"
        }
        Errno::ESRCH => "no such process, or it has just ended",
        Errno::EINVAL => "not the init of a container, or this process is in it",
        Errno::EOPNOTSUPP => "the container has state that cannot be saved",
        Errno::EBUSY => "it is being checkpointed already, or shares something with the outside",
        Errno::ETIMEDOUT => "a process did not stand still in time",
        Errno::ESTALE => "the parent is not the last checkpoint of this container",
        Errno::EAGAIN => "a process ended meanwhile",
        Errno::EPIPE => "nobody reads the image any more",
        errno => errno.desc(),
    };
    match code {
        Code::NotPermitted => Error::NotPermitted(text.into()).into(),
        Code::Refused => Error::Refused(text.into()).into(),
        _ => anyhow::anyhow!(text),
    }
}
